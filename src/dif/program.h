// The program model: what the D compiler makes, what travels in an ELF object (src/object), what the linker rewrites
// per kernel, what the engine runs and by whose layouts the consumer prints. Plain values; copy freely.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "dif/ids.h"
#include "dif/opcode.h"

namespace ht::dif {

enum class TypeKind : uint8_t {
  kD = 0,        // a C type of known size
  kString = 1,   // by reference; size 0 means the option strsize
  kUnknown = 2,  // symbolic: decided by the linker for each kernel
};

// The C kind, as far as printing and recording need it.
enum class CKind : uint8_t { kVoid, kInteger, kEnum, kPointer, kArray, kStruct, kUnion, kFloat, kFunction, kUnknown };

struct Type {
  enum Flag : uint8_t {
    kByRef = 1,      // the register holds the address of `size` bytes in kernel, scratch or variable storage
    kByUserRef = 2,  // ... in user memory
    kSigned = 4,     // integers and enums
  };
  TypeKind kind = TypeKind::kD;
  CKind ckind = CKind::kVoid;
  uint8_t flags = 0;
  uint32_t size = 0;  // bytes; by value 1, 2, 4 or 8; 0 for void, and for strings of the default size
  std::string name;   // C spelling, for messages and listings: "uid_t", "struct task_struct *", "string"

  bool by_ref() const { return (flags & kByRef) != 0; }
  bool is_signed() const { return (flags & kSigned) != 0; }
  bool is_void() const { return kind == TypeKind::kD && ckind == CKind::kVoid; }
  bool operator==(const Type&) const = default;

