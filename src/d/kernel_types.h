// The running kernel's types and symbols as types of D: for programs without -E, whose kernel is known when they are
// compiled. Only what a program names is made, and the members of a struct only when one is asked for.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "d/type.h"
#include "types/running_kernel.h"

namespace ht::d {

class KernelTypes final : public TypeFiller {
 public:
  KernelTypes(TypeTable& types, types::RunningKernel& kernel) : types_(types), kernel_(kernel) {}
  virtual ~KernelTypes() = default;
  KernelTypes(const KernelTypes&) = delete;
  KernelTypes& operator=(const KernelTypes&) = delete;

  // A typedef or base type, of one module or (empty) of the first that has it; null if there is none.
  TypeRef find_name(std::string_view module, std::string_view name);
  TypeRef find_tag(TypeKind kind, std::string_view module, std::string_view tag);

  struct Symbol {
    types::RunningKernel::Symbol where;
    TypeRef type = nullptr;  // null: the kernel does not say
  };
  std::optional<Symbol> symbol(std::string_view module, std::string_view name);

  // Why the kernel has no types, or "" if it has.
  std::string missing();

  void fill(Type& type) const override;

 private:
  using File = const types::TypeFile*;
  std::vector<std::shared_ptr<const types::TypeFile>> files_of(std::string_view module);
  TypeRef find(std::string_view module, types::Kind kind, std::string_view name);
  TypeRef to_d(File file, types::TypeId id, unsigned depth) const;
  TypeRef make(File file, types::TypeId id, unsigned depth) const;
  TypeRef base_type(File file, types::TypeId id) const;
  Member member_at(File file, const types::Member& member, uint64_t bits_before) const;
  void fill_members(Type& type, File file, types::TypeId id, uint64_t bits_before, unsigned depth) const;

  // Making types while members are read does not change what anybody sees of this.
  TypeTable& types_;
  types::RunningKernel& kernel_;
  struct Origin {
    File file;
    types::TypeId id;
  };
  mutable std::map<std::pair<File, types::TypeId>, TypeRef> made_;
  mutable std::vector<Origin> origins_;  // by Type::filler_id
  std::map<std::pair<std::string, types::Kind>, TypeRef> found_;
  File vmlinux_ = nullptr;
};

}  // namespace ht::d
