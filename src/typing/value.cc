#include "typing/value.h"

#include <fmt/format.h>

namespace ht::typing {

using types::Kind;
using types::TypeId;

Value Value::integer(uint32_t size, bool is_signed, std::string_view name) {
  Value v = of(ValueKind::kInt);
  v.size = size;
  v.is_signed = is_signed;
  v.text = name;
  return v;
}

Value Value::typed(TypeId type, unsigned pointers) {
  Value v = of(ValueKind::kTyped);
  v.type = type;
  v.pointers = pointers;
  return v;
}

Value Value::object(TypeId type) {
  Value v = of(ValueKind::kObject);
  v.type = type;
  return v;
}

Value Value::opaque(std::string_view spelling) {
  Value v = of(ValueKind::kOpaque);
  v.text = spelling;
  return v;
}

Value Value::top(std::string text) {
  Value v = of(ValueKind::kTop);
  v.text = std::move(text);
  return v;
}

std::optional<Value> d_integer(std::string_view spelling) {
  static constexpr struct {
    std::string_view name;
    uint8_t size;
    bool is_signed;
  } kTable[] = {
      {"char", 1, true},
      {"signed char", 1, true},
      {"unsigned char", 1, false},
      {"short", 2, true},
      {"short int", 2, true},
      {"unsigned short", 2, false},
      {"int", 4, true},
      {"signed", 4, true},
      {"signed int", 4, true},
      {"unsigned", 4, false},
      {"unsigned int", 4, false},
      {"long", 8, true},
      {"long int", 8, true},
      {"unsigned long", 8, false},
      {"long long", 8, true},
      {"unsigned long long", 8, false},
      {"_Bool", 1, false},
      {"int8_t", 1, true},
      {"uint8_t", 1, false},
      {"int16_t", 2, true},
      {"uint16_t", 2, false},
      {"int32_t", 4, true},
      {"uint32_t", 4, false},
      {"int64_t", 8, true},
      {"uint64_t", 8, false},
      {"intptr_t", 8, true},
      {"uintptr_t", 8, false},
      {"size_t", 8, false},
      {"ssize_t", 8, true},
      {"ptrdiff_t", 8, true},
      {"uchar_t", 1, false},
      {"ushort_t", 2, false},
      {"uint_t", 4, false},
      {"ulong_t", 8, false},
      {"longlong_t", 8, true},
      {"u_longlong_t", 8, false},
      {"id_t", 4, true},
      {"pid_t", 4, true},
      {"uid_t", 4, false},
      {"gid_t", 4, false},
      {"dev_t", 4, false},
  };
  for (const auto& row : kTable) {
    if (row.name == spelling) return Value::integer(row.size, row.is_signed, row.name);
  }
  return std::nullopt;
}

// The same type always as the same pair: typedefs and qualifiers removed, pointer types counted as stars.
Lattice::Pointee Lattice::canonical(TypeId type, unsigned pointers) const {
  if (types_ == nullptr) return {type, pointers};
  TypeId id = types_->strip(type);
  while (types_->kind(id) == Kind::kPtr) {  // the type file has no cycles of pointers
    ++pointers;
    id = types_->strip(types_->target(id));
  }
  return {id, pointers};
}

bool Lattice::is_pointer(const Value& v) const {
  if (v.kind == ValueKind::kScratch) return true;
  if (v.kind == ValueKind::kOpaque) return !v.text.empty() && v.text.back() == '*';
  return v.kind == ValueKind::kTyped && canonical(v.type, v.pointers).pointers != 0;
}

bool Lattice::is_char(TypeId type) const {
  if (types_ == nullptr) return false;
  const TypeId id = types_->strip(type);
  return types_->kind(id) == Kind::kInt && types_->size(id) == 1 &&
         types_->name(id).find("char") != std::string_view::npos;
}

std::optional<Lattice::Pointee> Lattice::pointee(const Value& v) const {
  if (v.kind == ValueKind::kObject) return Pointee{v.type, 0};
  if (v.kind != ValueKind::kTyped) return std::nullopt;
  if (v.pointers != 0) return Pointee{v.type, v.pointers - 1};
  if (types_ == nullptr) return std::nullopt;
  const TypeId id = types_->strip(v.type);
  if (types_->kind(id) == Kind::kPtr) return Pointee{types_->target(id), 0};
  return std::nullopt;
}

IntView Lattice::int_view(const Value& v) const {
  if (v.kind == ValueKind::kInt) return {v.size, v.is_signed, true};
  if (v.kind == ValueKind::kTyped && v.pointers == 0 && types_ != nullptr) {
    const TypeId id = types_->strip(v.type);
    const Kind kind = types_->kind(id);
    const auto size = static_cast<uint32_t>(types_->size(id).value_or(8));
    if (kind == Kind::kInt && size <= 8) return {size, types_->is_signed(id), true};
    if (kind == Kind::kEnum) return {size, true, true};  // an int, in D
    if (kind == Kind::kEnum64) return {size, types_->is_signed(id), true};
  }
  return {};
}

bool Lattice::same(const Value& a, const Value& b) const {
  if (a.kind != b.kind || a.user != b.user) return false;
  switch (a.kind) {
    case ValueKind::kInt:
      return a.size == b.size && a.is_signed == b.is_signed;
    case ValueKind::kTyped: {
      const Pointee x = canonical(a.type, a.pointers);
      const Pointee y = canonical(b.type, b.pointers);
      return x.type == y.type && x.pointers == y.pointers && a.array == b.array && a.bits == b.bits &&
             a.shift == b.shift && a.unit == b.unit;
    }
    case ValueKind::kObject:
      return canonical(a.type, 0).type == canonical(b.type, 0).type;
    case ValueKind::kOpaque:
      return a.text == b.text;
    case ValueKind::kMember:
    case ValueKind::kElement:
      return a.origin == b.origin;
    case ValueKind::kBottom:
    case ValueKind::kString:
    case ValueKind::kScratch:
    case ValueKind::kTop:
      return true;
  }
  return false;
}

Value Lattice::join(const Value& a, const Value& b) const {
  if (a.kind == ValueKind::kBottom || b.kind == ValueKind::kTop) return b;
  if (b.kind == ValueKind::kBottom || a.kind == ValueKind::kTop) return a;
  Value result = a;
  result.symbolic = a.symbolic || b.symbolic;
  result.zero = a.zero && b.zero;
  result.constant = a.constant && b.constant;
  if (a.number != b.number) result.number.reset();
  if (same(a, b)) return result;

  const auto chosen = [&](const Value& v) {
    Value out = v;
    out.symbolic = result.symbolic;
    out.zero = out.constant = false;
    out.number = result.number;
    return out;
  };
  // 0 is the null of every pointer and string.
  if (a.zero && a.kind == ValueKind::kInt && (is_pointer(b) || b.kind == ValueKind::kString)) return chosen(b);
  if (b.zero && b.kind == ValueKind::kInt && (is_pointer(a) || a.kind == ValueKind::kString)) return chosen(a);
  if (a.kind == ValueKind::kTyped && b.kind == ValueKind::kTyped && a.user == b.user && is_pointer(a) &&
      is_pointer(b)) {
    const Pointee x = canonical(a.type, a.pointers);
    const Pointee y = canonical(b.type, b.pointers);
    if (x.type == y.type && x.pointers == y.pointers) {  // only one is an array, or a bit-field
      Value out = chosen(a);
      out.array = 0;
      if (a.bits == b.bits) return out;
    }
    if (x.type == 0 && x.pointers == 1) return chosen(b);  // void *
    if (y.type == 0 && y.pointers == 1) return chosen(a);
    // A string is a string whether it came as an array or as a pointer.
  } else if (a.kind == ValueKind::kScratch && is_pointer(b)) {
    return chosen(b);
  } else if (b.kind == ValueKind::kScratch && is_pointer(a)) {
    return chosen(a);
  } else if (a.kind == ValueKind::kString || b.kind == ValueKind::kString) {
    const Value& other = a.kind == ValueKind::kString ? b : a;
    const auto target = pointee(other);
    const bool spelled_so =
        other.kind == ValueKind::kOpaque && (other.text == "char *" || other.text == "const char *");
    if (spelled_so || (target && target->pointers == 0 && is_char(target->type))) {
      return chosen(a.kind == ValueKind::kString ? a : b);
    }
  }
  const IntView x = int_view(a);
  const IntView y = int_view(b);
  if (x.arithmetic && y.arithmetic) return promote(a, b);
  Value top = Value::top(fmt::format("both \"{}\" and \"{}\"", spell(a), spell(b)));
  top.symbolic = result.symbolic;
  return top;
}

Value Lattice::promote(const Value& a, const Value& b) const {
  const IntView x = int_view(a);
  const IntView y = int_view(b);
  Value out;
  if (x.rank() == y.rank()) {
    // Same width and sign: the one that has a name to show, rather than a constant.
    const Value& named = a.constant || !x.arithmetic ? b : a;
    out = int_view(named).arithmetic ? named : Value::integer(x.size, x.is_signed);
  } else {
    const Value& wider = x.rank() > y.rank() ? a : b;
    const IntView view = int_view(wider);
    out = view.arithmetic ? wider : Value::integer(view.size, view.is_signed);
  }
  out.symbolic = a.symbolic || b.symbolic;
  out.constant = a.constant && b.constant;
  out.zero = false;
  out.user = false;
  out.number = a.number == b.number ? a.number : std::nullopt;
  return out;
}

std::string Lattice::spell(TypeId type, unsigned pointers) const {
  std::string text = types_ != nullptr ? types_->spell(type) : "void";
  if (pointers == 0) return text;
  // A pointer to an array or function: the star belongs before its brackets.
  const TypeId id = types_ != nullptr ? types_->strip(type) : 0;
  const bool plain = types_ == nullptr || types_->kind(type) != types_->kind(id) ||
                     (types_->kind(id) != Kind::kArray && types_->kind(id) != Kind::kFuncProto);
  const std::string stars(pointers, '*');
  if (!plain) {
    const size_t at = text.find_first_of("[(");
    if (at != std::string::npos) return text.insert(at, "(" + stars + ")");
  }
  return text + (text.back() == '*' ? "" : " ") + stars;
}

std::string Lattice::spell(const Value& v) const {
  switch (v.kind) {
    case ValueKind::kInt:
      if (!v.text.empty()) return v.text;
      switch (v.size) {
        case 1:
          return v.is_signed ? "char" : "unsigned char";
        case 2:
          return v.is_signed ? "short" : "unsigned short";
        case 4:
          return v.is_signed ? "int" : "unsigned int";
        default:
          return v.is_signed ? "long" : "unsigned long";
      }
    case ValueKind::kTyped:
      return v.array != 0 ? spell(v.array, 0) : spell(v.type, v.pointers);
    case ValueKind::kObject:
      return spell(v.type, 0);
    case ValueKind::kOpaque:
      return v.text;
    case ValueKind::kString:
      return "string";
    case ValueKind::kScratch:
      return "void *";
    case ValueKind::kMember:
      return "offset of " + v.text;
    case ValueKind::kElement:
      return "offset of an element";
    case ValueKind::kBottom:
      return "unknown";
    case ValueKind::kTop:
      return v.text;
  }
  return "unknown";
}

Value Lattice::spelled(std::string_view text) const {
  if (text == "string") return Value::of(ValueKind::kString);
  if (auto known = d_integer(text)) return *known;
  if (types_ != nullptr) {
    if (auto found = types_->find_spelling(text)) {
      Value v = Value::typed(found->base, found->pointers);
      v.symbolic = true;
      const Kind kind = types_->kind(types_->strip(found->base));
      if (found->pointers == 0 && (kind == Kind::kStruct || kind == Kind::kUnion)) v.kind = ValueKind::kObject;
      return v;
    }
  }
  return Value::opaque(text);
}

Value Lattice::from_dif(const dif::Type& type) const {
  if (type.kind == dif::TypeKind::kString) return Value::of(ValueKind::kString);
  if (type.kind == dif::TypeKind::kUnknown) return type.name.empty() ? Value::bottom() : spelled(type.name);
  Value v;
  switch (type.ckind) {
    case dif::CKind::kInteger:
    case dif::CKind::kEnum:
    case dif::CKind::kFloat:
      return Value::integer(type.size, type.is_signed(), type.name);
    case dif::CKind::kVoid:
      return Value::integer(8, true);
    default:
      v = spelled(type.name);
      v.user = (type.flags & dif::Type::kByUserRef) != 0;
      v.symbolic = false;
      return v;
  }
}

Result<dif::Type> Lattice::to_dif(const Value& v) const {
  using dif::CKind;
  using dif::Type;
  const uint8_t by_ref = v.user ? Type::kByUserRef : Type::kByRef;
  const auto reference = [&](TypeId id, CKind ckind) -> Result<Type> {
    const auto size = types_->size(id);
    if (!size) return Error(fmt::format("\"{}\" has no known size", spell(id, 0)));
    if (*size == 0 || *size > UINT32_MAX) return Error(fmt::format("\"{}\" cannot be recorded by value", spell(id, 0)));
    return Type{dif::TypeKind::kD, ckind, by_ref, static_cast<uint32_t>(*size), spell(id, 0)};
  };
  switch (v.kind) {
    case ValueKind::kInt:
      return Type::integer(v.size, v.is_signed, spell(v));
    case ValueKind::kString:
      return Type::string();
    case ValueKind::kScratch:
    case ValueKind::kOpaque:
      return Type{dif::TypeKind::kD, CKind::kPointer, 0, 8, spell(v)};
    case ValueKind::kObject: {
      const Kind kind = types_->kind(types_->strip(v.type));
      const CKind ckind = kind == Kind::kUnion    ? CKind::kUnion
                          : kind == Kind::kStruct ? CKind::kStruct
                          : kind == Kind::kFloat  ? CKind::kFloat
                                                  : CKind::kArray;
      return reference(v.type, ckind);
    }
    case ValueKind::kTyped: {
      if (v.array != 0 && types_->size(v.array).value_or(0) != 0) return reference(v.array, CKind::kArray);
      if (is_pointer(v)) return Type{dif::TypeKind::kD, CKind::kPointer, 0, 8, spell(v.type, v.pointers)};
      const TypeId id = types_->strip(v.type);
      const Kind kind = types_->kind(id);
      if (kind == Kind::kFloat && types_->size(id).value_or(16) <= 8) {
        return Type{dif::TypeKind::kD, CKind::kFloat, 0, static_cast<uint32_t>(*types_->size(id)), spell(v.type, 0)};
      }
      const IntView view = int_view(v);
      if (!view.arithmetic) return Error(fmt::format("\"{}\" has no value", spell(v)));
      Type out = Type::integer(view.size, view.is_signed, spell(v.type, 0));
      if (kind == Kind::kEnum || kind == Kind::kEnum64) out.ckind = CKind::kEnum;
      return out;
    }
    case ValueKind::kMember:
      return Error(fmt::format("member \"{}\" is used without its structure", v.text));
    case ValueKind::kElement:
      return Error("an element's offset is used without its array");
    case ValueKind::kBottom:
      return Error("its type cannot be told");
    case ValueKind::kTop:
      return Error("it may be " + v.text);
  }
  return Error("its type cannot be told");
}

}  // namespace ht::typing
