// D's C types. Types live in a TypeTable as long as the compilation and are compared by address after stripped().
//
// A type that this compiler does not know (struct task_struct, or a member of it) is *symbolic*: what it is, is found
// when the program is linked with a kernel's types. A symbolic type has the C spelling that the program gave it, or no
// name at all.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dif/program.h"

namespace ht::d {

enum class TypeKind : uint8_t {
  kVoid,
  kInteger,
  kFloat,
  kPointer,
  kArray,
  kStruct,
  kUnion,
  kEnum,
  kFunction,
  kTypedef,
  kQualified,
  kString,
  kSymbolic,
  kStack,       // stack(), ustack(), jstack()
  kSymaddr,     // sym(), mod()
  kUsymaddr,    // usym(), umod(), uaddr()
  kDynamic,     // an aggregation: no operator has a use for it, and it has no value
  kTranslated,  // translated data, or a pointer to it: there is no such object
};

struct Type;
using TypeRef = const Type*;
class TypeFiller;

struct Member {
  std::string name;  // empty: anonymous struct or union
  TypeRef type = nullptr;
  uint32_t offset = 0;     // bytes; of a bit-field: of the storage unit that holds it
  uint8_t bit_offset = 0;  // within the unit, from the least significant bit
  uint8_t bits = 0;        // 0: not a bit-field
  uint8_t unit = 0;        // bytes of that unit
  // Makes it a bit-field that begins `start` bits into its struct: the unit is the smallest that is aligned.
  void place_bits(uint64_t start, uint8_t count);
};

struct EnumValue {
  std::string name;
  int64_t value = 0;
};

struct Type;
// Where the members or enumerators of a kernel's type come from: read when they are first asked for, because the types
// that one of them leads to are thousands.
class TypeFiller {
 public:
  virtual void fill(Type& type) const = 0;

 protected:
  ~TypeFiller() = default;
};

struct Type {
  TypeKind kind = TypeKind::kVoid;
  std::string name;   // of integers, typedefs, symbolic types; tag of structs, unions, enums
  uint64_t size = 0;  // bytes; 0: none or unknown
  uint32_t align = 1;
  bool is_signed = false;
  bool complete = true;                                             // false: a forward declaration
  bool is_const = false, is_volatile = false, is_userland = false;  // kQualified
  uint32_t order = 0;                                               // the later one of two integers of one rank wins
  TypeRef target = nullptr;  // pointer, array element, typedef, qualified, function result
  uint32_t count = 0;        // array
  // Of a struct, union or enum; read them with members_of(), declared_of(), enumerators_of().
  std::vector<Member> members;   // those of anonymous structs and unions among them
  std::vector<Member> declared;  // as written: an anonymous struct or union is one
  std::vector<EnumValue> enumerators;
  const TypeFiller* filler = nullptr;  // of a kernel's type that is not yet filled in
  uint32_t filler_id = 0;
};

TypeRef stripped(TypeRef type);   // without typedefs and qualifiers
std::string spell(TypeRef type);  // C spelling: "struct task_struct *", "char [16]"

bool is_integer(TypeRef type);  // or enum
bool is_float(TypeRef type);
bool is_symbolic(TypeRef type);  // nothing known about the value
// "struct file *" of a symbolic type or of pointers to one, without qualifiers; empty if it is none or has no name.
std::string symbolic_name(TypeRef type);
bool is_pointer(TypeRef type);  // to anything
bool is_struct(TypeRef type);   // or union
bool is_string(TypeRef type);   // D's string
bool is_void(TypeRef type);
bool is_dynamic(TypeRef type);             // an aggregation, or translated data
bool is_translated(TypeRef type);          // translated data or a pointer to it
bool is_address_of_unknown(TypeRef type);  // pointer (to pointer ...) to a symbolic type
// Scalar: integer, enum, pointer or symbolic.
bool is_scalar(TypeRef type);
bool is_arithmetic(TypeRef type);  // integer, enum, or symbolic (which may be one)
// string, char *, char []; symbolic, which may be one.
bool is_string_compatible(TypeRef type);
bool is_userland(TypeRef type);  // qualified so
TypeRef pointee(TypeRef type);   // of a pointer, array or string; null otherwise
const std::vector<Member>& members_of(TypeRef struct_or_union);
const std::vector<Member>& declared_of(TypeRef struct_or_union);
const std::vector<EnumValue>& enumerators_of(TypeRef enumeration);
const Member* find_member(TypeRef struct_or_union, std::string_view name);
const EnumValue* find_enumerator(TypeRef enumeration, std::string_view name);
// Whether a value of `right` may stand where `left` is wanted, integers and strings aside.
bool pointers_compatible(TypeRef left, TypeRef right);
bool same_type(TypeRef a, TypeRef b);

// As the program model says it.
dif::Type to_dif(TypeRef type);

// Where a type was declared (reference, section 1.13): in the program itself or in a header that it includes. A D name
// hides the C name; what a header declares is laid out as C does it.
enum class TypeScope : uint8_t { kD, kC };

class KernelTypes;

class TypeTable {
 public:
  // sizeof (string) is the option strsize. With `ilp32` long and pointers have 32 bits, as programs see them.
  explicit TypeTable(uint64_t string_size, bool ilp32 = false);
  bool ilp32() const { return ilp32_; }
  void set_string_size(uint64_t size);
  TypeTable(const TypeTable&) = delete;
  TypeTable& operator=(const TypeTable&) = delete;

