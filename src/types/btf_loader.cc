// The checks are those of the kernel's own BTF verifier as far as they matter to a reader that only looks.
#include "types/btf_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "base/hash.h"

namespace ht::types {
namespace {

constexpr size_t kTypeInMember = offsetof(btf::Member, type);

Error bad(std::string text) {
  return Error("BTF: " + text);
}
Error bad(TypeId id, std::string_view text) {
  return bad(fmt::format("type {}: {}", id, text));
}

}  // namespace

// The type alone: what the passes over all members need. Entry `index` of a struct or union.
TypeId BtfLoader::member_type(const BtfFile::View& v, unsigned index) {
  return btf::load_at<uint32_t>(v.body + size_t{index} * sizeof(btf::Member) + kTypeInMember);
}

Result<void> BtfLoader::load() {
  RETURN_IF_ERROR(read_header());
  RETURN_IF_ERROR(scan_records());
  RETURN_IF_ERROR(check_references());
  RETURN_IF_ERROR(check_nesting());
  RETURN_IF_ERROR(check_pointers());
  RETURN_IF_ERROR(build_index());
  f_.hash_ = sha256_hex(f_.blob_);
  return {};
}

Result<void> BtfLoader::read_header() {
  const Bytes& blob = f_.blob_;
  if (blob.size() > BtfFile::kMaxBytes) return bad("larger than 64 MiB");
  if (blob.size() < sizeof(btf::Header)) return bad("shorter than its header");
  const auto h = btf::load_at<btf::Header>(blob.data());
  if (h.magic == 0x9feb) return bad("big-endian files are not supported");
  if (h.magic != btf::kMagic) return bad("wrong magic number");
  if (h.version != btf::kVersion) return bad(fmt::format("unknown version {}", h.version));
  if (h.flags != 0) return bad("unknown flags");
  if (h.hdr_len < sizeof(btf::Header) || h.hdr_len > blob.size()) return bad("impossible header length");
  const uint64_t room = blob.size() - h.hdr_len;
  if (uint64_t{h.type_off} + h.type_len > room) return bad("the type section leaves the file");
  if (uint64_t{h.str_off} + h.str_len > room) return bad("the string section leaves the file");
  if (h.type_off % 4 != 0) return bad("misaligned type section");
  types_at_ = h.hdr_len + h.type_off;
  types_len_ = h.type_len;
  f_.string_at_ = h.hdr_len + h.str_off;
  f_.string_len_ = h.str_len;
  const uint8_t* strings = blob.data() + f_.string_at_;
  if (h.str_len != 0 && strings[h.str_len - 1] != 0) return bad("the string section is not terminated");
  if (!f_.base_ && (h.str_len == 0 || strings[0] != 0)) return bad("the string section does not begin with NUL");
  if (f_.base_) {
    f_.first_ = static_cast<TypeId>(f_.base_->count());
    f_.string_first_ = f_.base_->string_first_ + f_.base_->string_len_;
    // Offsets and ids are 32 bits wide; base and split file together stay far below that.
    if (f_.string_first_ > UINT32_MAX - h.str_len) return bad("too many strings");
  }
  return {};
}

Result<void> BtfLoader::scan_records() {
  const uint8_t* begin = f_.blob_.data() + types_at_;
  size_t at = 0;
  f_.offsets_.reserve(types_len_ / 20);
  name_fine_.assign(f_.string_len_, 0);
  while (at < types_len_) {
    const auto id = static_cast<TypeId>(f_.count());
    if (types_len_ - at < sizeof(btf::Record)) return bad(id, "cut short");
    const auto record = btf::load_at<btf::Record>(begin + at);
    if ((record.info & ~btf::kInfoMask) != 0) return bad(id, "reserved bits are set");
    const unsigned kind = btf::kind_of(record.info);
    if (kind == 0 || kind > btf::kMaxKind) return bad(id, fmt::format("unknown kind {}", kind));
    const btf::KindInfo& info = btf::kKinds[kind];
    const size_t length = sizeof record + info.extra + size_t{info.per_entry} * btf::vlen_of(record.info);
    if (types_len_ - at < length) return bad(id, "cut short");
    RETURN_IF_ERROR(check_record(id, record, begin + at + sizeof record));
    f_.offsets_.push_back(static_cast<uint32_t>(types_at_ + at));
    at += length;
  }
  return {};
}

Result<void> BtfLoader::check_name(TypeId id, uint32_t offset, bool required) {
  if (offset >= uint64_t{f_.string_first_} + f_.string_len_) return bad(id, "its name leaves the string section");
  // Most names are used many times: each is looked at once.
  const bool own = offset >= f_.string_first_;
  if (own && name_fine_[offset - f_.string_first_] != 0) return {};
  const std::string_view name = f_.string(offset);
  if (name.empty()) return required ? Result<void>(bad(id, "has no name")) : Result<void>();
  if (name.size() > BtfFile::kMaxName) return bad(id, "its name is too long");
  // Names are printed in messages: nothing in them may steer a terminal.
  if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= 0x20 && c < 0x7f; })) {
    return bad(id, "its name is not printable");
  }
  if (own) name_fine_[offset - f_.string_first_] = 1;  // not empty, and fine for everyone
  return {};
}

