// A client's program meets a guest's types: whatever the two say, linking ends in errors or in a program that the
// verifier accepts, that needs no types any more, and that linking again leaves alone.
//
// Input: which program, how many of the changes (five bytes each) are to the types; those; changes to the object.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "d/compile.h"
#include "dif/assembler.h"
#include "dif/verify.h"
#include "link/link.h"
#include "object/elf.h"
#include "real_programs.h"
#include "types/type_file.h"
#include "typing/sample_types.h"

namespace {

using namespace ht;

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const dif::Program& base = fuzz::programs()[data[0] % fuzz::programs().size()];
  const size_t type_bytes = std::min<size_t>(data[1] * size_t{5}, size - 2);
  const auto types = fuzz::changed_types(data + 2, type_bytes);

  Bytes object = object::write(base);
  fuzz::change(object, data + 2 + type_bytes, size - 2 - type_bytes);
  const Result<dif::Program> program = object::read(object);
  if (!program.ok() || !dif::verify(*program, dif::Stage::kCompiled).ok()) return 0;

  const link::LinkResult linked = link::link(*program, types.get(), {"vm1", "6.1"});
  for (const Error& error : linked.errors) check(!error.message.empty());
  if (!linked.ok()) return 0;
  check(linked.program.linked);
  check(!link::needs_types(linked.program));
  check(dif::verify(linked.program, dif::Stage::kLinked).ok());
  (void)dif::disassemble(linked.program);
  const Bytes written = object::write(linked.program);
  const Result<dif::Program> back = object::read(written);
  check(back.ok() && *back == linked.program && object::write(*back) == written);
  const link::LinkResult again = link::link(linked.program, types.get(), {"vm1", "6.1"});
  check(again.ok());
  check(object::write(again.program) == written);
  return 0;
}