  TypeRef void_type() const { return void_; }
  TypeRef string_type() const { return string_; }
  TypeRef integer(std::string_view name) const { return names_[0].find(name)->second; }  // base types and typedefs
  TypeRef int_type() const { return integer("int"); }
  TypeRef unknown() const { return unknown_; }  // symbolic, without a name
  TypeRef stack_type(uint64_t size);
  TypeRef symaddr_type() const { return symaddr_; }
  TypeRef usymaddr_type() const { return usymaddr_; }
  TypeRef aggregation_type() const { return aggregation_; }
  TypeRef translated(bool pointer) const { return translated_[pointer ? 1 : 0]; }

  TypeRef pointer(TypeRef target);
  TypeRef array(TypeRef element, uint32_t count);
  TypeRef function(TypeRef result);
  TypeRef qualified(TypeRef type, bool is_const, bool is_volatile, bool is_userland);
  TypeRef symbolic(std::string_view name);

  // The kernel that names are looked for in when the program and its headers do not have them; null (as under -E):
  // none, and such names are symbolic.
  void set_kernel(KernelTypes* kernel) { kernel_ = kernel; }
  KernelTypes* kernel() const { return kernel_; }

  // A typedef or base type by name, which may have a module in front (kernel`name, C`name, D`name); null if there is
  // none.
  TypeRef find(std::string_view name) const;
  // Same, only what the program, its headers and D itself declare.
  TypeRef find_declared(std::string_view name) const;
  TypeRef find_in(TypeScope scope, std::string_view name) const;
  TypeRef add_typedef(std::string_view name, TypeRef target, TypeScope scope = TypeScope::kD);
  // The tagged type that the program or its headers declare; null if they do not.
  Type* find_tag(TypeKind kind, std::string_view tag);
  Type* find_tag_in(TypeScope scope, TypeKind kind, std::string_view tag);
  // Same, or the kernel's. The tag may have a module in front.
  TypeRef find_any_tag(TypeKind kind, std::string_view tag);
  Type* add_tag(TypeKind kind, std::string_view tag, TypeScope scope = TypeScope::kD);  // incomplete

  // A type that has no name in this table.
  Type* make(TypeKind kind, std::string_view name, uint64_t size);

  // A type spelled in one of dif's tables: "uint64_t", "const char *", "struct task_struct *". "" is unknown().
  TypeRef from_spelling(std::string_view spelling);

  std::vector<std::string_view> names() const;  // for "did you mean"

 private:
  TypeRef derived(TypeKind kind, TypeRef target, uint32_t count, uint64_t size, uint32_t align);

  std::deque<Type> storage_;
  std::map<std::string, TypeRef, std::less<>> names_[2];  // by TypeScope
  std::map<std::string, Type*, std::less<>> tags_[2];     // "struct x"
  std::map<std::string, TypeRef, std::less<>> symbolic_;
  std::map<std::pair<TypeRef, uint64_t>, TypeRef> derived_[4];
  bool ilp32_ = false;
  TypeRef void_ = nullptr, string_ = nullptr, unknown_ = nullptr, symaddr_ = nullptr, usymaddr_ = nullptr,
          aggregation_ = nullptr;
  TypeRef translated_[2] = {};
  KernelTypes* kernel_ = nullptr;
};

std::string_view tag_word(TypeKind kind);  // "struct", "union", "enum"

// A name and the module that it is qualified with: "vmlinux`pid_t". `scoped` tells "`x" from "x".
struct ScopedName {
  std::string_view module, name;
  bool scoped = false;
};
ScopedName split_scope(std::string_view text);

}  // namespace ht::d
