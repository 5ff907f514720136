#include "types/combined_types.h"

#include <algorithm>

#include "base/hash.h"
#include "symbols/kallsyms.h"

namespace ht::types {

CombinedTypes::CombinedTypes(std::shared_ptr<const TypeFile> vmlinux, std::vector<Module> modules) {
  hash_ = vmlinux->hash();
  const auto shared = static_cast<TypeId>(vmlinux->count());
  parts_.push_back({std::string(symbols::kKernelModule), std::move(vmlinux), 0, shared});
  std::string hashes = hash_;
  for (Module& module : modules) {
    const auto first = static_cast<TypeId>(count());
    const auto own = static_cast<TypeId>(module.types->count()) - shared;
    hashes += " " + module.name + " " + module.types->hash();
    parts_.push_back({std::move(module.name), std::move(module.types), first, own});
  }
  if (parts_.size() > 1) hash_ = sha256_hex(as_bytes(hashes));
}

CombinedTypes CombinedTypes::noting(std::set<TypeName>* wanted) const {
  CombinedTypes copy = *this;
  copy.wanted_ = wanted;
  return copy;
}

CombinedTypes::Local CombinedTypes::local(TypeId id) const {
  const Part* part = parts_.data();
  while (part != &parts_.back() && id >= (part + 1)->first) ++part;
  // 0 is the first of vmlinux's; of a module the first own one comes after all of vmlinux's.
  return {part, part == parts_.data() ? id : id - part->first + parts_[0].own};
}

TypeId CombinedTypes::global(const Part& part, TypeId id) const {
  return id < parts_[0].own ? id : id - parts_[0].own + part.first;
}

std::vector<Member> CombinedTypes::global(const Part& part, std::vector<Member> members) const {
  for (Member& m : members) m.type = global(part, m.type);
  return members;
}

// Kinds that are only tried after another of the same name say nothing new; a typedef is tried before a base type.
void CombinedTypes::note(std::string_view module, Kind kind, std::string_view name) const {
  if (wanted_ == nullptr || (name.empty() && module.empty()) || wanted_->size() >= kMostWanted) return;
  if (kind == Kind::kFwd || kind == Kind::kEnum64 || kind == Kind::kInt || kind == Kind::kFloat) return;
  if (kind == Kind::kTypedef && (vmlinux().find(Kind::kInt, name) || vmlinux().find(Kind::kFloat, name))) return;
  wanted_->insert({std::string(module), kind, std::string(name)});
}

std::optional<TypeId> CombinedTypes::find_in(std::string_view module, Kind wanted, std::string_view name) const {
  const TypeFile& kernel = vmlinux();
  if (module == symbols::kKernelModule) return kernel.find(wanted, name);
  if (module.empty()) {
    if (auto id = kernel.find(wanted, name)) return id;
  }
  note(module, wanted, name);
  const bool is_symbol = wanted == Kind::kVar || wanted == Kind::kFunc;
  for (size_t i = 1; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    if (!module.empty() && part.name != module) continue;
    const auto id = part.types->find(wanted, name);
    if (id && !(is_symbol && *id < parts_[0].own)) return global(part, *id);
  }
  return std::nullopt;
}

std::optional<int64_t> CombinedTypes::enumerator(std::string_view name) const {
  if (auto value = vmlinux().enumerator(name)) return value;
  note({}, Kind::kVoid, name);
  for (const Part& part : parts_) {
    if (auto value = part.types->enumerator(name)) return value;
  }
  return std::nullopt;
}

Kind CombinedTypes::kind(TypeId id) const {
  const Local at = local(id);
  return at.part->types->kind(at.id);
}

std::string_view CombinedTypes::name(TypeId id) const {
  const Local at = local(id);
  return at.part->types->name(at.id);
}

TypeId CombinedTypes::target(TypeId id) const {
  const Local at = local(id);
  return global(*at.part, at.part->types->target(at.id));
}

uint32_t CombinedTypes::array_length(TypeId id) const {
  const Local at = local(id);
  return at.part->types->array_length(at.id);
}

bool CombinedTypes::is_signed(TypeId id) const {
  const Local at = local(id);
  return at.part->types->is_signed(at.id);
}

std::optional<uint64_t> CombinedTypes::size(TypeId id) const {
  const Local at = local(id);
  return at.part->types->size(at.id);
}

TypeId CombinedTypes::strip(TypeId id) const {
  const Local at = local(id);
  return global(*at.part, at.part->types->strip(at.id));
}

std::optional<MemberRef> CombinedTypes::member(TypeId struct_or_union, std::string_view name) const {
  const Local at = local(struct_or_union);
  auto found = at.part->types->member(at.id, name);
  if (found) found->type = global(*at.part, found->type);
  return found;
}

std::vector<std::string_view> CombinedTypes::member_names(TypeId struct_or_union) const {
  const Local at = local(struct_or_union);
  return at.part->types->member_names(at.id);
}

std::vector<Member> CombinedTypes::members(TypeId struct_or_union) const {
  const Local at = local(struct_or_union);
  return global(*at.part, at.part->types->members(at.id));
}

std::vector<Member> CombinedTypes::parameters(TypeId func_proto) const {
  const Local at = local(func_proto);
  return global(*at.part, at.part->types->parameters(at.id));
}

std::vector<TypeFile::Enumerator> CombinedTypes::enumerators(TypeId enumeration) const {
  const Local at = local(enumeration);
  return at.part->types->enumerators(at.id);
}

std::string CombinedTypes::spell(TypeId id) const {
  const Local at = local(id);
  return at.part->types->spell(at.id);
}

}  // namespace ht::types
