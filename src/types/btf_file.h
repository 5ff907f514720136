// The one implementation of TypeFile: BTF kept as it came, with an index beside it. load() checks everything once, so
// that the queries may follow what they find: every reference is in range, by-value nesting is acyclic and at most
// kMaxDepth deep, chains of pointers are acyclic, names are short and printable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "types/btf_format.h"
#include "types/name_index.h"
#include "types/type_file.h"

namespace ht::types {

class BtfFile final : public TypeFile {
 public:
  static constexpr size_t kMaxBytes = size_t{64} << 20;
  static constexpr unsigned kMaxDepth = 128;  // structs in arrays in typedefs ...; a real kernel has about 20
  static constexpr size_t kMaxName = 512;     // the kernel's own limit

  static Result<std::shared_ptr<const TypeFile>> load(ByteView blob, std::shared_ptr<const BtfFile> base);

  const std::string& hash() const override { return hash_; }
  size_t count() const override { return first_ + offsets_.size(); }
  Kind kind(TypeId id) const override;
  std::string_view name(TypeId id) const override;
  TypeId target(TypeId id) const override;
  uint32_t array_length(TypeId id) const override;
  bool is_signed(TypeId id) const override;
  std::optional<uint64_t> size(TypeId id) const override;
  TypeId strip(TypeId id) const override;
  std::optional<TypeId> find(Kind kind, std::string_view name) const override;
  std::optional<TypeId> find_in(std::string_view module, Kind kind, std::string_view name) const override;
  std::optional<MemberRef> member(TypeId struct_or_union, std::string_view name) const override;
  std::vector<std::string_view> member_names(TypeId struct_or_union) const override;
  std::vector<Member> members(TypeId struct_or_union) const override;
  std::vector<Member> parameters(TypeId func_proto) const override;
  std::optional<int64_t> enumerator(std::string_view name) const override;
  std::vector<Enumerator> enumerators(TypeId enumeration) const override;
  std::string spell(TypeId id) const override;

 private:
  friend class BtfLoader;
  friend class Speller;

  // A record of this file or of the base; a void one for ids out of range.
  struct View {
    btf::Record record{};
    const uint8_t* body = nullptr;  // what follows the 12 bytes
    Kind kind = Kind::kVoid;
    unsigned vlen() const { return kind == Kind::kVoid ? 0 : btf::vlen_of(record.info); }
  };
  View view(TypeId id) const;
  std::string_view string(uint32_t offset) const;
  Member member_at(const View& v, unsigned index) const;
  Enumerator enumerator_at(const View& v, unsigned index) const;
  unsigned depth(TypeId id) const;
  static bool is_composite(Kind kind) { return kind == Kind::kStruct || kind == Kind::kUnion; }
  static bool is_modifier(Kind kind);

  Bytes blob_;
  std::shared_ptr<const BtfFile> base_;
  std::string hash_;
  TypeId first_ = 1;               // id of offsets_[0]; for the whole file type 0 is void
  std::vector<uint32_t> offsets_;  // of each record in blob_
  std::vector<uint64_t> sizes_;    // bytes, kNoSize if none
  std::vector<uint8_t> depths_;    // of by-value nesting: an int 1, an array of int 2
  size_t string_at_ = 0;           // of the string section in blob_
  uint32_t string_first_ = 0;      // offsets below are the base's
  uint32_t string_len_ = 0;
  NameIndex names_;        // (kind, name) -> id
  NameIndex enumerators_;  // name -> position in values_
  std::vector<int64_t> values_;

  static constexpr uint64_t kNoSize = UINT64_MAX;
};

}  // namespace ht::types
