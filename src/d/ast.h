// The syntax tree. The parser makes it without knowing what names mean (but for which words are types); semantic
// analysis returns a copy of each expression with the second half of Expr filled in, and code generation reads that.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "d/token.h"
#include "d/type.h"
#include "dif/program.h"

namespace ht::d {

struct Inline;
struct TypeName;

enum class ExprKind : uint8_t {
  kInt,
  kString,
  kIdent,    // name, in `text`; may be scoped by self-> or this-> (`scope`)
  kAgg,      // @text[args...]
  kUnary,    // op args[0]: + - ~ ! * &
  kPrefix,   // ++ --
  kPostfix,  // ++ --
  kBinary,
  kAssign,  // args[0] op args[1]
  kCond,    // args[0] ? args[1] : args[2]
  kComma,
  kCall,      // args[0] is the callee
  kIndex,     // args[0] [ args[1...] ]
  kMember,    // args[0] . or -> text
  kCast,      // (type_name) args[0]; semantic analysis also makes casts, with no type_name
  kSizeof,    // args[0] or type_name
  kOffsetof,  // type_name, text
  kDefined,   // type_name, text (may be empty)
  kStringof,
  kXlate,       // type_name, args[0]; checked: args[0] is the input, `translator` says what it becomes
  kTranslate,   // made by semantic analysis: args[1] with args[0] as the input of its translator (number `id`)
  kRelocation,  // made by semantic analysis: a number that the linker knows, symbol `text`
  kSymbol,      // made by semantic analysis: the address of the kernel symbol `text` (module`name) of a guest
  kSnapshot,    // made by semantic analysis: a struct, args[i] stored at its member `snapshot[i]`
};

// Where a pointer is from. One variable may not hold pointers into scratch memory at one time and others at another
// (reference, section 3.8).
enum class Origin : uint8_t {
  kNone,     // no pointer, NULL, or not known
  kScratch,  // alloca(), copyin()
  kOther,
  kBoth,  // the branches of a conditional differ
};

// What an identifier turned out to be.
enum class Ref : uint8_t { kNone, kVariable, kBuiltin, kBuiltinArray, kSubroutine, kTranslatorInput };

struct Translator;

struct Expr {
  ExprKind kind = ExprKind::kInt;
  Tok op = Tok::kEnd;
  IntKind int_kind = IntKind::kInt;
  bool arrow = false;    // kMember: ->
  bool scoped = false;   // kIdent: self-> or this->
  bool indexed = false;  // kAgg: has [ ]
  dif::Scope scope = dif::Scope::kGlobal;
  uint16_t depth = 1;  // of this tree
  uint64_t value = 0;  // kInt
  Pos pos;             // of the operator for binary ones, else where it begins
  Pos member_pos;      // kMember: of the member's name
  std::string text;
  std::vector<Expr> args;
  std::shared_ptr<const TypeName> type_name;

  // Filled in by semantic analysis.
  TypeRef type = nullptr;
  Ref ref = Ref::kNone;
  uint16_t id = 0;        // variable, builtin or subroutine
  bool is_array = false;  // kVariable: associative
  bool memory = false;    // an lvalue in memory: its code yields an address
  bool user = false;      // ... in user memory
  bool writable = false;  // may be assigned to
  Origin origin = Origin::kNone;
  bool narrow = false;                           // the value is known to fit its type (as loads and casts make it)
  bool from_argument = false;                    // stands for a parameter of the inline around it
  const Inline* inlined = nullptr;               // what an inline was expanded to
  const Member* member = nullptr;                // kMember of a struct that the compiler knows
  std::shared_ptr<const Translator> translator;  // kXlate
  std::vector<const Member*> snapshot;           // kSnapshot: of each of args

  bool is_constant() const { return kind == ExprKind::kInt; }
};

enum class Storage : uint8_t { kNone, kAuto, kRegister, kStatic, kExtern, kTypedef, kSelf, kThis };

struct MemberDecl;
struct Enumerator {
  std::string name;
  Pos pos;
  std::optional<Expr> value;
};

// Declaration specifiers as written, counted; decl.cc makes a type of them.
struct Specifiers {
  Pos pos;
  Storage storage = Storage::kNone;
  unsigned voids = 0, chars = 0, shorts = 0, ints = 0, longs = 0, floats = 0, doubles = 0, signeds = 0, unsigneds = 0,
           strings = 0;
  bool is_const = false, is_volatile = false, is_userland = false;
  std::string type_word;           // typedef name
  std::optional<TypeKind> tagged;  // struct, union or enum
  std::string tag;
  bool has_body = false;
  std::vector<MemberDecl> members;
  std::vector<Enumerator> enumerators;
  bool has_type() const {
    return voids + chars + shorts + ints + longs + floats + doubles + signeds + unsigneds + strings > 0 ||
           !type_word.empty() || tagged.has_value();
  }
  bool has_any() const { return has_type() || storage != Storage::kNone || is_const || is_volatile || is_userland; }
  // signed, unsigned, short, long and nothing that they describe
  bool has_only_attributes() const {
    return signeds + unsigneds + shorts + longs > 0 && voids + chars + ints + floats + doubles + strings == 0 &&
           type_word.empty() && !tagged.has_value();
  }
};

struct Parameter;
// One step from the base type to the declared type.
struct TypeStep {
  enum Kind : uint8_t { kPointer, kArray, kTuple, kFunction } kind = kPointer;
  Pos pos;
  std::optional<Expr> dimension;      // kArray; absent for []
  std::vector<Parameter> parameters;  // kTuple, kFunction
  bool variadic = false;
};

struct Declarator {
  std::string name;  // empty: abstract
  Pos pos;
  std::vector<TypeStep> steps;  // in the order in which they apply to the base type
};

struct Parameter {
  Specifiers specifiers;
  Declarator declarator;
};
struct TypeName {
  Specifiers specifiers;
  Declarator declarator;
};
struct MemberDecl {
  Specifiers specifiers;
  struct Item {
    Declarator declarator;
    std::optional<Expr> bits;
  };
  std::vector<Item> items;
};

struct Declaration {
  Specifiers specifiers;
  std::vector<Declarator> declarators;
};

struct InlineDefinition {
  Specifiers specifiers;
  Declarator declarator;
  Expr value;
};

struct Statement {
  Expr expression;  // of an if: its condition
  bool is_if = false;
  std::vector<Statement> then_part, else_part;
  Pos pos;
};

struct ClauseSyntax {
  std::vector<dif::ProbeDesc> probes;
  std::optional<Expr> predicate;
  std::vector<Statement> statements;
  Pos pos;
};

// translator output < input parameter > { member = value; ... };
struct TranslatorDefinition {
  TypeName output;
  TypeName input;  // declarator.name is the parameter
  struct Item {
    std::string member;
    Pos pos;
    Expr value;
  };
  std::vector<Item> items;
  Pos pos;
};

// provider name { probe name(native arguments) : (arguments that a clause sees); ... };
struct ProviderDefinition {
  struct Probe {
    std::string name;
    Pos pos;
    TypeStep native;
    std::optional<TypeStep> translated;
  };
  std::string name;
  Pos pos;
  std::vector<Probe> probes;
};

using External = std::variant<ClauseSyntax, Declaration, InlineDefinition, TranslatorDefinition, ProviderDefinition>;

}  // namespace ht::d
