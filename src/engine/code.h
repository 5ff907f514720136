// A linked program made ready to run: instructions with their operands taken apart and their variables looked up,
// record and aggregation layouts attached to the arguments that fill them. Immutable once loaded; shared by all slots.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "dif/layout.h"
#include "dif/program.h"
#include "engine/aggregation_writer.h"
#include "engine/variables.h"

namespace ht::engine {

// One instruction. `op` is DIF's number, except that loads of builtin variables are kOpBuiltin and that the checked
// loads (rld*) are the plain ones. `index`: label, integer, variable shape, builtin, subroutine, by the instruction.
struct Insn {
  uint8_t op, r1, r2, rd;
  uint32_t index;
};
static_assert(sizeof(Insn) == 8);
inline constexpr uint8_t kOpBuiltin = 200;

// What the result register of a DIFO holds.
enum class ResultKind : uint8_t { kNone, kValue, kString, kRef, kUserRef };

struct Code {
  std::vector<Insn> text;
  std::vector<uint64_t> ints;
  std::string strings;
  uint32_t number = 0;  // names its strings' addresses
  ResultKind result = ResultKind::kNone;
  bool user = false;  // strings: in user memory
  bool is_signed = false;
  uint32_t size = 0;  // of the value: 1, 2, 4, 8; by reference: bytes
};

struct LoadedArg {
  uint32_t code = 0;  // index into LoadedProgram::codes
  bool has_field = false;
  uint32_t offset = 0;  // of its field in the record or the key
  uint32_t size = 0;
  dif::ActionKind kind = dif::ActionKind::kDifexpr;  // of the field
};

// What an aggregating action updates.
struct LoadedAggregation {
  uint32_t id = 0;
  dif::ActionKind function = dif::ActionKind::kCount;
  uint64_t param = 0;
  dif::LquantizeParam lquantize;
  dif::LlquantizeParam llquantize;
  uint32_t key_size = 0;
  uint32_t value_words = 0;
  uint64_t initial = 0;
};

struct LoadedAction {
  dif::ActionKind kind = dif::ActionKind::kNone;
  std::vector<LoadedArg> args;
  uint32_t keys = 0;
  uint32_t target = 0;
  LoadedAggregation aggregation;
  // A field of the action itself (stack() as a statement).
  bool has_field = false;
  uint32_t offset = 0, size = 0;
};

struct LoadedClause {
  uint32_t index = 0;
  bool has_predicate = false;
  uint32_t predicate = 0;
  std::vector<LoadedAction> actions;
  bool recorded = false, has_presence = false;
  bool buffered = false;     // built aside, not in the ring: it speculates or commits
  uint32_t record_size = 0;  // with header
  uint32_t record_cost = 0;  // in DTrace's bytes
  struct Gap {
    uint32_t offset, size;
  };
  std::vector<Gap> gaps;  // bytes of the record that no field covers
};

// Where a slot builds what does not go straight to its place.
struct Staging {
  std::unique_ptr<uint64_t[]> record, key;
  std::unique_ptr<BinKey::Part[]> parts;
};

struct LoadedProgram {
  uint32_t variant = 0;
  mutable std::vector<Staging> staging;  // per slot, used by its thread only
  std::vector<Code> codes;
  std::vector<VariableShape> shapes;
  std::vector<LoadedClause> clauses;
  uint32_t max_record = 0;  // with header
  uint32_t max_cost = 0;
  uint32_t max_key = 0;  // of any aggregation, bytes
  uint32_t max_key_parts = 0;
};

Result<std::unique_ptr<LoadedProgram>> load_program(const dif::Program& program, uint32_t variant, uint32_t strsize,
                                                    uint32_t slots);

}  // namespace ht::engine
