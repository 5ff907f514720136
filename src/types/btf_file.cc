#include "types/btf_file.h"

#include <unordered_set>

#include "base/fd.h"
#include "symbols/kallsyms.h"
#include "types/btf_loader.h"

namespace ht::types {

Result<std::shared_ptr<const TypeFile>> TypeFile::from_btf(ByteView btf, std::shared_ptr<const TypeFile> base) {
  std::shared_ptr<const BtfFile> base_file;
  if (base) {
    base_file = std::dynamic_pointer_cast<const BtfFile>(base);
    if (!base_file) return Error("the base of a split BTF file is not a BTF file itself");
  }
  return BtfFile::load(btf, std::move(base_file));
}

Result<std::shared_ptr<const TypeFile>> TypeFile::from_file(const std::string& path,
                                                            std::shared_ptr<const TypeFile> base) {
  ASSIGN_OR_RETURN(const Bytes blob, read_file(path, BtfFile::kMaxBytes));
  auto file = from_btf(blob, std::move(base));
  if (!file.ok()) return Error(path + ": " + file.error().message);
  return file;
}

Result<std::shared_ptr<const TypeFile>> BtfFile::load(ByteView blob, std::shared_ptr<const BtfFile> base) {
  if (blob.size() > kMaxBytes) return Error("BTF: larger than 64 MiB");
  auto file = std::make_shared<BtfFile>();
  file->blob_.assign(blob.begin(), blob.end());
  file->base_ = std::move(base);
  RETURN_IF_ERROR(BtfLoader(*file).load());
  return std::shared_ptr<const TypeFile>(std::move(file));
}

bool BtfFile::is_modifier(Kind kind) {
  return kind == Kind::kTypedef || kind == Kind::kConst || kind == Kind::kVolatile || kind == Kind::kRestrict ||
         kind == Kind::kTypeTag;
}

BtfFile::View BtfFile::view(TypeId id) const {
  if (id < first_) return base_ ? base_->view(id) : View{};
  if (id - first_ >= offsets_.size()) return {};
  const uint8_t* at = blob_.data() + offsets_[id - first_];
  View v;
  v.record = btf::load_at<btf::Record>(at);
  v.body = at + sizeof v.record;
  v.kind = static_cast<Kind>(btf::kind_of(v.record.info));
  return v;
}

std::string_view BtfFile::string(uint32_t offset) const {
  if (offset < string_first_) return base_ ? base_->string(offset) : std::string_view();
  if (offset - string_first_ >= string_len_) return {};
  // The section ends in NUL; a name longer than what load() accepts is cut where it is too long already.
  const char* text = reinterpret_cast<const char*>(blob_.data()) + string_at_ + (offset - string_first_);
  return {text, strnlen(text, kMaxName + 1)};
}

Member BtfFile::member_at(const View& v, unsigned index) const {
  const auto raw = btf::load_at<btf::Member>(v.body + size_t{index} * sizeof(btf::Member));
  Member m;
  m.name = string(raw.name_off);
  m.type = raw.type;
  if (btf::kind_flag_of(v.record.info)) {
    m.bit_offset = raw.offset & 0xffffff;
    m.bitfield_size = raw.offset >> 24;
    return m;
  }
  // The older encoding: a bit-field is a member whose int type is narrower than its size.
  m.bit_offset = raw.offset;
  const View target_view = view(raw.type);
  if (target_view.kind == Kind::kInt) {
    const auto word = btf::load_at<uint32_t>(target_view.body);
    const unsigned bits = btf::int_bits_of(word);
    // _Bool counts as 8 bits wide or as one; a byte that holds nothing else needs no shifting.
    if (bits != target_view.record.size_or_type * 8 && !(bits == 1 && m.bit_offset % 8 == 0)) {
      m.bit_offset += btf::int_offset_of(word);
      m.bitfield_size = bits;
    }
  }
  return m;
}

TypeFile::Enumerator BtfFile::enumerator_at(const View& v, unsigned index) const {
  if (v.kind == Kind::kEnum) {
    const auto e = btf::load_at<btf::Enum>(v.body + size_t{index} * sizeof(btf::Enum));
    return {string(e.name_off), e.value};  // an int, as everywhere in D
  }
  const auto e = btf::load_at<btf::Enum64>(v.body + size_t{index} * sizeof(btf::Enum64));
  return {string(e.name_off), static_cast<int64_t>(uint64_t{e.high} << 32 | e.low)};
}

unsigned BtfFile::depth(TypeId id) const {
  if (id < first_) return base_ ? base_->depth(id) : 0;
  return id - first_ < depths_.size() ? depths_[id - first_] : 0;
}

Kind BtfFile::kind(TypeId id) const {
  return view(id).kind;
}

std::string_view BtfFile::name(TypeId id) const {
  const View v = view(id);
  if (v.kind == Kind::kVoid) return "void";
  if (v.kind == Kind::kDeclTag || v.kind == Kind::kTypeTag) return {};  // free text, unchecked
  return string(v.record.name_off);
}

TypeId BtfFile::target(TypeId id) const {
  const View v = view(id);
  if (v.kind == Kind::kVoid) return 0;
  if (v.kind == Kind::kArray) return btf::load_at<btf::Array>(v.body).type;
  return btf::kKinds[static_cast<unsigned>(v.kind)].has_type ? v.record.size_or_type : 0;
}

uint32_t BtfFile::array_length(TypeId id) const {
  const View v = view(strip(id));
  return v.kind == Kind::kArray ? btf::load_at<btf::Array>(v.body).nelems : 0;
}

bool BtfFile::is_signed(TypeId id) const {
  const View v = view(strip(id));
  if (v.kind == Kind::kInt) return btf::int_signed_of(btf::load_at<uint32_t>(v.body));
  if (v.kind != Kind::kEnum && v.kind != Kind::kEnum64) return false;
  // Set since Linux 6.0; older files do not say.
  return btf::kind_flag_of(v.record.info);
}

std::optional<uint64_t> BtfFile::size(TypeId id) const {
  if (id < first_) return base_ ? base_->size(id) : std::nullopt;
  if (id - first_ >= sizes_.size() || sizes_[id - first_] == kNoSize) return std::nullopt;
  return sizes_[id - first_];
}

TypeId BtfFile::strip(TypeId id) const {
  // Modifiers nest by value: load() has seen that this ends.
  for (View v = view(id); is_modifier(v.kind); v = view(id)) id = v.record.size_or_type;
  return id < count() ? id : 0;
}

std::optional<TypeId> BtfFile::find(Kind wanted, std::string_view text) const {
  if (auto id = names_.find(static_cast<unsigned>(wanted), text)) return id;
  return base_ ? base_->find(wanted, text) : std::nullopt;
}

std::optional<TypeId> BtfFile::find_in(std::string_view module, Kind wanted, std::string_view text) const {
  const bool is_symbol = wanted == Kind::kVar || wanted == Kind::kFunc;
  if (is_symbol && !base_ && !module.empty() && module != symbols::kKernelModule) return std::nullopt;
  return find(wanted, text);
}

std::optional<int64_t> BtfFile::enumerator(std::string_view text) const {
  if (auto at = enumerators_.find(0, text)) return values_[*at];
  return base_ ? base_->enumerator(text) : std::nullopt;
}

// An anonymous struct met twice holds nothing new, so the work is bounded by the number of members in the file.
std::optional<MemberRef> BtfFile::member(TypeId struct_or_union, std::string_view wanted) const {
  if (wanted.empty()) return std::nullopt;
  struct Part {
    TypeId id;
    uint64_t bit_offset;
  };
  std::vector<Part> todo{{strip(struct_or_union), 0}};
  std::unordered_set<TypeId> seen;
  for (size_t next = 0; next < todo.size(); ++next) {
    const Part part = todo[next];
    const View v = view(part.id);
    if (!is_composite(v.kind) || !seen.insert(part.id).second) continue;
    for (unsigned i = 0; i < v.vlen(); ++i) {
      const Member m = member_at(v, i);
      if (m.name == wanted) return MemberRef{m.type, part.bit_offset + m.bit_offset, m.bitfield_size};
      if (m.name.empty() && m.bitfield_size == 0) todo.push_back({strip(m.type), part.bit_offset + m.bit_offset});
    }
  }
  return std::nullopt;
}

std::vector<std::string_view> BtfFile::member_names(TypeId struct_or_union) const {
  std::vector<std::string_view> names;
  std::vector<TypeId> todo{strip(struct_or_union)};
  std::unordered_set<TypeId> seen;
  for (size_t next = 0; next < todo.size(); ++next) {
    const View v = view(todo[next]);
    if (!is_composite(v.kind) || !seen.insert(todo[next]).second) continue;
    for (unsigned i = 0; i < v.vlen(); ++i) {
      const Member m = member_at(v, i);
      if (!m.name.empty()) {
        names.push_back(m.name);
      } else {
        todo.push_back(strip(m.type));
      }
    }
  }
  return names;
}

std::vector<TypeFile::Enumerator> BtfFile::enumerators(TypeId enumeration) const {
  const View v = view(strip(enumeration));
  std::vector<Enumerator> result;
  if (v.kind != Kind::kEnum && v.kind != Kind::kEnum64) return result;
  for (unsigned i = 0; i < v.vlen(); ++i) result.push_back(enumerator_at(v, i));
  return result;
}

std::vector<Member> BtfFile::members(TypeId struct_or_union) const {
  const View v = view(strip(struct_or_union));
  std::vector<Member> result;
  if (!is_composite(v.kind)) return result;
  for (unsigned i = 0; i < v.vlen(); ++i) result.push_back(member_at(v, i));
  return result;
}

std::vector<Member> BtfFile::parameters(TypeId func_proto) const {
  const View v = view(strip(func_proto));
  std::vector<Member> result;
  if (v.kind != Kind::kFuncProto) return result;
  for (unsigned i = 0; i < v.vlen(); ++i) {
    const auto p = btf::load_at<btf::Param>(v.body + size_t{i} * sizeof(btf::Param));
    result.push_back({string(p.name_off), p.type, 0, 0});
  }
  return result;
}

}  // namespace ht::types
