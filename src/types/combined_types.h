// One kernel's types and those of some of its modules as a single type file, for programs that use both. vmlinux keeps
// its ids; each module's own follow, module by module.
//
//   0 ... n-1 vmlinux | n ... own types of the first module | ... of the second | ...
//
// Every module's file is split BTF over the same vmlinux: what it shares with it is vmlinux's there, too.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "types/type_file.h"
#include "types/type_name.h"

namespace ht::types {

class CombinedTypes final : public TypeFile {
 public:
  struct Module {
    std::string name;
    std::shared_ptr<const TypeFile> types;
  };

  // The modules in the order in which they are searched.
  explicit CombinedTypes(std::shared_ptr<const TypeFile> vmlinux, std::vector<Module> modules = {});

  // The same types, which note in `wanted` each name that was looked for and that more modules might answer: what
  // vmlinux does not have, and what is looked for in another module than it. `wanted` must outlive the copy; it takes
  // at most kMostWanted names.
  CombinedTypes noting(std::set<TypeName>* wanted) const;
  static constexpr size_t kMostWanted = 1024;

  size_t modules() const { return parts_.size() - 1; }

  const std::string& hash() const override { return hash_; }  // vmlinux's, if there are no modules
  size_t count() const override { return parts_.back().first + parts_.back().own; }
  Kind kind(TypeId id) const override;
  std::string_view name(TypeId id) const override;
  TypeId target(TypeId id) const override;
  uint32_t array_length(TypeId id) const override;
  bool is_signed(TypeId id) const override;
  std::optional<uint64_t> size(TypeId id) const override;
  TypeId strip(TypeId id) const override;
  std::optional<TypeId> find(Kind kind, std::string_view name) const override { return find_in({}, kind, name); }
  std::optional<TypeId> find_in(std::string_view module, Kind kind, std::string_view name) const override;
  std::optional<MemberRef> member(TypeId struct_or_union, std::string_view name) const override;
  std::vector<std::string_view> member_names(TypeId struct_or_union) const override;
  std::vector<Member> members(TypeId struct_or_union) const override;
  std::vector<Member> parameters(TypeId func_proto) const override;
  std::optional<int64_t> enumerator(std::string_view name) const override;
  std::vector<Enumerator> enumerators(TypeId enumeration) const override;
  std::string spell(TypeId id) const override;

 private:
  struct Part {
    std::string name;
    std::shared_ptr<const TypeFile> types;
    TypeId first = 0;  // id here of its first own type
    TypeId own = 0;    // how many
  };
  // A type as its own file has it; of an id that is none, one that file has not, either.
  struct Local {
    const Part* part;
    TypeId id;
  };
  const TypeFile& vmlinux() const { return *parts_[0].types; }
  Local local(TypeId id) const;
  TypeId global(const Part& part, TypeId id) const;
  std::vector<Member> global(const Part& part, std::vector<Member> members) const;
  void note(std::string_view module, Kind kind, std::string_view name) const;

  std::vector<Part> parts_;  // vmlinux first
  std::string hash_;
  std::set<TypeName>* wanted_ = nullptr;
};

}  // namespace ht::types
