#include "types/module_search.h"

#include <unordered_map>

#include "types/btf_format.h"

namespace ht::types {
namespace {

struct Sections {
  ByteView types;
  std::string_view strings;
};

std::optional<Sections> sections_of(ByteView blob) {
  if (blob.size() < sizeof(btf::Header)) return std::nullopt;
  const auto h = btf::load_at<btf::Header>(blob.data());
  if (h.magic != btf::kMagic || h.hdr_len < sizeof(btf::Header) || h.hdr_len > blob.size()) return std::nullopt;
  const uint64_t room = blob.size() - h.hdr_len;
  if (uint64_t{h.type_off} + h.type_len > room || uint64_t{h.str_off} + h.str_len > room) return std::nullopt;
  const ByteView strings = blob.subspan(h.hdr_len + h.str_off, h.str_len);
  return Sections{blob.subspan(h.hdr_len + h.type_off, h.type_len),
                  {reinterpret_cast<const char*>(strings.data()), strings.size()}};
}

// The kind of name that a record has, as TypeName counts kinds; nothing for what no program looks for.
std::optional<Kind> named_kind(Kind kind) {
  switch (kind) {
    case Kind::kEnum64:
      return Kind::kEnum;
    case Kind::kStruct:
    case Kind::kUnion:
    case Kind::kEnum:
    case Kind::kTypedef:
    case Kind::kFunc:
    case Kind::kVar:
      return kind;
    default:
      return std::nullopt;
  }
}

class Search {
 public:
  Search(std::string_view kernel_strings, std::string_view strings, const std::vector<TypeName>& names)
      : kernel_strings_(kernel_strings), strings_(strings), names_(names), found_(names.size()) {
    for (size_t i = 0; i < names.size(); ++i) wanted_.emplace(names[i].name, i);
  }

  std::vector<bool> run(ByteView types) {
    for (size_t at = 0; types.size() - at >= sizeof(btf::Record);) {
      const auto record = btf::load_at<btf::Record>(types.data() + at);
      const unsigned kind = btf::kind_of(record.info);
      if (kind == 0 || kind > btf::kMaxKind) break;
      const btf::KindInfo& info = btf::kKinds[kind];
      const unsigned entries = btf::vlen_of(record.info) * (info.per_entry != 0 ? 1 : 0);
      const size_t length = sizeof record + info.extra + size_t{info.per_entry} * entries;
      if (types.size() - at < length) break;
      if (const auto named = named_kind(static_cast<Kind>(kind))) look_at(*named, record.name_off);
      if (kind == static_cast<unsigned>(Kind::kEnum) || kind == static_cast<unsigned>(Kind::kEnum64)) {
        const uint8_t* entry = types.data() + at + sizeof record;
        for (unsigned i = 0; i < entries; ++i, entry += info.per_entry)
          look_at(Kind::kVoid, btf::load_at<uint32_t>(entry));
      }
      at += length;
    }
    return std::move(found_);
  }

 private:
  void look_at(Kind kind, uint32_t name) {
    if (name == 0) return;
    const auto [first, last] = wanted_.equal_range(string(name));
    for (auto it = first; it != last; ++it) {
      if (names_[it->second].kind == kind) found_[it->second] = true;
    }
  }

  std::string_view string(uint32_t offset) const {
    std::string_view from = kernel_strings_;
    size_t at = offset;
    if (at >= from.size()) {
      at -= from.size();
      from = strings_;
    }
    if (at >= from.size()) return {};
    from.remove_prefix(at);
    return from.substr(0, from.find('\0'));
  }

  std::string_view kernel_strings_, strings_;
  const std::vector<TypeName>& names_;
  std::unordered_multimap<std::string_view, size_t> wanted_;  // name -> place in names_
  std::vector<bool> found_;
};

}  // namespace

std::optional<std::string_view> btf_strings(ByteView blob) {
  const auto sections = sections_of(blob);
  if (!sections) return std::nullopt;
  return sections->strings;
}

std::vector<bool> defines(ByteView blob, std::string_view kernel_strings, const std::vector<TypeName>& names) {
  const auto sections = sections_of(blob);
  if (!sections) return std::vector<bool>(names.size());
  return Search(kernel_strings, sections->strings, names).run(sections->types);
}

}  // namespace ht::types
