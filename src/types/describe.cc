#include "types/describe.h"

#include <fmt/format.h>

#include <array>

namespace ht::types {
namespace {

constexpr size_t kMost = size_t{1} << 20;

constexpr std::array<std::string_view, 20> kKindNames = {
    "void",      "integers", "pointers", "arrays",    "structs",   "unions",          "enums",
    "forward",   "typedefs", "volatile", "const",     "restrict",  "functions",       "prototypes",
    "variables", "sections", "floats",   "decl tags", "type tags", "enums of 64 bits"};

std::string size_text(const TypeFile& file, TypeId id) {
  const auto size = file.size(id);
  return size ? fmt::format("{}", *size) : "-";
}

std::string composite(const TypeFile& file, TypeId id) {
  std::string text = fmt::format("{} {{\n", file.spell(id));
  for (const Member& m : file.members(id)) {
    if (text.size() > kMost) {
      text += "  ...\n";
      break;
    }
    const bool bits = m.bitfield_size != 0;
    const std::string where =
        bits ? fmt::format("{}.{}", m.bit_offset / 8, m.bit_offset % 8) : fmt::format("{}", m.bit_offset / 8);
    const std::string size = bits ? fmt::format(":{}", m.bitfield_size) : size_text(file, m.type);
    text += fmt::format("  {:>8} {:>6}  {}{}{}\n", where, size, file.spell(m.type), m.name.empty() ? "" : " ", m.name);
  }
  return text + fmt::format("}}  /* {} bytes */\n", size_text(file, id));
}

std::string enumeration(const TypeFile& file, TypeId id) {
  std::string text = fmt::format("{} {{\n", file.spell(id));
  for (const TypeFile::Enumerator& e : file.enumerators(id)) {
    if (text.size() > kMost) {
      text += "  ...\n";
      break;
    }
    text += fmt::format("  {} = {}\n", e.name, e.value);
  }
  return text + fmt::format("}}  /* {} bytes */\n", size_text(file, id));
}

}  // namespace

Result<std::string> describe(const TypeFile& file, std::string_view spelling) {
  if (auto spelled = file.find_spelling(spelling)) {
    const TypeId id = spelled->base;
    if (spelled->pointers != 0)
      return fmt::format("{} {}  /* 8 bytes */\n", file.spell(id), std::string(spelled->pointers, '*'));
    std::string text;
    if (file.kind(id) == Kind::kTypedef) {
      text = fmt::format("typedef {} {}\n", file.spell(file.target(id)), file.name(id));
    }
    switch (file.kind(file.strip(id))) {
      case Kind::kStruct:
      case Kind::kUnion:
        return text + composite(file, file.strip(id));
      case Kind::kEnum:
      case Kind::kEnum64:
        return text + enumeration(file, file.strip(id));
      case Kind::kFwd:
        return fmt::format("{}  /* only declared */\n", file.spell(id));
      default:
        return text + fmt::format("{}  /* {} bytes */\n", file.spell(file.strip(id)), size_text(file, id));
    }
  }
  for (Kind kind : {Kind::kVar, Kind::kFunc}) {
    auto id = file.find(kind, spelling);
    if (!id) continue;
    return fmt::format("{}: {}\n", spelling, file.spell(file.target(*id)));
  }
  return Error(fmt::format("there is no type, variable or function \"{}\" in these types", spelling));
}

std::string summary(const TypeFile& file, TypeId first) {
  std::array<size_t, kKindNames.size()> counts{};
  for (TypeId id = first; id < file.count(); ++id) ++counts[static_cast<size_t>(file.kind(id)) % counts.size()];
  std::string text;
  for (size_t kind = 1; kind < counts.size(); ++kind) {
    if (counts[kind] != 0) text += fmt::format("{:>8} {}\n", counts[kind], kKindNames[kind]);
  }
  return text;
}

}  // namespace ht::types
