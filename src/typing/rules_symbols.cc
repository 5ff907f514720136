// usetx: numbers and addresses that only a kernel's types know, by name.
#include <fmt/format.h>

#include <algorithm>

#include "typing/kernel_symbols.h"
#include "typing/rules.h"
#include "typing/suggest.h"

namespace ht::typing {

using types::Kind;
using types::TypeId;

struct Rules::Place {
  TypeId type = 0;
  unsigned pointers = 0;
  std::optional<types::MemberRef> last;
};

// A number that this kernel's types give to a symbol.
Value Rules::number(uint32_t i, uint64_t value, Value type) {
  bind(i, value, i);
  type.number = value;
  return type;
}

// A member's name; "[]", the size of an element; or a number: sizeof(T), sizeof(T, a.b), offsetof(T, m), enum(NAME),
// defined(T), defined(T, m); or the address of a kernel symbol: sym(module`name).
Value Rules::symbol(uint32_t i) {
  const std::string_view text = text_at(dif::index_of(difo_.text[i]));
  if (text == "[]") {
    Value v = Value::of(ValueKind::kElement);
    v.text = text;
    v.origin = i;
    v.symbolic = true;
    return v;
  }
  if (text.empty() || text.back() != ')') {
    Value v = Value::of(ValueKind::kMember);
    v.text = text;
    v.origin = i;
    v.symbolic = true;
    return v;
  }
  const size_t open = text.find('(');
  const std::string_view what = text.substr(0, open);
  std::string_view argument = open < text.size() ? text.substr(open + 1, text.size() - open - 2) : "";
  const types::TypeFile* types = context_.types;
  if (what == "sym") {
    out_.symbols.emplace(i, argument);
    Value v = kernel_symbol(lattice_, argument);
    v.symbolic = true;
    return v;
  }
  if (what == "enum") return enumerator(i, argument);
  if (what != "sizeof" && what != "offsetof" && what != "defined") {
    return problem(i, kTypeTag, fmt::format("unknown symbol \"{}\"", text));
  }
  const size_t comma = std::min(argument.find(','), argument.size());
  std::string_view path = argument.substr(std::min(comma + 1, argument.size()));
  while (!path.empty() && path.front() == ' ') path.remove_prefix(1);
  argument = argument.substr(0, comma);

  const Value type = lattice_.spelled(argument);
  const bool known = type.kind != ValueKind::kOpaque || (what != "defined" && argument.ends_with('*'));
  Place place{type.type, type.pointers, {}};
  std::string wrong;
  if (!known) {
    wrong = fmt::format("unknown type \"{}\"", argument);
  } else if (!path.empty()) {
    wrong = follow(place, type, path);
  } else if (types != nullptr && type.pointers == 0 && types->kind(types->strip(type.type)) == Kind::kFwd) {
    wrong = fmt::format("{} is only declared, not defined, in these types", types->spell(type.type));
  }
  if (what == "defined") return number(i, wrong.empty() ? 1 : 0, Value::integer(4, true));
  if (!wrong.empty()) return problem(i, known ? kMemberTag : kTypeTag, std::move(wrong));
  const uint32_t bits = place.last ? place.last->bitfield_size : 0;
  if (what == "offsetof") {
    if (!place.last) return problem(i, kMemberTag, fmt::format("\"{}\" names no member", text));
    if (bits != 0) return problem(i, kMemberTag, fmt::format("cannot take offset of a bit-field: {}", path));
    return number(i, place.last->bit_offset / 8, Value::integer(4, true));
  }
  if (bits != 0) return problem(i, kMemberTag, fmt::format("cannot apply sizeof to a bit-field: {}", path));
  std::optional<uint64_t> size = 8;
  if (path.empty() && type.kind == ValueKind::kInt) {
    size = type.size;
  } else if (types != nullptr && place.pointers == 0 &&
             (type.kind == ValueKind::kObject || type.kind == ValueKind::kTyped)) {
    size = types->size(place.type);
  }
  if (!size) return problem(i, kTypeTag, fmt::format("the size of \"{}\" is not known", argument));
  return number(i, *size, Value::integer(8, false, "size_t"));
}

// A name that is nothing in the program and stands where the kernel's enumerators may.
Value Rules::enumerator(uint32_t i, std::string_view name) {
  const types::TypeFile* types = context_.types;
  if (const auto value = types != nullptr ? types->enumerator(name) : std::nullopt) {
    return number(i, static_cast<uint64_t>(*value),
                  Value::integer(*value == static_cast<int32_t>(*value) ? 4 : 8, true));
  }
  const std::string near = types != nullptr ? nearest_enumerator(*types, name) : std::string();
  return problem(
      i, "D_IDENT_UNDEF",
      fmt::format("failed to resolve {}: neither a variable of the program nor an enumerator of the kernel", name),
      near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
}

// From a type to one of its members: "cred.uid", through pointers too. Says what is wrong.
std::string Rules::follow(Place& place, const Value& type, std::string_view path) const {
  const types::TypeFile* types = context_.types;
  if (types == nullptr || (type.kind != ValueKind::kObject && type.kind != ValueKind::kTyped)) {
    return fmt::format("{} has no member \"{}\"", lattice_.spell(type), path);
  }
  while (!path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    const std::string_view name = path.substr(0, dot);
    path.remove_prefix(std::min(dot + 1, path.size()));
    TypeId id = types->strip(place.type);
    if (place.pointers == 0 && place.last && types->kind(id) == Kind::kPtr) id = types->strip(types->target(id));
    if (types->kind(id) == Kind::kFwd) {
      const bool is_union = types->spell(id).starts_with("union");
      id = types->find(is_union ? Kind::kUnion : Kind::kStruct, types->name(id)).value_or(id);
    }
    const bool composite = types->kind(id) == Kind::kStruct || types->kind(id) == Kind::kUnion;
    const auto found = composite && place.pointers <= (place.last ? 0u : 1u) ? types->member(id, name) : std::nullopt;
    if (!found) return fmt::format("{} has no member \"{}\"", types->spell(id), name);
    place = {found->type, 0, found};
  }
  return {};
}

}  // namespace ht::typing