  static Type integer(uint32_t size, bool is_signed, std::string name) {
    return {TypeKind::kD, CKind::kInteger, static_cast<uint8_t>(is_signed ? kSigned : 0), size, std::move(name)};
  }
  static Type string() { return {TypeKind::kString, CKind::kArray, kByRef, 0, "string"}; }
  static Type none() { return {TypeKind::kD, CKind::kVoid, 0, 0, "void"}; }
  // `name` is the C type if a cast said it, else empty.
  static Type unknown(std::string name = {}) { return {TypeKind::kUnknown, CKind::kUnknown, 0, 8, std::move(name)}; }
};

// Where the instruction at `index` and those after it come from. Sorted by index; the file is Program::files[file].
struct LineEntry {
  uint32_t index = 0;  // instruction
  uint32_t line = 0;
  uint32_t column = 0;
  uint16_t file = 0;
  bool operator==(const LineEntry&) const = default;
};

// A DIF object: straight-line-or-forward code that ends in ret.
struct Difo {
  std::vector<Instr> text;
  std::vector<uint64_t> ints;  // setx
  std::string strings =
      std::string(1, '\0');  // NUL-terminated strings (sets, symbols of usetx and typecast); offset 0 is ""
  Type rtype;                // void: evaluated for its effect only
  std::vector<LineEntry> lines;
  bool destructive = false;
  bool operator==(const Difo&) const = default;
};

enum class Scope : uint8_t { kGlobal = 0, kThread = 1, kLocal = 2 };
enum class VarKind : uint8_t { kArray = 0, kScalar = 1 };

// A variable of the program: declared, or created by its first assignment. Builtins are not listed.
struct VariableDef {
  std::string name;  // without self-> or this->
  uint16_t id = 0;   // from 0x500, separately for each scope
  Scope scope = Scope::kGlobal;
  VarKind kind = VarKind::kScalar;
  Type type;
  std::vector<Type> keys;  // arrays
  SourcePos pos;
  bool operator==(const VariableDef& o) const {
    return name == o.name && id == o.id && scope == o.scope && kind == o.kind && type == o.type && keys == o.keys;
  }
};

// An aggregation of the program. Ids count from 1 in order of first appearance.
struct AggregationDef {
  std::string name;  // without @; "_" for the anonymous one
  uint32_t id = 0;
  ActionKind function = ActionKind::kCount;
  uint64_t param = 0;  // lquantize, llquantize: DTrace's encodings (section 12.7 of the reference)
  std::vector<Type> keys;
  bool operator==(const AggregationDef&) const = default;
};

// target:provider:module:function:name. Empty fields match anything; an empty target means every guest under -E.
struct ProbeDesc {
  std::string target, provider, module, function, name;
  uint32_t id = 0;  // non-zero: this probe id and nothing else
  SourcePos pos;
  std::string text() const;  // provider:module:function:name, with "target:" in front when there is one
  bool operator==(const ProbeDesc& o) const {
    return target == o.target && provider == o.provider && module == o.module && function == o.function &&
           name == o.name && id == o.id;
  }
};

// One statement (or part of an if) of a clause. `args` by kind:
//   kDifexpr      1: the expression; recorded (trace) iff `record`
//   kExit         1: status             kPrintf, kSystem, kFreopen  the arguments after the format
//   kPrinta       none; `aggs`, `format` kLibact  `libact`, `aggs`; trunc, normalize: 1 number; setopt: 1 or 2 strings
//   kTracemem     address [, size: if `param`, its constant, is 0 until linked] [, dynamic size]      kPrint  1, or the
//   address and what is there; `param` is the number of its type, or 0 if it is decided by the linker
//   kStack, kUstack, ...: 0 args, `param` frames | strsize << 32; kSym ...: 1
//   aggregating   keys, then the function's value and increment if it has them; `aggs[0]`
//   kSpeculate, kCommit, kDiscard  1: id       kRaise, kChill  1
struct Action {
  ActionKind kind = ActionKind::kNone;
  std::vector<Difo> args;
  uint32_t keys = 0;  // aggregating actions: how many of args are keys
  // Aggregating and printf arguments that are themselves stack(), sym(), ... : the kind per argument; kDifexpr for
  // plain ones. Same length as args.
  std::vector<ActionKind> arg_kinds;
  std::vector<uint64_t> arg_params;  // param of such an argument (frames, strsize); same length as args
  std::vector<uint32_t> aggs;        // ids of aggregations
  std::string format;                // printf, printa with a format, system, freopen
  bool has_format = false;
  bool record = false;  // kDifexpr: trace()
  Libact libact = Libact::kClear;
  uint64_t param = 0;
  uint32_t target = 0;  // kBranchFalse, kJump: index into Clause::actions, forward
  SourcePos pos;
  bool operator==(const Action& o) const {
    return kind == o.kind && args == o.args && keys == o.keys && arg_kinds == o.arg_kinds &&
           arg_params == o.arg_params && aggs == o.aggs && format == o.format && has_format == o.has_format &&
           record == o.record && libact == o.libact && param == o.param && target == o.target;
  }
};

struct Clause {
  std::vector<ProbeDesc> probes;
  std::optional<Difo> predicate;
  std::vector<Action> actions;  // empty: the default action, a record with nothing but the firing
  SourcePos pos;
  uint32_t source = 0;  // index into Program::sources
  bool operator==(const Clause& o) const {
    return probes == o.probes && predicate == o.predicate && actions == o.actions && source == o.source;
  }
};

// One program text of the command: a script or a -n argument.
struct Source {
  std::string name;  // file name, or the text of a command-line program
  bool is_file = false;
  std::string sha256;
  bool operator==(const Source&) const = default;
};

// A C type as print() shows it. Its parts are types before it in Program::print_types, by number (from 1), so it cannot
// contain itself.
struct PrintMember {
  std::string name;     // empty: an anonymous struct or union
  uint32_t type = 0;    // number
  uint32_t offset = 0;  // bytes; of a bit-field: of its storage unit
  uint8_t bit_offset = 0;
  uint8_t bits = 0;  // 0: not a bit-field
  bool operator==(const PrintMember&) const = default;
};
struct PrintEnumerator {
  std::string name;
  int64_t value = 0;
  bool operator==(const PrintEnumerator&) const = default;
};
struct PrintType {
  CKind ckind = CKind::kVoid;
  bool is_signed = false;
  bool is_char = false;      // char itself
  bool is_text = false;      // D's string
  bool to_function = false;  // a pointer to one
  uint32_t size = 0;         // bytes
  std::string name;          // C spelling
  uint32_t element = 0;      // of an array: number
  uint32_t count = 0;        // of an array
  std::vector<PrintMember> members;
  std::vector<PrintEnumerator> enumerators;
  bool operator==(const PrintType&) const = default;
};
inline constexpr size_t kMostPrintTypes = 1 << 14;

// A symbol of the guest's kernel that a linked program reads. Its address differs from boot to boot: the program takes
// it from the builtin array `symbols, by its place in Program::symbols, and who runs it says what is there.
struct KernelSymbol {
  std::string module;  // empty: the first that has it, vmlinux first
  std::string name;
  SourcePos pos;  // where the program names it first
  bool operator==(const KernelSymbol& o) const { return module == o.module && name == o.name; }
};
inline constexpr size_t kMostSymbols = 1024;

struct Program {
  std::vector<Source> sources;
  std::vector<std::string> files;  // names that LineEntry::file refers to; [0] is ""
  std::vector<Clause> clauses;     // in program order over the whole command
  std::vector<VariableDef> variables;
  std::vector<AggregationDef> aggregations;
  std::vector<PrintType> print_types;
  std::vector<KernelSymbol> symbols;           // of a linked program
  std::map<std::string, std::string> options;  // run-time options set by -x and pragmas, by name
  bool destructive = false;                    // has an action or subroutine that needs -w
  bool linked = false;                         // no relocation instruction and no unknown type left
  std::string kernel;      // linked for this kernel release (for messages); empty if it needed no kernel
  std::string types_hash;  // and these types

  bool operator==(const Program&) const = default;

  const VariableDef* variable(Scope scope, uint16_t id) const;
  const AggregationDef* aggregation(uint32_t id) const;
};

}  // namespace ht::dif
