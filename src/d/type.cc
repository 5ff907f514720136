// Base types, predefined typedefs, spellings and the relations between types (reference, section 3).
#include "d/type.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "d/kernel_types.h"

namespace ht::d {
namespace {

struct BaseType {
  std::string_view name;
  uint8_t size;
  bool is_signed;
};
// LP64. The order breaks ties of rank: of long and long long the latter wins.
constexpr BaseType kIntegers[] = {
    {"_Bool", 1, false}, {"signed char", 1, true},     {"char", 1, true},      {"unsigned char", 1, false},
    {"short", 2, true},  {"unsigned short", 2, false}, {"int", 4, true},       {"unsigned int", 4, false},
    {"long", 8, true},   {"unsigned long", 8, false},  {"long long", 8, true}, {"unsigned long long", 8, false},
};
constexpr BaseType kFloats[] = {{"float", 4, true}, {"double", 8, true}, {"long double", 16, true}};

struct Typedef {
  std::string_view name, target;
};
// Those that mean something else to 32-bit programs.
constexpr Typedef kTypedefs32[] = {
    {"int64_t", "long long"},   {"uint64_t", "unsigned long long"},
    {"intptr_t", "int"},        {"uintptr_t", "unsigned int"},
    {"size_t", "unsigned int"}, {"ssize_t", "int"},
    {"ptrdiff_t", "int"},       {"id_t", "long"},
    {"pid_t", "long"},
};
// The D library's, and the names that Linux sources use for fixed-width integers.
constexpr Typedef kTypedefs[] = {
    {"int8_t", "signed char"},
    {"uint8_t", "unsigned char"},
    {"int16_t", "short"},
    {"uint16_t", "unsigned short"},
    {"int32_t", "int"},
    {"uint32_t", "unsigned int"},
    {"int64_t", "long"},
    {"uint64_t", "unsigned long"},
    {"intptr_t", "long"},
    {"uintptr_t", "unsigned long"},
    {"size_t", "unsigned long"},
    {"ssize_t", "long"},
    {"ptrdiff_t", "long"},
    {"uchar_t", "unsigned char"},
    {"ushort_t", "unsigned short"},
    {"uint_t", "unsigned int"},
    {"ulong_t", "unsigned long"},
    {"longlong_t", "long long"},
    {"u_longlong_t", "unsigned long long"},
    {"id_t", "int"},
    {"pid_t", "int"},
    {"uid_t", "unsigned int"},
    {"gid_t", "unsigned int"},
    {"dev_t", "unsigned int"},
    {"mode_t", "unsigned short"},
    {"time_t", "long"},
    {"off_t", "long"},
    {"loff_t", "long long"},
    {"ipaddr_t", "unsigned int"},
    {"s8", "signed char"},
    {"u8", "unsigned char"},
    {"s16", "short"},
    {"u16", "unsigned short"},
    {"s32", "int"},
    {"u32", "unsigned int"},
    {"s64", "long long"},
    {"u64", "unsigned long long"},
    {"__s8", "signed char"},
    {"__u8", "unsigned char"},
    {"__s16", "short"},
    {"__u16", "unsigned short"},
    {"__s32", "int"},
    {"__u32", "unsigned int"},
    {"__s64", "long long"},
    {"__u64", "unsigned long long"},
    {"__be16", "unsigned short"},
    {"__be32", "unsigned int"},
    {"bool", "_Bool"},
};

TypeKind kind_of(TypeRef type) {
  return stripped(type)->kind;
}

bool is_char(TypeRef type) {
  TypeRef base = stripped(type);
  return base->kind == TypeKind::kInteger && base->size == 1 && base->is_signed;
}

// Puts a declarator around `inner`: spell(int *(*)[4]) works from the outside in.
std::string spell_around(TypeRef type, std::string inner) {
  switch (type->kind) {
    case TypeKind::kPointer: {
      TypeKind target = type->target->kind;
      std::string star = "*" + inner;
      if (target == TypeKind::kArray || target == TypeKind::kFunction) star = "(" + star + ")";
      return spell_around(type->target, std::move(star));
    }
    case TypeKind::kArray:
      return spell_around(type->target, fmt::format("{}[{}]", inner, type->count));
    case TypeKind::kFunction:
      return spell_around(type->target, inner + "()");
    case TypeKind::kQualified: {
      std::string words = fmt::format("{}{}{}", type->is_const ? "const " : "", type->is_volatile ? "volatile " : "",
                                      type->is_userland ? "userland " : "");
      if (type->target->kind != TypeKind::kPointer) return words + spell_around(type->target, std::move(inner));
      words.pop_back();
      return spell_around(type->target, inner.empty() ? " " + words : " " + words + " " + inner);
    }
    default:
      break;
  }
  std::string base = type->name;
  if (!tag_word(type->kind).empty()) {
    base = fmt::format("{} {}", tag_word(type->kind), type->name.empty() ? "(anon)" : type->name);
  }
  if (base.empty()) base = "unknown";
  return inner.empty() ? base : base + " " + inner;
}

// With the members or enumerators of a kernel's type there.
TypeRef filled(TypeRef type) {
  type = stripped(type);
  if (type->filler != nullptr) {
    auto* writable = const_cast<Type*>(type);  // every type of a table is made non-const
    const TypeFiller* filler = std::exchange(writable->filler, nullptr);
    filler->fill(*writable);
  }
  return type;
}

}  // namespace

ScopedName split_scope(std::string_view text) {
  size_t mark = text.rfind('`');
  if (mark == std::string_view::npos) return {{}, text, false};
  return {text.substr(0, mark), text.substr(mark + 1), true};
}

std::string_view tag_word(TypeKind kind) {
  switch (kind) {
    case TypeKind::kStruct:
      return "struct";
    case TypeKind::kUnion:
      return "union";
    case TypeKind::kEnum:
      return "enum";
    default:
      return {};
  }
}

TypeRef stripped(TypeRef type) {
  while (type->kind == TypeKind::kTypedef || type->kind == TypeKind::kQualified) type = type->target;
  return type;
}

std::string spell(TypeRef type) {
  return spell_around(type, {});
}

bool is_integer(TypeRef type) {
  TypeKind kind = kind_of(type);
  return kind == TypeKind::kInteger || kind == TypeKind::kEnum;
}
bool is_float(TypeRef type) {
  return kind_of(type) == TypeKind::kFloat;
}
bool is_symbolic(TypeRef type) {
  return kind_of(type) == TypeKind::kSymbolic;
}

std::string symbolic_name(TypeRef type) {
  std::string stars;
  while (is_pointer(type)) {
    stars += '*';
    type = stripped(type)->target;
  }
  if (!is_symbolic(type)) return {};
  const std::string& name = stripped(type)->name;
  return name.empty() || stars.empty() ? name : fmt::format("{} {}", name, stars);
}
bool is_pointer(TypeRef type) {
  return kind_of(type) == TypeKind::kPointer;
}
bool is_struct(TypeRef type) {
  TypeKind kind = kind_of(type);
  return kind == TypeKind::kStruct || kind == TypeKind::kUnion;
}
bool is_string(TypeRef type) {
  return kind_of(type) == TypeKind::kString;
}
bool is_void(TypeRef type) {
  return kind_of(type) == TypeKind::kVoid;
}
bool is_dynamic(TypeRef type) {
  return stripped(type)->kind == TypeKind::kDynamic || is_translated(type);
}

bool is_translated(TypeRef type) {
  return stripped(type)->kind == TypeKind::kTranslated;
}
bool is_address_of_unknown(TypeRef type) {
  if (!is_pointer(type)) return false;
  while (is_pointer(type)) type = stripped(type)->target;
  return is_symbolic(type);
}
bool is_scalar(TypeRef type) {
  return is_integer(type) || is_pointer(type) || is_symbolic(type);
}
bool is_arithmetic(TypeRef type) {
  return is_integer(type) || is_symbolic(type);
}

bool is_string_compatible(TypeRef type) {
  TypeRef base = stripped(type);
  if (base->kind == TypeKind::kString || base->kind == TypeKind::kSymbolic) return true;
  return (base->kind == TypeKind::kPointer || base->kind == TypeKind::kArray) &&
         (is_char(base->target) || (base->kind == TypeKind::kPointer && is_string(base->target)) ||
          (base->kind == TypeKind::kPointer && is_symbolic(base->target) && stripped(base->target)->name.empty()));
}

bool is_userland(TypeRef type) {
  for (; type->kind == TypeKind::kTypedef || type->kind == TypeKind::kQualified; type = type->target) {
    if (type->is_userland) return true;
  }
  return false;
}

TypeRef pointee(TypeRef type) {
  TypeRef base = stripped(type);
  return base->kind == TypeKind::kPointer || base->kind == TypeKind::kArray ? base->target : nullptr;
}

void Member::place_bits(uint64_t start, uint8_t count) {
  bits = count;
  for (unit = 1; unit <= 8; unit *= 2) {
    bit_offset = static_cast<uint8_t>(start % (unit * 8U));
    offset = static_cast<uint32_t>(start / (unit * 8U) * unit);
    if (bit_offset + count <= unit * 8) return;
  }
  // Packed over the border of eight bytes: the eight from its first byte hold it.
  unit = 8;
  bit_offset = static_cast<uint8_t>(start % 8);
  offset = static_cast<uint32_t>(start / 8);
}

const std::vector<Member>& members_of(TypeRef struct_or_union) {
  return filled(struct_or_union)->members;
}

const std::vector<Member>& declared_of(TypeRef struct_or_union) {
  return filled(struct_or_union)->declared;
}

const std::vector<EnumValue>& enumerators_of(TypeRef enumeration) {
  return filled(enumeration)->enumerators;
}

const Member* find_member(TypeRef struct_or_union, std::string_view name) {
  for (const Member& member : members_of(struct_or_union)) {
    if (member.name == name) return &member;
  }
  return nullptr;
}

const EnumValue* find_enumerator(TypeRef enumeration, std::string_view name) {
  for (const EnumValue& value : enumerators_of(enumeration)) {
    if (value.name == name) return &value;
  }
  return nullptr;
}

bool same_type(TypeRef a, TypeRef b) {
  a = stripped(a);
  b = stripped(b);
  if (a == b) return true;
  if (a->kind != b->kind) return false;
  if (a->kind == TypeKind::kPointer) return same_type(a->target, b->target);
  if (a->kind == TypeKind::kArray) return a->count == b->count && same_type(a->target, b->target);
  if (a->kind == TypeKind::kFunction) return true;
  if (a->kind == TypeKind::kStack) return a->size == b->size;
  return a->kind == TypeKind::kInteger && a->size == b->size && a->is_signed == b->is_signed && a->name == b->name;
}

namespace {

// "struct ext`inode": "struct inode".
std::string without_module(std::string_view spelling) {
  const size_t end = spelling.find('`');
  if (end == std::string_view::npos) return std::string(spelling);
  const size_t space = spelling.rfind(' ', end);
  std::string result(spelling.substr(0, space == std::string_view::npos ? 0 : space + 1));
  return result.append(spelling.substr(end + 1));
}

}  // namespace

bool pointers_compatible(TypeRef left, TypeRef right) {
  TypeRef a = pointee(left), b = pointee(right);
  if (a == nullptr || b == nullptr) return false;
  if (is_void(a) || is_void(b) || same_type(a, b)) return true;
  if (!is_symbolic(a) || !is_symbolic(b)) return false;
  // Two unknown names may be one type, by a typedef that only the kernel has, or with and without the module that has
  // it; the linker knows.
  const std::string &x = stripped(a)->name, &y = stripped(b)->name;
  return x.empty() || y.empty() || without_module(x) == without_module(y);
}

dif::Type to_dif(TypeRef type) {
  TypeRef base = stripped(type);
  std::string name = spell(type);
  auto size = static_cast<uint32_t>(base->size);
  switch (base->kind) {
    case TypeKind::kVoid:
      return dif::Type::none();
    case TypeKind::kInteger:
      return dif::Type::integer(size, base->is_signed, std::move(name));
    case TypeKind::kEnum:
      return {dif::TypeKind::kD, dif::CKind::kEnum, dif::Type::kSigned, size, std::move(name)};
    case TypeKind::kFloat:
      return {dif::TypeKind::kD, dif::CKind::kFloat, dif::Type::kByRef, size, std::move(name)};
    case TypeKind::kPointer:
      if (is_symbolic(base->target) && stripped(base->target)->name.empty()) return dif::Type::unknown();
      return {dif::TypeKind::kD, dif::CKind::kPointer, 0, 8, std::move(name)};
    case TypeKind::kArray:
      return {dif::TypeKind::kD, dif::CKind::kArray, dif::Type::kByRef, size, std::move(name)};
    case TypeKind::kStruct:
      return {dif::TypeKind::kD, dif::CKind::kStruct, dif::Type::kByRef, size, std::move(name)};
    case TypeKind::kUnion:
      return {dif::TypeKind::kD, dif::CKind::kUnion, dif::Type::kByRef, size, std::move(name)};
    case TypeKind::kFunction:
      return {dif::TypeKind::kD, dif::CKind::kFunction, 0, 8, std::move(name)};
    case TypeKind::kString:
      return dif::Type::string();
    case TypeKind::kStack:
      return dif::Type::none();  // not computed: the action's kind says what is recorded
    case TypeKind::kSymaddr:
    case TypeKind::kUsymaddr:
      return dif::Type::integer(8, false, std::move(name));
    default:
      return dif::Type::unknown(base->name);
  }
}

TypeTable::TypeTable(uint64_t string_size, bool ilp32) : ilp32_(ilp32) {
  void_ = names_[0]["void"] = make(TypeKind::kVoid, "void", 0);
  for (const BaseType& base : kIntegers) {
    const bool is_long = base.name == "long" || base.name == "unsigned long";
    Type* type = make(TypeKind::kInteger, base.name, ilp32 && is_long ? 4 : base.size);
    type->is_signed = base.is_signed;
    names_[0].emplace(base.name, type);
  }
  for (const BaseType& base : kFloats) names_[0].emplace(base.name, make(TypeKind::kFloat, base.name, base.size));
  if (ilp32) {
    for (const Typedef& entry : kTypedefs32) add_typedef(entry.name, integer(entry.target));
  }
  for (const Typedef& entry : kTypedefs) {
    if (find_in(TypeScope::kD, entry.name) == nullptr) add_typedef(entry.name, integer(entry.target));
  }
  Type* string = make(TypeKind::kString, "string", string_size);
  string->align = 1;  // of characters
  string_ = string;
  unknown_ = make(TypeKind::kSymbolic, "", 8);
  symaddr_ = make(TypeKind::kSymaddr, "_symaddr", 8);
  usymaddr_ = make(TypeKind::kUsymaddr, "_usymaddr", 8);
  aggregation_ = make(TypeKind::kDynamic, "aggregation", 0);
  translated_[0] = make(TypeKind::kTranslated, "translated data", 0);
  translated_[1] = make(TypeKind::kTranslated, "pointer to translated data", 0);
  add_typedef("caddr_t", pointer(integer("char")));
}

void TypeTable::set_string_size(uint64_t size) {
  const_cast<Type*>(string_)->size = size;  // ours, as every type of the table
}

Type* TypeTable::make(TypeKind kind, std::string_view name, uint64_t size) {
  Type& type = storage_.emplace_back();
  type.kind = kind;
  type.name = name;
  type.size = size;
  type.align = size == 0 ? 1 : static_cast<uint32_t>(std::min<uint64_t>(size, 16));
  type.order = static_cast<uint32_t>(storage_.size());
  return &type;
}

TypeRef TypeTable::derived(TypeKind kind, TypeRef target, uint32_t count, uint64_t size, uint32_t align) {
  size_t index = kind == TypeKind::kPointer ? 0 : kind == TypeKind::kArray ? 1 : kind == TypeKind::kFunction ? 2 : 3;
  TypeRef& found = derived_[index][{target, count}];
  if (found == nullptr) {
    Type* type = make(kind, "", size);
    type->target = target;
    type->count = count;
    type->align = align;
    found = type;
  }
  return found;
}

TypeRef TypeTable::stack_type(uint64_t size) {
  Type* type = make(TypeKind::kStack, "stack", size);
  return type;
}
TypeRef TypeTable::pointer(TypeRef target) {
  const uint32_t size = ilp32_ ? 4 : 8;
  return derived(TypeKind::kPointer, target, 0, size, size);
}
TypeRef TypeTable::array(TypeRef element, uint32_t count) {
  TypeRef base = stripped(element);
  return derived(TypeKind::kArray, element, count, base->size * count, base->align);
}
TypeRef TypeTable::function(TypeRef result) {
  return derived(TypeKind::kFunction, result, 0, 0, 1);
}

TypeRef TypeTable::qualified(TypeRef type, bool is_const, bool is_volatile, bool is_userland) {
  unsigned bits = (is_const ? 1U : 0U) | (is_volatile ? 2U : 0U) | (is_userland ? 4U : 0U);
  if (bits == 0) return type;
  TypeRef found = derived(TypeKind::kQualified, type, bits, type->size, type->align);
  auto* writable = const_cast<Type*>(found);  // ours: every type of the table is made non-const
  writable->is_const = is_const;
  writable->is_volatile = is_volatile;
  writable->is_userland = is_userland;
  return found;
}

TypeRef TypeTable::symbolic(std::string_view name) {
  if (name.empty()) return unknown_;
  TypeRef& found = symbolic_[std::string(name)];
  if (found == nullptr) found = make(TypeKind::kSymbolic, name, 0);
  return found;
}

TypeRef TypeTable::find_in(TypeScope scope, std::string_view name) const {
  const auto& names = names_[static_cast<size_t>(scope)];
  auto found = names.find(name);
  return found != names.end() ? found->second : nullptr;
}

TypeRef TypeTable::find_declared(std::string_view name) const {
  TypeRef found = find_in(TypeScope::kD, name);
  return found != nullptr ? found : find_in(TypeScope::kC, name);
}

TypeRef TypeTable::find(std::string_view name) const {
  ScopedName scoped = split_scope(name);
  if (scoped.module == "D") return find_in(TypeScope::kD, scoped.name);
  if (scoped.module == "C") return find_in(TypeScope::kC, scoped.name);
  TypeRef found = scoped.scoped ? nullptr : find_declared(name);
  return found != nullptr || kernel_ == nullptr ? found : kernel_->find_name(scoped.module, scoped.name);
}

TypeRef TypeTable::add_typedef(std::string_view name, TypeRef target, TypeScope scope) {
  Type* type = make(TypeKind::kTypedef, name, target->size);
  type->target = target;
  return names_[static_cast<size_t>(scope)][std::string(name)] = type;
}

Type* TypeTable::find_tag_in(TypeScope scope, TypeKind kind, std::string_view tag) {
  auto& tags = tags_[static_cast<size_t>(scope)];
  auto found = tags.find(fmt::format("{} {}", tag_word(kind), tag));
  return found != tags.end() ? found->second : nullptr;
}

Type* TypeTable::find_tag(TypeKind kind, std::string_view tag) {
  Type* found = find_tag_in(TypeScope::kD, kind, tag);
  return found != nullptr ? found : find_tag_in(TypeScope::kC, kind, tag);
}

TypeRef TypeTable::find_any_tag(TypeKind kind, std::string_view tag) {
  ScopedName scoped = split_scope(tag);
  if (scoped.module == "D") return find_tag_in(TypeScope::kD, kind, scoped.name);
  if (scoped.module == "C") return find_tag_in(TypeScope::kC, kind, scoped.name);
  TypeRef found = scoped.scoped ? nullptr : find_tag(kind, scoped.name);
  return found != nullptr || kernel_ == nullptr ? found : kernel_->find_tag(kind, scoped.module, scoped.name);
}

Type* TypeTable::add_tag(TypeKind kind, std::string_view tag, TypeScope scope) {
  Type* type = make(kind, tag, 0);
  type->complete = false;
  if (!tag.empty()) tags_[static_cast<size_t>(scope)][fmt::format("{} {}", tag_word(kind), tag)] = type;
  return type;
}

TypeRef TypeTable::from_spelling(std::string_view spelling) {
  if (spelling.empty()) return unknown_;
  unsigned stars = 0;
  bool is_const = spelling.starts_with("const ");
  if (is_const) spelling.remove_prefix(6);
  while (!spelling.empty() && (spelling.back() == '*' || spelling.back() == ' ')) {
    if (spelling.back() == '*') stars++;
    spelling.remove_suffix(1);
  }
  TypeRef type = spelling == "string" ? string_ : find(spelling);
  for (TypeKind kind : {TypeKind::kStruct, TypeKind::kUnion, TypeKind::kEnum}) {
    std::string word = fmt::format("{} ", tag_word(kind));
    if (type != nullptr || !spelling.starts_with(word)) continue;
    std::string_view tag = spelling.substr(word.size());
    type = find_any_tag(kind, tag);
    // A kernel without it (or without types): as good as declared and not defined.
    if (type == nullptr && kernel_ != nullptr) type = add_tag(kind, tag);
  }
  if (type == nullptr) type = symbolic(spelling);
  type = qualified(type, is_const, false, false);
  for (; stars > 0; stars--) type = pointer(type);
  return type;
}

std::vector<std::string_view> TypeTable::names() const {
  std::vector<std::string_view> result;
  for (const auto& scope : names_) {
    for (const auto& entry : scope) result.push_back(entry.first);
  }
  return result;
}

}  // namespace ht::d
