#include "cmd/dtrace/dump.h"

#include <iterator>

#include "cmd/dtrace/link_types.h"
#include "cmd/dtrace/messages.h"
#include "cmd/dtrace/object_file.h"
#include "cmd/dtrace/programs.h"
#include "cmd/dtrace/tracing.h"
#include "typing/dump.h"

namespace ht::dtrace {
namespace {

struct DumpWord {
  std::string_view word;
  typing::DumpKind kind;
  bool graphviz;
};
constexpr DumpWord kWords[] = {
    {"cfg", typing::DumpKind::kCfg, false},     {"cfg.dot", typing::DumpKind::kCfg, true},
    {"ifg", typing::DumpKind::kIfg, false},     {"ifg.dot", typing::DumpKind::kIfg, true},
    {"types", typing::DumpKind::kTypes, false}, {"types.dot", typing::DumpKind::kTypes, true},
};

std::optional<dif::Program> program_of(CommandLine& line) {
  if (!line.object.empty()) return read_object(line);
  if (!load_sources(line)) return std::nullopt;
  return compile_sources(line, 0);
}

}  // namespace

int dump_program(CommandLine& line) {
  const DumpWord* chosen = std::begin(kWords);
  for (const DumpWord& row : kWords) {
    if (row.word == line.options["dump"]) chosen = &row;
  }
  const auto program = program_of(line);
  if (!program) return kFatal;
  // With -E nothing is known of any kernel, unless a type file says it.
  std::shared_ptr<const types::TypeFile> types;
  if (!type_file_path(line).empty() || (!line.guests && link::needs_types(*program))) {
    auto read = link_types(line);
    if (!read) return fatal(read.error());
    types = std::move(*read);
  }
  auto stream = open_output(line);
  if (!stream) return fatal(stream.error());
  (*stream)->write(typing::dump(*program, types.get(), chosen->kind, chosen->graphviz));
  auto flushed = (*stream)->flush();
  return flushed ? kOk : fatal(flushed.error());
}

}  // namespace ht::dtrace
