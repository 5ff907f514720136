#include "typing/infer.h"

#include <fmt/format.h>

#include <algorithm>

#include "typing/rules.h"

namespace ht::typing {

Result<TypedDifo> infer(const dif::Difo& difo, const Context& context) {
  TypedDifo out;
  ASSIGN_OR_RETURN(out.flow, analyse(difo));
  Rules(difo, context, out).run();
  return out;
}

SourcePos position(const dif::Difo& difo, const dif::Program& program, uint32_t instruction) {
  const auto after = std::upper_bound(difo.lines.begin(), difo.lines.end(), instruction,
                                      [](uint32_t index, const dif::LineEntry& e) { return index < e.index; });
  if (after == difo.lines.begin()) return {};
  const dif::LineEntry& entry = *(after - 1);
  return {entry.file < program.files.size() ? program.files[entry.file] : "", entry.line, entry.column};
}

}  // namespace ht::typing
