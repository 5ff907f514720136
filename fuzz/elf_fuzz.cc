// Objects from a client or the store: whatever read() accepts must be exactly what write() makes of it, and whatever
// the verifier then accepts must be safe to lay out and to list.
//
// Input that begins like ELF is taken as an object. Any other is a list of changes, five bytes each, to a good object:
// that reaches behind the checks of the container, which random bytes hardly pass.
#include <cstdint>
#include <cstdlib>

#include "dif/assembler.h"
#include "dif/layout.h"
#include "dif/verify.h"
#include "object/elf.h"

namespace {

using namespace ht;

dif::Difo code(const char* text) {
  Result<dif::Difo> difo = dif::assemble(text);
  if (!difo.ok()) std::abort();
  return *difo;
}

dif::Action action(dif::ActionKind kind, std::vector<dif::Difo> arguments) {
  dif::Action result;
  result.kind = kind;
  result.args = std::move(arguments);
  result.arg_kinds.assign(result.args.size(), dif::ActionKind::kDifexpr);
  result.arg_params.assign(result.args.size(), 0);
  return result;
}

// One of everything that the verifier looks at.
Bytes good_object() {
  const dif::Type number = dif::Type::integer(8, true, "int64_t");
  dif::Program program;
  program.sources = {{"a.d", true, "00"}};
  program.files = {"", "a.d"};
  program.options = {{"strsize", "1k"}};
  program.variables.resize(2);
  program.variables[0] = {.name = "g", .id = 0x500, .type = dif::Type::string()};
  program.variables[1] = {.name = "a", .id = 0x501, .kind = dif::VarKind::kArray, .type = number, .keys = {number}};
  program.aggregations = {{.name = "", .id = 1, .function = dif::ActionKind::kLlquantize, .keys = {number}}};
  program.aggregations[0].param = dif::encode_llquantize({.factor = 10, .lmag = 0, .hmag = 3, .steps = 10});

  dif::Clause clause;
  clause.probes = {{.target = "vm*", .provider = "syscall", .name = "entry"}};
  clause.predicate = code("ldgs 0x118, %r1\nsets \"init\", %r2\nscmp %r1, %r2\nbe out\nsetx 1, %r1\nout:\nret %r1");
  clause.predicate->lines = {{.index = 0, .line = 1, .column = 2, .file = 1}};
  clause.actions = {action(dif::ActionKind::kBranchFalse, {code("ldga 0, %r1, %r2\nret %r2")}),
                    action(dif::ActionKind::kPrintf, {code("pushtr 1, %r0, %r1\ncall strlen, %r1\nret %r1")}),
                    action(dif::ActionKind::kLlquantize, {code("ret %r1"), code("ret %r1")}),
                    action(dif::ActionKind::kDifexpr, {code("usetx uid, %r1\nuload [%r1], %r2\nflushts\npushtv 0, %r2\n"
                                                            "stgaa %r2, 0x501\nret %r2")})};
  clause.actions[0].target = 2;
  clause.actions[1].format = "%d\n";
  clause.actions[1].has_format = true;
  clause.actions[2].keys = 1;
  clause.actions[2].aggs = {1};
  program.clauses = {clause};
  if (!dif::verify(program, dif::Stage::kCompiled).ok()) std::abort();
  return object::write(program);
}

// Offset (3 bytes, little-endian), value, how: 0 replaces, others add.
Bytes changed(const Bytes& good, const uint8_t* data, size_t size) {
  Bytes object = good;
  for (; size >= 5; data += 5, size -= 5) {
    uint8_t& place = object[(data[0] | data[1] << 8 | data[2] << 16) % object.size()];
    place = static_cast<uint8_t>(data[4] == 0 ? data[3] : place + data[3]);
  }
  return object;
}

void use(const dif::Program& program, dif::Stage stage) {
  if (!dif::verify(program, stage).ok()) return;
  (void)dif::disassemble(program);
  for (const dif::Clause& clause : program.clauses) {
    if (dif::record_layout(clause, 256).size > dif::limits::kRecordBytes) std::abort();
    for (const dif::Action& one : clause.actions) {
      if (!dif::is_aggregation(one.kind)) continue;
      const dif::AggregationDef& def = *program.aggregation(one.aggs.at(0));
      if (dif::aggregation_layout(one, def, 256).value_words > dif::limits::kValueWords) std::abort();
      if (one.kind == dif::ActionKind::kLlquantize) {
        const dif::LlquantizeParam param = dif::decode_llquantize(def.param);
        for (int64_t value : {INT64_MIN, int64_t{-1}, int64_t{0}, int64_t{12345}, INT64_MAX}) {
          if (dif::llquantize_bucket(value, param) >= dif::llquantize_bins(param)) std::abort();
        }
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Bytes good = good_object();
  const bool is_elf = size > 0 && data[0] == 0x7f;
  const Bytes object = is_elf ? Bytes(data, data + size) : changed(good, data, size);
  const Result<dif::Program> program = object::read(object);
  if (!program.ok()) return 0;
  if (object::write(*program) != object) std::abort();
  use(*program, dif::Stage::kCompiled);
  use(*program, dif::Stage::kLinked);
  return 0;
}
