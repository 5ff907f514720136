// Makes small BTF blobs for tests and seed corpora: every method adds one type and returns its id. Nothing is checked,
// so that malformed files can be made too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "types/btf_format.h"
#include "types/type_file.h"

namespace ht::types {

class BtfBuilder {
 public:
  struct Field {
    std::string_view name;
    TypeId type = 0;
    uint32_t bit_offset = 0;
    uint32_t bitfield_size = 0;
  };

  // For split BTF: the base's count() and the length of its strings.
  explicit BtfBuilder(TypeId first = 1, uint32_t string_first = 0) : next_(first), string_first_(string_first) {
    if (string_first == 0) strings_.push_back('\0');
  }

  TypeId integer(std::string_view name, uint32_t size, bool is_signed, unsigned bits = 0) {
    record(name, Kind::kInt, 0, size);
    types_.u32((is_signed ? 1u << 24 : 0) | (bits == 0 ? size * 8 : bits));
    return next_++;
  }
  TypeId reference(Kind kind, TypeId target, std::string_view name = {}) {
    record(name, kind, 0, target);
    return next_++;
  }
  TypeId pointer(TypeId target) { return reference(Kind::kPtr, target); }
  TypeId alias(std::string_view name, TypeId target) { return reference(Kind::kTypedef, target, name); }
  TypeId array(TypeId element, uint32_t length, TypeId index = 1) {
    record({}, Kind::kArray, 0, 0);
    for (uint32_t word : {element, index, length}) types_.u32(word);
    return next_++;
  }
  // Bit-field sizes go into the offset word (kind_flag) as soon as one member has one.
  TypeId composite(Kind kind, std::string_view name, uint32_t size, const std::vector<Field>& fields) {
    bool flag = false;
    for (const Field& f : fields) flag = flag || f.bitfield_size != 0;
    record(name, kind, static_cast<uint32_t>(fields.size()), size, flag);
    for (const Field& f : fields) {
      types_.u32(string(f.name));
      types_.u32(f.type);
      types_.u32(f.bitfield_size << 24 | f.bit_offset);
    }
    return next_++;
  }
  TypeId structure(std::string_view name, uint32_t size, const std::vector<Field>& fields) {
    return composite(Kind::kStruct, name, size, fields);
  }
  TypeId enumeration(std::string_view name, const std::vector<std::pair<std::string_view, int32_t>>& values,
                     bool is_signed = false) {
    record(name, Kind::kEnum, static_cast<uint32_t>(values.size()), 4, is_signed);
    for (const auto& [text, value] : values) {
      types_.u32(string(text));
      types_.write(value);
    }
    return next_++;
  }
  TypeId enumeration64(std::string_view name, const std::vector<std::pair<std::string_view, int64_t>>& values) {
    record(name, Kind::kEnum64, static_cast<uint32_t>(values.size()), 8, true);
    for (const auto& [text, value] : values) {
      types_.u32(string(text));
      types_.u32(static_cast<uint32_t>(value));
      types_.u32(static_cast<uint32_t>(static_cast<uint64_t>(value) >> 32));
    }
    return next_++;
  }
  TypeId prototype(TypeId result, const std::vector<Field>& parameters) {
    record({}, Kind::kFuncProto, static_cast<uint32_t>(parameters.size()), result);
    for (const Field& f : parameters) {
      types_.u32(string(f.name));
      types_.u32(f.type);
    }
    return next_++;
  }
  TypeId floating(std::string_view name, uint32_t size) {
    record(name, Kind::kFloat, 0, size);
    return next_++;
  }
  // kVar (linkage) and kDeclTag (component index): one word more.
  TypeId with_word(Kind kind, std::string_view name, TypeId target, uint32_t word) {
    record(name, kind, 0, target);
    types_.u32(word);
    return next_++;
  }
  TypeId section(std::string_view name, const std::vector<TypeId>& variables) {
    record(name, Kind::kDatasec, static_cast<uint32_t>(variables.size()), 8);
    for (TypeId id : variables) {
      for (uint32_t word : {id, 0u, 8u}) types_.u32(word);
    }
    return next_++;
  }

  TypeId next() const { return next_; }
  uint32_t string_length() const { return static_cast<uint32_t>(strings_.size()); }

  Bytes build() const {
    ByteWriter out;
    const auto type_len = static_cast<uint32_t>(types_.size());
    out.write(btf::Header{btf::kMagic, btf::kVersion, 0, sizeof(btf::Header), 0, type_len, type_len,
                          static_cast<uint32_t>(strings_.size())});
    out.bytes(types_.data());
    out.bytes(as_bytes(strings_));
    return out.take();
  }

 private:
  uint32_t string(std::string_view text) {
    if (text.empty()) return 0;
    const auto at = static_cast<uint32_t>(strings_.size());
    strings_.append(text);
    strings_.push_back('\0');
    return string_first_ + at;
  }
  void record(std::string_view name, Kind kind, uint32_t vlen, uint32_t size_or_type, bool flag = false) {
    types_.u32(string(name));
    types_.u32((flag ? 1u << 31 : 0) | static_cast<uint32_t>(kind) << 24 | vlen);
    types_.u32(size_or_type);
  }

  ByteWriter types_;
  std::string strings_;
  TypeId next_;
  uint32_t string_first_;
};

}  // namespace ht::types
