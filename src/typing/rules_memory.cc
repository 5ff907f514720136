// Addresses: members, elements, loads, casts.
#include <fmt/format.h>

#include "dif/operands.h"
#include "typing/rules.h"
#include "typing/suggest.h"

namespace ht::typing {

using dif::Op;
using types::Kind;
using types::TypeId;

// The bytes between the elements that a pointer goes over: 1 for what is no pointer, where the compiler could not know.
std::optional<uint64_t> Rules::element_size(uint32_t at, const Value& pointer, std::string_view verb) {
  if (pointer.kind == ValueKind::kString || pointer.kind == ValueKind::kScratch) return 1;
  if (lattice_.int_view(pointer).arithmetic) return 1;
  const auto target = lattice_.pointee(pointer);
  if (!target || context_.types == nullptr) {
    unusable(at, pointer, fmt::format("{} it", verb));
    return std::nullopt;
  }
  if (target->pointers != 0) return 8;
  const auto size = context_.types->size(target->type);
  if (!size) {
    problem(at, kTypeTag,
            fmt::format("cannot {} \"{}\": its elements have no known size", verb, lattice_.spell(pointer)));
  }
  return size;
}

Value Rules::add_element(uint32_t i, const Value& pointer, const Value& element) {
  const auto size = element_size(element.origin, pointer, "index");
  if (!size) return Value::top("");
  bind(element.origin, *size, i);
  Value v = pointer.kind == ValueKind::kObject ? Value::typed(pointer.type, 1) : pointer;
  v.array = 0;
  v.zero = v.constant = false;
  v.number.reset();
  v.bits = v.shift = v.unit = 0;
  v.symbolic = true;
  return v;
}

Value Rules::add_member(uint32_t i, const Value& base, const Value& member) {
  const std::string purpose = fmt::format("find member \"{}\"", member.text);
  const uint32_t at = member.origin;  // errors point at the member's name
  const auto target = lattice_.pointee(base);
  if (!target || base.array != 0 || context_.types == nullptr) return unusable(at, base, purpose);
  const types::TypeFile& types = *context_.types;
  TypeId id = target->pointers == 0 ? types.strip(target->type) : 0;
  if (types.kind(id) == Kind::kFwd) {
    const bool is_union = types.spell(id).starts_with("union");
    const auto full = types.find(is_union ? Kind::kUnion : Kind::kStruct, types.name(id));
    if (!full) {
      return problem(at, kTypeTag, fmt::format("{} is only declared, not defined, in these types", types.spell(id)));
    }
    id = *full;
  }
  if (types.kind(id) != Kind::kStruct && types.kind(id) != Kind::kUnion) {
    return problem(at, kTypeTag,
                   fmt::format("cannot {}: \"{}\" is not a struct or union", purpose,
                               lattice_.spell(target->type, target->pointers)));
  }
  const auto found = types.member(id, member.text);
  if (!found) {
    const std::string near = nearest(member.text, types.member_names(id));
    return problem(at, kMemberTag, fmt::format("{} has no member \"{}\"", types.spell(id), member.text),
                   near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
  }
  Value v = Value::typed(found->type, 1);
  v.symbolic = true;
  v.user = base.user;
  uint64_t offset = found->bit_offset / 8;
  if (found->bitfield_size != 0) {
    // The smallest aligned unit that holds the whole field.
    bool fits = false;
    for (unsigned unit = 1; unit <= 8 && !fits; unit *= 2) {
      const uint64_t start = found->bit_offset / (unit * 8) * (unit * 8);
      if (found->bit_offset + found->bitfield_size > start + unit * 8) continue;
      fits = true;
      offset = start / 8;
      v.bits = static_cast<uint8_t>(found->bitfield_size);
      v.shift = static_cast<uint8_t>(found->bit_offset - start);
      v.unit = static_cast<uint8_t>(unit);
    }
    if (!fits) return problem(at, kTypeTag, fmt::format("bit-field \"{}\" spans more than 8 bytes", member.text));
  }
  bind(member.origin, offset, i);
  return v;
}

// sub; sdiv "[]": how the compiler writes the difference of two things that may turn out to be pointers.
Value Rules::divide_by_element(uint32_t i, const Value& element) {
  const auto difference = defined_by(out_.flow.uses[i].r1, Op::kSub);
  if (!difference) {
    return problem(element.origin, kTypeTag, "the size of an element divides what is no difference of pointers");
  }
  const Value& a = r1(*difference);
  const Value& b = r2(*difference);
  const Value& v = r1(i);
  if (v.kind == ValueKind::kTop && v.text.empty()) return v;
  if (is_address(a) != is_address(b)) {
    return problem(
        element.origin, kTypeTag,
        fmt::format("operands have incompatible types: \"{}\" - \"{}\"", lattice_.spell(a), lattice_.spell(b)),
        "a cast says which is meant, a pointer or an integer");
  }
  if (!is_address(a)) {
    bind(element.origin, 1, i);
    return v;
  }
  const auto left = element_size(element.origin, a, "subtract");
  if (!left) return Value::top("");
  if (lattice_.join(a, b).kind == ValueKind::kTop) {
    return problem(
        element.origin, kTypeTag,
        fmt::format("operands have incompatible types: \"{}\" - \"{}\"", lattice_.spell(a), lattice_.spell(b)));
  }
  const auto right = element_size(element.origin, b, "subtract");
  if (!right) return Value::top("");
  if (*left == 0) {
    return problem(element.origin, kTypeTag,
                   fmt::format("cannot subtract \"{}\": its elements have no size", lattice_.spell(a)));
  }
  bind(element.origin, *left, i);
  return v;
}

Value Rules::load(uint32_t i) {
  const dif::LoadShape& width = *dif::load_shape(op(i));
  // A pointer to something of that width says more than the width does.
  if (const auto target = lattice_.pointee(r1(i)); target && r1(i).bits == 0 && r1(i).kind == ValueKind::kTyped) {
    Value v = Value::typed(target->type, target->pointers);
    const IntView view = lattice_.int_view(v);
    if ((view.arithmetic && view.size == width.bytes) || (lattice_.pointee(v) && width.bytes == 8)) return v;
  }
  return Value::integer(width.bytes, width.is_signed);
}

Value Rules::symbolic_load(uint32_t i) {
  const Value& pointer = r1(i);
  if (pointer.kind == ValueKind::kString) {  // s[n]
    out_.accesses[i] = {Access::Kind::kLoad, 1, true, false, 0, 0};
    return Value::integer(1, true, "char");
  }
  const auto target = lattice_.pointee(pointer);
  if (!target || context_.types == nullptr) return unusable(i, pointer, "dereference");
  Value v = load_of(i, *target, pointer);
  v.symbolic = true;
  v.user = (v.kind == ValueKind::kObject || v.array != 0) && (pointer.user || op(i) == Op::kUuload);
  return v;
}

// The target decides: integers and pointers are read, structs and arrays stay where they are.
Value Rules::load_of(uint32_t i, const Lattice::Pointee& target, const Value& pointer) {
  const types::TypeFile& types = *context_.types;
  Access& access = out_.accesses[i];
  access.user = pointer.user || op(i) == Op::kUuload;
  Value v = Value::typed(target.type, target.pointers);
  access.kind = Access::Kind::kLoad;
  if (target.pointers != 0) return v;

  const TypeId id = types.strip(target.type);
  const auto size = types.size(id).value_or(0);
  switch (types.kind(id)) {
    case Kind::kPtr:
      return v;
    case Kind::kInt:
    case Kind::kEnum:
    case Kind::kEnum64:
      if (size > 8) break;
      access.width = static_cast<uint8_t>(size);
      access.is_signed = lattice_.int_view(v).is_signed;
      if (pointer.bits != 0) {
        access.kind = Access::Kind::kBitfield;
        access.width = pointer.unit;
        access.shift = pointer.shift;
        access.bits = pointer.bits;
      }
      return v;
    case Kind::kFloat:
      if (size > 8) break;
      access.width = static_cast<uint8_t>(size);
      return v;
    case Kind::kArray: {
      access.kind = Access::Kind::kMove;
      Value decayed = Value::typed(types.target(id), 1);
      decayed.array = target.type;
      return decayed;
    }
    case Kind::kFuncProto:
      access.kind = Access::Kind::kMove;
      return Value::typed(target.type, 1);
    case Kind::kStruct:
    case Kind::kUnion:
    case Kind::kFwd:
      break;
    default:
      out_.accesses.erase(i);
      return problem(i, id == 0 ? "D_DEREF_VOID" : kTypeTag,
                     id == 0 ? "cannot dereference pointer to void"
                             : fmt::format("cannot load \"{}\"", lattice_.spell(target.type, 0)));
  }
  access.kind = Access::Kind::kMove;
  return Value::object(target.type);
}

Value Rules::type_cast(uint32_t i) {
  const std::string_view text = text_at(dif::index_of(difo_.text[i]));
  Value v = lattice_.spelled(text);
  if (v.kind == ValueKind::kOpaque && context_.types != nullptr) {
    std::string_view base = text;
    while (!base.empty() && (base.back() == '*' || base.back() == ' ')) base.remove_suffix(1);
    if (!d_integer(base)) return problem(i, kTypeTag, fmt::format("unknown type \"{}\"", base));
  }
  v.user = rd(i).user && v.kind != ValueKind::kInt;
  v.zero = rd(i).zero;
  return v;
}

}  // namespace ht::typing