Result<void> BtfLoader::check_record(TypeId id, const btf::Record& record, const uint8_t* body) {
  const auto kind = static_cast<Kind>(btf::kind_of(record.info));
  const unsigned vlen = btf::vlen_of(record.info);
  if (kind == Kind::kDeclTag || kind == Kind::kTypeTag) {
    // Free text that is never shown.
    if (record.name_off >= uint64_t{f_.string_first_} + f_.string_len_) {
      return bad(id, "its name leaves the string section");
    }
    return {};
  }
  const bool required = kind == Kind::kInt || kind == Kind::kFwd || kind == Kind::kTypedef || kind == Kind::kFunc ||
                        kind == Kind::kVar || kind == Kind::kDatasec || kind == Kind::kFloat;
  RETURN_IF_ERROR(check_name(id, record.name_off, required));
  if (f_.string(record.name_off).empty() == false) ++named_;

  const uint32_t size = record.size_or_type;
  switch (kind) {
    case Kind::kInt: {
      const auto word = btf::load_at<uint32_t>(body);
      if (size == 0 || size > 16 || (size & (size - 1)) != 0) return bad(id, "impossible size of an int");
      if (btf::int_bits_of(word) == 0 || btf::int_bits_of(word) + btf::int_offset_of(word) > size * 8) {
        return bad(id, "an int wider than its size");
      }
      return {};
    }
    case Kind::kFloat:
      return size == 0 || size > 32 ? Result<void>(bad(id, "impossible size of a float")) : Result<void>();
    case Kind::kStruct:
    case Kind::kUnion:
      for (unsigned i = 0; i < vlen; ++i) {
        const auto m = btf::load_at<btf::Member>(body + size_t{i} * sizeof(btf::Member));
        RETURN_IF_ERROR(check_name(id, m.name_off, false));
        const uint32_t bits = btf::kind_flag_of(record.info) ? m.offset & 0xffffff : m.offset;
        if (bits / 8 > size) return bad(id, "a member begins beyond the end");
      }
      return {};
    case Kind::kEnum:
    case Kind::kEnum64: {
      if (size == 0 || size > 8 || (size & (size - 1)) != 0) return bad(id, "impossible size of an enum");
      const size_t step = kind == Kind::kEnum ? sizeof(btf::Enum) : sizeof(btf::Enum64);
      for (unsigned i = 0; i < vlen; ++i) {
        RETURN_IF_ERROR(check_name(id, btf::load_at<uint32_t>(body + i * step), true));
      }
      enumerators_ += vlen;
      return {};
    }
    case Kind::kFuncProto:
      for (unsigned i = 0; i < vlen; ++i) {
        RETURN_IF_ERROR(check_name(id, btf::load_at<uint32_t>(body + i * sizeof(btf::Param)), false));
      }
      return {};
    case Kind::kPtr:
    case Kind::kArray:
    case Kind::kVolatile:
    case Kind::kConst:
    case Kind::kRestrict:
    case Kind::kFwd:
    case Kind::kTypedef:
    case Kind::kFunc:
    case Kind::kVar:
    case Kind::kDatasec:
    case Kind::kVoid:
    case Kind::kDeclTag:
    case Kind::kTypeTag:
      return {};
  }
  return {};
}

