// A type's parts come before it in the list, so nothing in it can refer to itself.
#include "d/print_types.h"

namespace ht::d {
namespace {

constexpr unsigned kDeepest = 64;

dif::CKind c_kind(TypeRef type) {
  switch (stripped(type)->kind) {
    case TypeKind::kInteger:
      return dif::CKind::kInteger;
    case TypeKind::kEnum:
      return dif::CKind::kEnum;
    case TypeKind::kFloat:
      return dif::CKind::kFloat;
    case TypeKind::kPointer:
      return dif::CKind::kPointer;
    case TypeKind::kArray:
    case TypeKind::kString:
      return dif::CKind::kArray;
    case TypeKind::kStruct:
      return dif::CKind::kStruct;
    case TypeKind::kUnion:
      return dif::CKind::kUnion;
    case TypeKind::kVoid:
      return dif::CKind::kVoid;
    case TypeKind::kFunction:
      return dif::CKind::kFunction;
    default:
      return dif::CKind::kUnknown;
  }
}

// "int [4]" as DTrace writes it.
std::string shown_name(TypeRef type) {
  std::string name = spell(type);
  size_t bracket = name.find('[');
  bool spaced = bracket == 0 || bracket == std::string::npos || name[bracket - 1] == ' ';
  if (stripped(type)->kind == TypeKind::kArray && !spaced) name.insert(bracket, 1, ' ');
  return name;
}

}  // namespace

uint32_t PrintTypes::add(TypeRef type) {
  return add(type, 0);
}

uint32_t PrintTypes::add(TypeRef type, unsigned depth) {
  if (auto found = numbers_.find(type); found != numbers_.end()) return found->second;
  if (depth > kDeepest) return 0;
  TypeRef base = stripped(type);
  dif::PrintType entry;
  entry.ckind = c_kind(type);
  entry.name = shown_name(type);
  entry.size = static_cast<uint32_t>(base->size);
  entry.is_signed = base->is_signed || base->kind == TypeKind::kEnum;
  entry.is_text = base->kind == TypeKind::kString;
  entry.is_char = base->kind == TypeKind::kInteger && base->name == "char";
  if (base->kind == TypeKind::kPointer) entry.to_function = stripped(base->target)->kind == TypeKind::kFunction;
  if (base->kind == TypeKind::kArray) {
    entry.count = base->count;
    entry.element = add(base->target, depth + 1);
    if (entry.element == 0) return 0;
  }
  const std::vector<Member>& members = declared_of(base);
  for (const Member& member : members) {
    uint32_t number = add(member.type, depth + 1);
    if (number == 0) return 0;
    entry.members.push_back({member.name, number, member.offset, member.bit_offset, member.bits});
  }
  for (const EnumValue& value : enumerators_of(base)) entry.enumerators.push_back({value.name, value.value});
  if (types_.size() >= dif::kMostPrintTypes) return 0;
  types_.push_back(std::move(entry));
  return numbers_[type] = static_cast<uint32_t>(types_.size());
}

}  // namespace ht::d
