// Type inference on DIF: what every instruction's result is, given one kernel's types. The rules are in docs/typing.md.
//
// infer() types one DIFO. Variables that the compiler left untyped are typed by everything that is assigned to them
// anywhere in the program: infer_variables() goes on until nothing changes.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "dif/program.h"
#include "dif/walk.h"
#include "types/type_file.h"
#include "typing/flow.h"
#include "typing/probe_arguments.h"
#include "typing/value.h"

namespace ht::typing {

using VariableKey = std::pair<dif::Scope, uint16_t>;

struct VariableType {
  Value value;
  std::vector<Value> keys;
};
using VariableTypes = std::map<VariableKey, VariableType>;

struct Context {
  const dif::Program* program = nullptr;
  const types::TypeFile* types = nullptr;    // may be null
  const VariableTypes* variables = nullptr;  // of kUnknown type; may be null
  // What args[] is: the probes of the clause, and who knows theirs. Both null: int64_t.
  const std::vector<dif::ProbeDesc>* probes = nullptr;
  ProbeArguments* arguments = nullptr;
};

// What a symbolic load becomes.
struct Access {
  enum class Kind : uint8_t { kMove, kLoad, kBitfield };  // kMove: the address is the value (arrays, structs)
  Kind kind = Kind::kMove;
  uint8_t width = 8;  // bytes
  bool is_signed = false;
  bool user = false;
  uint8_t shift = 0, bits = 0;  // kBitfield: within `width` bytes, little-endian
};

// A value assigned to a variable.
struct Assignment {
  VariableKey variable;
  uint32_t instruction = 0;
  Value value;
  std::vector<Value> keys;  // of associative arrays
};

// Found while typing; the linker adds position and target.
struct Problem {
  uint32_t instruction = 0;
  std::string tag;
  std::string message;
  std::string hint;
};

struct TypedDifo {
  Flow flow;
  std::vector<bool> live;                   // by block: can be reached, given what the linker knows (defined(), sizeof)
  std::vector<Value> nodes;                 // by NodeId; bottom in blocks that are not live
  Value result;                             // join over every ret
  std::map<uint32_t, uint64_t> constants;   // usetx -> its value
  std::map<uint32_t, std::string> symbols;  // usetx -> the kernel symbol (module`name) whose address it is
  std::map<uint32_t, Access> accesses;      // uload, uuload
  std::vector<Assignment> assignments;
  std::vector<std::pair<VariableKey, std::vector<Value>>> key_reads;  // associative arrays that are only read
  std::vector<Problem> problems;

  // Of an instruction's result (or comparison, or push); bottom if it has none.
  const Value& of(uint32_t instruction) const { return nodes[flow.uses[instruction].result]; }
  const Value& at(NodeId node) const { return nodes[node]; }
  bool is_live(uint32_t instruction) const { return live[flow.block_of[instruction]]; }
};

// The Error is for code the verifier would refuse; what types have to say is in `problems`.
Result<TypedDifo> infer(const dif::Difo& difo, const Context& context);

// The D source of an instruction.
SourcePos position(const dif::Difo& difo, const dif::Program& program, uint32_t instruction);

struct VariablesResult {
  VariableTypes variables;
  std::vector<Error> errors;  // conflicts, with pos at the second assignment
};
VariablesResult infer_variables(const dif::Program& program, const types::TypeFile* types);

}  // namespace ht::typing
