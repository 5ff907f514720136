// Laid out as: ELF header, sections (each 8-aligned), names of sections, section headers.
#include "object/container.h"

#include <cstring>
#include <string>

#include "object/elf.h"

namespace ht::object {
namespace {

constexpr size_t kAlignment = 8;
constexpr size_t kHeaders = kSectionCount + 2;  // the null section in front, the names behind
constexpr std::string_view kNamesSection = ".shstrtab";

Error bad(const std::string& what) {
  return Error("ELF object: " + what);
}

// The bytes of .shstrtab, and where each name starts in it.
struct Names {
  Bytes bytes = {0};
  std::array<uint32_t, kHeaders> offset{};

  Names() {
    for (size_t i = 0; i < kSectionCount; ++i) add(i + 1, kSections[i].name);
    add(kHeaders - 1, kNamesSection);
  }
  void add(size_t header, std::string_view name) {
    offset[header] = static_cast<uint32_t>(bytes.size());
    bytes.insert(bytes.end(), name.begin(), name.end());
    bytes.push_back(0);
  }
};

Elf64_Ehdr elf_header(uint64_t section_headers) {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = EM_NONE;
  header.e_version = EV_CURRENT;
  header.e_shoff = section_headers;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = kHeaders;
  header.e_shstrndx = kHeaders - 1;
  return header;
}

// The section headers' place, once the header says that this is such an ELF file.
Result<uint64_t> check_header(ByteView object) {
  ByteReader reader(object);
  const auto header = reader.read<Elf64_Ehdr>();
  if (!reader.ok()) return bad("too short for an ELF header");
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return bad("not an ELF file");
  const Elf64_Ehdr expected = elf_header(header.e_shoff);
  if (std::memcmp(header.e_ident, expected.e_ident, EI_NIDENT) != 0) return bad("not 64-bit little-endian ELF");
  if (header.e_type != ET_REL || header.e_machine != EM_NONE) return bad("not a HyperTrace program");
  if (header.e_shentsize != sizeof(Elf64_Shdr)) return bad("section headers of another size");
  return header.e_shoff;
}

// The bytes of one section.
Result<ByteView> section_bytes(ByteView object, const Elf64_Shdr& header, std::string_view name) {
  if (header.sh_offset > object.size() || header.sh_size > object.size() - header.sh_offset) {
    return bad("section " + std::string(name) + " lies outside the object");
  }
  return object.subspan(header.sh_offset, header.sh_size);
}

// The version is the first word of the first section, in every version there will ever be.
Result<void> check_version(ByteView header_section) {
  ByteReader reader(header_section);
  const uint32_t version = reader.u32();
  if (!reader.ok()) return bad("section " + std::string(info(Section::kHeader).name) + " is too short");
  if (version != kVersion) {
    return Error("ELF object: version " + std::to_string(version) + " is unknown",
                 "this HyperTrace reads version " + std::to_string(kVersion));
  }
  return {};
}

}  // namespace

Bytes write_container(const std::array<Bytes, kSectionCount>& sections) {
  const Names names;
  std::array<Elf64_Shdr, kHeaders> headers{};
  ByteWriter body;  // everything between the ELF header and the section headers
  const auto place = [&](size_t index, const Bytes& bytes, uint32_t type, uint32_t record) {
    body.align(kAlignment);
    Elf64_Shdr& header = headers[index];
    header.sh_name = names.offset[index];
    header.sh_type = type;
    header.sh_offset = sizeof(Elf64_Ehdr) + body.size();
    header.sh_size = bytes.size();
    header.sh_addralign = kAlignment;
    header.sh_entsize = type == SHT_STRTAB ? 0 : record;
    body.bytes(bytes);
  };
  for (size_t i = 0; i < kSectionCount; ++i) place(i + 1, sections[i], kSections[i].type, kSections[i].record);
  place(kHeaders - 1, names.bytes, SHT_STRTAB, 1);
  body.align(kAlignment);

  ByteWriter object;
  object.write(elf_header(sizeof(Elf64_Ehdr) + body.size()));
  object.bytes(body.data());
  for (const Elf64_Shdr& header : headers) object.write(header);
  return object.take();
}

Result<std::array<ByteView, kSectionCount>> read_container(ByteView object) {
  if (object.size() > kMaxObjectBytes) return bad("larger than " + std::to_string(kMaxObjectBytes) + " bytes");
  ASSIGN_OR_RETURN(const uint64_t place, check_header(object));
  if (place > object.size()) return bad("section headers lie outside the object");
  ByteReader reader(object);
  reader.seek(place + sizeof(Elf64_Shdr));  // after the null section
  const Names names;
  std::array<ByteView, kSectionCount> result;
  for (size_t i = 0; i < kSectionCount; ++i) {
    const auto header = reader.read<Elf64_Shdr>();
    const std::string name(kSections[i].name);
    if (!reader.ok()) return bad("the header of section " + name + " is missing");
    ASSIGN_OR_RETURN(result[i], section_bytes(object, header, name));
    if (i == 0) RETURN_IF_ERROR(check_version(result[i]));
    if (header.sh_name != names.offset[i + 1] || header.sh_type != kSections[i].type)
      return bad("section " + name + " is missing");
    if (header.sh_size % kSections[i].record != 0) return bad("section " + name + " ends in the middle of a record");
  }
  return result;
}

}  // namespace ht::object
