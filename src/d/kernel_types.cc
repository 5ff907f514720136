// BTF to D types.
#include "d/kernel_types.h"

#include <algorithm>

namespace ht::d {
namespace {

// Chains of pointers and typedefs in a kernel are short; what is deeper than this is void.
constexpr unsigned kDeepest = 64;

TypeKind kind_in_d(types::Kind kind) {
  return kind == types::Kind::kUnion  ? TypeKind::kUnion
         : kind == types::Kind::kEnum ? TypeKind::kEnum
                                      : TypeKind::kStruct;
}

}  // namespace

std::vector<std::shared_ptr<const types::TypeFile>> KernelTypes::files_of(std::string_view module) {
  std::vector<std::shared_ptr<const types::TypeFile>> files;
  if (module.empty()) {
    files = kernel_.all_types();
  } else if (auto file = kernel_.types(module); file.ok()) {
    files.push_back(*file);
  }
  if (auto file = kernel_.types(types::kKernelModule); file.ok()) vmlinux_ = file->get();
  return files;
}

std::string KernelTypes::missing() {
  auto file = kernel_.types(types::kKernelModule);
  return file.ok() ? std::string() : file.error().message;
}

TypeRef KernelTypes::find(std::string_view module, types::Kind kind, std::string_view name) {
  if (types_.ilp32()) return nullptr;  // the kernel's are of the other data model
  std::pair<std::string, types::Kind> key(std::string(module) + "`" + std::string(name), kind);
  if (auto found = found_.find(key); found != found_.end()) return found->second;
  TypeRef result = nullptr;
  // vmlinux first, and modules only if that does not have it.
  if (module.empty()) result = find(types::kKernelModule, kind, name);
  if (result == nullptr) {
    for (const auto& file : files_of(module)) {
      if (auto id = file->find(kind, name); id.has_value()) {
        result = to_d(file.get(), *id, 0);
        break;
      }
    }
  }
  return found_[std::move(key)] = result;
}

TypeRef KernelTypes::find_name(std::string_view module, std::string_view name) {
  for (types::Kind kind : {types::Kind::kTypedef, types::Kind::kInt, types::Kind::kFloat}) {
    if (TypeRef found = find(module, kind, name)) return found;
  }
  return nullptr;
}

TypeRef KernelTypes::find_tag(TypeKind kind, std::string_view module, std::string_view tag) {
  if (kind == TypeKind::kEnum) {
    TypeRef found = find(module, types::Kind::kEnum, tag);
    return found != nullptr ? found : find(module, types::Kind::kEnum64, tag);
  }
  return find(module, kind == TypeKind::kUnion ? types::Kind::kUnion : types::Kind::kStruct, tag);
}

std::optional<KernelTypes::Symbol> KernelTypes::symbol(std::string_view module, std::string_view name) {
  auto where = kernel_.symbol(module, name);
  if (!where.has_value()) return std::nullopt;
  Symbol result{std::move(*where), nullptr};
  for (types::Kind kind : {types::Kind::kVar, types::Kind::kFunc}) {
    if (result.type == nullptr) result.type = find(result.where.module, kind, name);
  }
  return result;
}

TypeRef KernelTypes::to_d(File file, types::TypeId id, unsigned depth) const {
  if (id == 0 || depth > kDeepest) return types_.void_type();
  // A module's file repeats nothing of the kernel's: ids below its own are the kernel's.
  if (vmlinux_ != nullptr && file != vmlinux_ && id < vmlinux_->count()) file = vmlinux_;
  std::pair<File, types::TypeId> key(file, id);
  if (auto found = made_.find(key); found != made_.end()) return found->second;
  TypeRef type = make(file, id, depth);
  made_.emplace(key, type);
  return type;
}

// Integers are D's own, so that a kernel's int is an int.
TypeRef KernelTypes::base_type(File file, types::TypeId id) const {
  struct Row {
    uint64_t size;
    bool is_signed;
    std::string_view name;
  };
  static constexpr Row kRows[] = {
      {1, true, "signed char"}, {1, false, "unsigned char"}, {2, true, "short"}, {2, false, "unsigned short"},
      {4, true, "int"},         {4, false, "unsigned int"},  {8, true, "long"},  {8, false, "unsigned long"}};
  std::string_view name = file->name(id);
  const uint64_t size = file->size(id).value_or(0);
  const bool is_signed = file->is_signed(id);
  if (name == "char" || name == "_Bool") return types_.integer(name);
  if (name.find("long long") != std::string_view::npos) {
    return types_.integer(is_signed ? "long long" : "unsigned long long");
  }
  for (const Row& row : kRows) {
    if (row.size == size && row.is_signed == is_signed) return types_.integer(row.name);
  }
  // 16 bytes, for instance: something that can be copied and traced.
  return types_.array(types_.integer("char"), static_cast<uint32_t>(size));
}

TypeRef KernelTypes::make(File file, types::TypeId id, unsigned depth) const {
  const std::string_view name = file->name(id);
  const types::TypeId target = file->target(id);
  auto inner = [&] { return to_d(file, target, depth + 1); };
  switch (file->kind(id)) {
    case types::Kind::kInt:
      return base_type(file, id);
    case types::Kind::kFloat: {
      const uint64_t size = file->size(id).value_or(8);
      return types_.integer(size == 4 ? "float" : size == 8 ? "double" : "long double");
    }
    case types::Kind::kPtr:
      return types_.pointer(inner());
    case types::Kind::kArray:
      return types_.array(inner(), file->array_length(id));
    case types::Kind::kConst:
      return types_.qualified(inner(), true, false, false);
    case types::Kind::kVolatile:
      return types_.qualified(inner(), false, true, false);
    case types::Kind::kTypedef: {
      TypeRef actual = inner();
      Type* type = types_.make(TypeKind::kTypedef, name, actual->size);
      type->target = actual;
      type->align = actual->align;
      return type;
    }
    case types::Kind::kStruct:
    case types::Kind::kUnion:
    case types::Kind::kEnum:
    case types::Kind::kEnum64: {
      const bool is_enum = file->kind(id) == types::Kind::kEnum || file->kind(id) == types::Kind::kEnum64;
      Type* type = types_.make(is_enum ? TypeKind::kEnum : kind_in_d(file->kind(id)), name, file->size(id).value_or(0));
      type->is_signed = is_enum && (type->size < 8 || file->is_signed(id));
      type->complete = true;
      type->filler = this;
      type->filler_id = static_cast<uint32_t>(origins_.size());
      origins_.push_back({file, id});
      return type;
    }
    case types::Kind::kFwd: {
      // Declared here and, most often, defined elsewhere in the same kernel.
      for (types::Kind kind : {types::Kind::kStruct, types::Kind::kUnion}) {
        if (auto found = file->find(kind, name); found.has_value()) return to_d(file, *found, depth + 1);
      }
      Type* type = types_.make(TypeKind::kStruct, name, 0);
      type->complete = false;
      return type;
    }
    case types::Kind::kFuncProto:
      return types_.function(inner());
    case types::Kind::kRestrict:
    case types::Kind::kTypeTag:
    case types::Kind::kVar:
    case types::Kind::kFunc:
      return inner();
    default:
      return types_.void_type();
  }
}

void KernelTypes::fill(Type& type) const {
  const Origin origin = origins_[type.filler_id];
  if (type.kind == TypeKind::kEnum) {
    for (const auto& entry : origin.file->enumerators(origin.id)) {
      type.enumerators.push_back({std::string(entry.name), entry.value});
    }
    return;
  }
  fill_members(type, origin.file, origin.id, 0, 0);
}

// One member, at `bits_before` from where the struct that is filled in begins.
Member KernelTypes::member_at(File file, const types::Member& member, uint64_t bits_before) const {
  const uint64_t at = bits_before + member.bit_offset;
  Member result;
  result.name = member.name;
  result.type = to_d(file, member.type, 0);
  result.offset = static_cast<uint32_t>(at / 8);
  if (member.bitfield_size != 0) result.place_bits(at, static_cast<uint8_t>(member.bitfield_size));
  return result;
}

void KernelTypes::fill_members(Type& type, File file, types::TypeId id, uint64_t bits_before, unsigned depth) const {
  if (depth > kDeepest) return;
  for (const types::Member& member : file->members(id)) {
    if (member.name.empty() && member.bitfield_size != 0) continue;
    Member added = member_at(file, member, bits_before);
    if (depth == 0) type.declared.push_back(added);
    if (member.name.empty()) {
      fill_members(type, file, file->strip(member.type), bits_before + member.bit_offset, depth + 1);
    } else {
      type.members.push_back(std::move(added));
    }
  }
}

}  // namespace ht::d