// A type that an object can have (so that it can be a member or an element).
Result<void> BtfLoader::check_value_type(TypeId id, TypeId target, const char* what) {
  if (target == 0 || target >= f_.count()) return bad(id, fmt::format("{} of unknown type {}", what, target));
  switch (f_.kind(target)) {
    case Kind::kVoid:
    case Kind::kFunc:
    case Kind::kFuncProto:
    case Kind::kVar:
    case Kind::kDatasec:
    case Kind::kDeclTag:
      return bad(id, fmt::format("{} of impossible type {}", what, target));
    default:
      return {};
  }
}

Result<void> BtfLoader::check_reference(TypeId id, const BtfFile::View& v) {
  const uint32_t target = v.record.size_or_type;
  if (btf::kKinds[static_cast<unsigned>(v.kind)].has_type && target >= f_.count()) {
    return bad(id, fmt::format("refers to unknown type {}", target));
  }
  const bool in_chain = v.kind == Kind::kPtr || BtfFile::is_modifier(v.kind);
  if (in_chain) {
    const Kind to = f_.kind(target);
    if (to == Kind::kFunc || to == Kind::kVar || to == Kind::kDatasec || to == Kind::kDeclTag) {
      return bad(id, "refers to something that is not a type");
    }
  }
  if (v.kind == Kind::kVar && target != 0) return check_value_type(id, target, "a variable");
  if (v.kind == Kind::kDatasec) {
    for (unsigned i = 0; i < v.vlen(); ++i) {
      const auto entry = btf::load_at<btf::Secinfo>(v.body + size_t{i} * sizeof(btf::Secinfo));
      if (f_.kind(entry.type) != Kind::kVar) return bad(id, "a section holds something that is no variable");
    }
  }
  if (v.kind == Kind::kFunc && f_.kind(target) != Kind::kFuncProto) return bad(id, "a function without prototype");
  if (v.kind == Kind::kArray) return check_value_type(id, btf::load_at<btf::Array>(v.body).type, "an array");
  if (BtfFile::is_composite(v.kind)) {
    for (unsigned i = 0; i < v.vlen(); ++i) {
      RETURN_IF_ERROR(check_value_type(id, member_type(v, i), "a member"));
    }
  }
  if (v.kind == Kind::kFuncProto) {
    for (unsigned i = 0; i < v.vlen(); ++i) {
      if (btf::load_at<btf::Param>(v.body + size_t{i} * sizeof(btf::Param)).type >= f_.count()) {
        return bad(id, "a parameter of unknown type");
      }
    }
  }
  return {};
}

Result<void> BtfLoader::check_references() {
  for (TypeId id = f_.first_; id < f_.count(); ++id) RETURN_IF_ERROR(check_reference(id, f_.view(id)));
  return {};
}

// Types contained by value, one after the other.
TypeId BtfLoader::value_edge(const BtfFile::View& v, unsigned index) const {
  if (BtfFile::is_composite(v.kind)) return index < v.vlen() ? member_type(v, index) : 0;
  if (index != 0) return 0;
  if (BtfFile::is_modifier(v.kind)) return v.record.size_or_type;
  if (v.kind == Kind::kArray) return btf::load_at<btf::Array>(v.body).type;
  return 0;
}

Result<void> BtfLoader::check_nesting() {
  f_.sizes_.assign(f_.offsets_.size(), BtfFile::kNoSize);
  f_.depths_.assign(f_.offsets_.size(), 1);
  colour_.assign(f_.offsets_.size(), 0);
  for (TypeId id = f_.first_; id < f_.count(); ++id) {
    if (colour_[id - f_.first_] == 0) RETURN_IF_ERROR(visit(id));
  }
  return {};
}

// Depth first, with a stack of its own: how deep a file nests is not for the file to decide.
Result<void> BtfLoader::visit(TypeId root) {
  stack_.assign(1, {root, 0});
  colour_[root - f_.first_] = 1;
  while (!stack_.empty()) {
    Frame& top = stack_.back();
    const TypeId id = top.id;
    const BtfFile::View v = f_.view(id);
    const TypeId next = value_edge(v, top.next++);
    if (next == 0) {
      RETURN_IF_ERROR(finish(id, v));
      colour_[id - f_.first_] = 2;
      stack_.pop_back();
    } else if (next >= f_.first_) {  // types of the base are done
      if (colour_[next - f_.first_] == 1) return bad(id, fmt::format("contains itself through type {}", next));
      if (colour_[next - f_.first_] == 0) {
        if (stack_.size() > BtfFile::kMaxDepth) return bad(id, "types nest too deeply");
        colour_[next - f_.first_] = 1;
        stack_.push_back({next, 0});
      }
    }
  }
  return {};
}

// Size and depth of a type whose parts are done.
Result<void> BtfLoader::finish(TypeId id, const BtfFile::View& v) {
  unsigned depth = 0;
  const unsigned edges = BtfFile::is_composite(v.kind) ? v.vlen() : 1;
  for (unsigned i = 0; i < edges; ++i) {
    const TypeId part = value_edge(v, i);
    if (part != 0) depth = std::max(depth, f_.depth(part));
  }
  if (++depth > BtfFile::kMaxDepth) return bad(id, "types nest too deeply");
  f_.depths_[id - f_.first_] = static_cast<uint8_t>(depth);

  uint64_t& size = f_.sizes_[id - f_.first_];
  if (BtfFile::is_modifier(v.kind)) {
    size = f_.size(v.record.size_or_type).value_or(BtfFile::kNoSize);
  } else if (v.kind == Kind::kPtr) {
    size = 8;
  } else if (v.kind == Kind::kArray) {
    const auto array = btf::load_at<btf::Array>(v.body);
    const std::optional<uint64_t> element = f_.size(array.type);
    if (element && __builtin_mul_overflow(*element, uint64_t{array.nelems}, &size)) {
      return bad(id, "an array too large to exist");
    }
  } else if (v.kind == Kind::kInt || v.kind == Kind::kEnum || v.kind == Kind::kEnum64 || v.kind == Kind::kFloat ||
             BtfFile::is_composite(v.kind)) {
    size = v.record.size_or_type;
  }
  return {};
}

// Every pointer, modifier and array has one successor: follow the chains, each only once.
Result<void> BtfLoader::check_pointers() {
  colour_.assign(f_.offsets_.size(), 0);
  std::vector<TypeId> chain;
  for (TypeId root = f_.first_; root < f_.count(); ++root) {
    chain.clear();
    TypeId id = root;
    while (id >= f_.first_ && colour_[id - f_.first_] == 0) {
      colour_[id - f_.first_] = 1;
      chain.push_back(id);
      const BtfFile::View v = f_.view(id);
      id = v.kind == Kind::kPtr ? v.record.size_or_type : BtfFile::is_composite(v.kind) ? 0 : value_edge(v, 0);
    }
    if (id >= f_.first_ && colour_[id - f_.first_] == 1) return bad(id, "a pointer to itself");
    for (TypeId done : chain) colour_[done - f_.first_] = 2;
  }
  return {};
}

Result<void> BtfLoader::build_index() {
  f_.names_.reserve(named_);
  f_.enumerators_.reserve(enumerators_);
  f_.values_.reserve(enumerators_);
  for (TypeId id = f_.first_; id < f_.count(); ++id) {
    const BtfFile::View v = f_.view(id);
    const std::string_view name = f_.string(v.record.name_off);
    const bool is_tag = v.kind == Kind::kDeclTag || v.kind == Kind::kTypeTag;
    if (!name.empty() && !is_tag && !f_.names_.insert(static_cast<unsigned>(v.kind), name, id)) {
      return bad(id, "too many names collide");
    }
    if (v.kind != Kind::kEnum && v.kind != Kind::kEnum64) continue;
    for (unsigned i = 0; i < v.vlen(); ++i) {
      const BtfFile::Enumerator e = f_.enumerator_at(v, i);
      if (!f_.enumerators_.insert(0, e.name, static_cast<uint32_t>(f_.values_.size()))) {
        return bad(id, "too many enumerators collide");
      }
      f_.values_.push_back(e.value);
    }
  }
  return {};
}

}  // namespace ht::types
