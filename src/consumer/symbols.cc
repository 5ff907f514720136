#include "consumer/symbols.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <tuple>

#include "base/fd.h"
#include "base/words.h"
#include "types/kallsyms.h"

namespace ht::consumer {

using dif::ActionKind;

namespace {

// Below it there is no kernel: what kallsyms shows there are offsets of per-CPU variables.
constexpr uint64_t kKernelBase = 0xffff'0000'0000'0000;

// Fewest leading underscores, then the shortest, then the first of the alphabet.
auto readability(const SymbolTable::Entry& entry) {
  const size_t underscores = std::min(entry.name.find_first_not_of('_'), entry.name.size());
  return std::tuple(underscores, entry.name.size(), std::string_view(entry.name));
}

bool hex(std::string_view text, uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc() && end == text.data() + text.size();
}

struct ElfEnd {
  void operator()(Elf* elf) const { elf_end(elf); }
};

// A loaded segment: where in the file, where in memory.
struct Segment {
  uint64_t offset = 0, size = 0, address = 0;
};

}  // namespace

void SymbolTable::add(uint64_t start, uint64_t size, std::string name, uint32_t module) {
  entries_.push_back({start, size, module, std::move(name)});
}

void SymbolTable::sort() {
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return a.start != b.start ? a.start < b.start : readability(a) < readability(b);
  });
  const auto same = [](const Entry& a, const Entry& b) { return a.start == b.start; };
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
}

const SymbolTable::Entry* SymbolTable::find(uint64_t address) const {
  auto after = std::upper_bound(entries_.begin(), entries_.end(), address,
                                [](uint64_t value, const Entry& entry) { return value < entry.start; });
  if (after == entries_.begin()) return nullptr;
  const Entry& entry = *(after - 1);
  if (entry.size != 0) return address - entry.start < entry.size ? &entry : nullptr;
  return after != entries_.end() || address == entry.start ? &entry : nullptr;
}

struct Symbols::Kernel {
  SymbolTable table;
  std::vector<std::string> modules = {std::string(types::kKernelModule)};

  Kernel() {
    std::ifstream file("/proc/kallsyms");
    std::string text;
    while (std::getline(file, text)) line(text);
    table.sort();
  }
  void line(std::string_view text) {
    const auto symbol = types::parse_kernel_symbol(text);
    if (!symbol || symbol->address < kKernelBase) return;
    const bool own = symbol->module == types::kKernelModule;
    if (!own && modules.back() != symbol->module) modules.emplace_back(symbol->module);
    table.add(symbol->address, 0, std::string(symbol->name), own ? 0 : static_cast<uint32_t>(modules.size() - 1));
  }
};

// The symbols of an ELF file, at the addresses that the file gives them.
struct Symbols::File {
  SymbolTable table;
  std::vector<Segment> segments;

  explicit File(const std::string& path) {
    elf_version(EV_CURRENT);
    const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!fd.valid() || fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return;
    const std::unique_ptr<Elf, ElfEnd> elf(elf_begin(fd.get(), ELF_C_READ_MMAP, nullptr));
    if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF) return;
    size_t count = 0;
    if (elf_getphdrnum(elf.get(), &count) != 0) return;
    for (size_t i = 0; i < count; ++i) {
      GElf_Phdr header;
      if (gelf_getphdr(elf.get(), static_cast<int>(i), &header) == nullptr || header.p_type != PT_LOAD) continue;
      segments.push_back({header.p_offset, header.p_filesz, header.p_vaddr});
    }
    Elf_Scn* section = nullptr;
    while ((section = elf_nextscn(elf.get(), section)) != nullptr) symbols(elf.get(), section);
    table.sort();
  }
  void symbols(Elf* elf, Elf_Scn* section) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_entsize == 0) return;
    if (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM) return;
    Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr) return;
    for (size_t i = 0; i < data->d_size / header.sh_entsize; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
      const int type = GELF_ST_TYPE(symbol.st_info);
      const bool wanted = type == STT_FUNC || type == STT_OBJECT || type == STT_GNU_IFUNC;
      if (!wanted || symbol.st_shndx == SHN_UNDEF || symbol.st_size == 0) continue;
      const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
      if (name != nullptr && *name != '\0') table.add(symbol.st_value, symbol.st_size, name);
    }
  }
};

struct Symbols::Process {
  std::vector<Mapping> mappings;

  explicit Process(uint32_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/maps");
    std::string text;
    while (std::getline(file, text)) line(text);
  }
  void line(std::string_view rest) {
    const std::string_view range = next_word(rest);
    const size_t dash = range.find('-');
    Mapping mapping;
    if (dash == std::string_view::npos || !hex(range.substr(0, dash), mapping.begin) ||
        !hex(range.substr(dash + 1), mapping.end)) {
      return;
    }
    next_word(rest);  // permissions
    if (!hex(next_word(rest), mapping.offset)) return;
    next_word(rest);  // device
    next_word(rest);  // inode
    const size_t begin = rest.find('/');
    if (begin != std::string_view::npos) mapping.path = rest.substr(begin);
    mappings.push_back(std::move(mapping));
  }
  const Mapping* find(uint64_t address) const {
    for (const Mapping& mapping : mappings) {
      if (address >= mapping.begin && address < mapping.end) return &mapping;
    }
    return nullptr;
  }
};

Symbols::Symbols() = default;
Symbols::~Symbols() = default;

std::optional<Symbol> Symbols::kernel(uint64_t address) {
  if (!host_ || address < kKernelBase) return std::nullopt;
  if (kernel_ == nullptr) kernel_ = std::make_unique<Kernel>();
  const SymbolTable::Entry* entry = kernel_->table.find(address);
  if (entry == nullptr) return std::nullopt;
  return Symbol{kernel_->modules[entry->module], entry->name, entry->start};
}

// Of a file; null elsewhere.
const Symbols::Mapping* Symbols::mapping_of(uint32_t pid, uint64_t address) {
  if (!host_ || address == 0) return nullptr;
  std::unique_ptr<Process>& process = processes_[pid];
  if (process == nullptr) process = std::make_unique<Process>(pid);
  const Mapping* mapping = process->find(address);
  if (mapping == nullptr) {
    // It may have mapped more since. Of one that has gone what was known stays.
    auto now = std::make_unique<Process>(pid);
    if (!now->mappings.empty()) process = std::move(now);
    mapping = process->find(address);
  }
  return mapping == nullptr || mapping->path.empty() ? nullptr : mapping;
}

std::optional<std::string> Symbols::user_offset(uint32_t pid, uint64_t address) {
  const Mapping* mapping = mapping_of(pid, address);
  if (mapping == nullptr) return std::nullopt;
  return fmt::format("{}:{:#x}", mapping->path.substr(mapping->path.rfind('/') + 1), address - mapping->begin);
}

std::optional<Symbol> Symbols::user(uint32_t pid, uint64_t address) {
  const Mapping* mapping = mapping_of(pid, address);
  if (mapping == nullptr) return std::nullopt;
  std::shared_ptr<const File>& file = files_[mapping->path];
  if (file == nullptr) file = std::make_shared<const File>(mapping->path);
  Symbol result{mapping->path.substr(mapping->path.rfind('/') + 1), "", 0};
  const uint64_t offset = address - mapping->begin + mapping->offset;
  for (const Segment& segment : file->segments) {
    if (offset < segment.offset || offset - segment.offset >= segment.size) continue;
    const uint64_t inside = offset - segment.offset + segment.address;
    const SymbolTable::Entry* entry = file->table.find(inside);
    if (entry == nullptr) continue;
    result.name = entry->name;
    result.start = address - (inside - entry->start);
    break;
  }
  return result;
}

void Symbols::reduce(const dif::Field& field, std::span<uint8_t> keys) {
  const bool kernel_symbol = field.kind == ActionKind::kSym || field.kind == ActionKind::kMod;
  const bool user_symbol = field.kind == ActionKind::kUsym || field.kind == ActionKind::kUmod;
  if ((!kernel_symbol && !user_symbol) || field.offset > keys.size() || field.size > keys.size() - field.offset) return;
  uint64_t words[2] = {};  // of user symbols the process comes first
  std::memcpy(words, keys.data() + field.offset, std::min<size_t>(field.size, sizeof words));
  uint64_t& address = words[kernel_symbol ? 0 : 1];
  const auto pid = static_cast<uint32_t>(words[0]);
  const std::optional<Symbol> symbol = kernel_symbol ? kernel(address) : user(pid, address);
  if (!symbol) return;
  if (field.kind == ActionKind::kMod || field.kind == ActionKind::kUmod) {
    const std::string owner = kernel_symbol ? std::string() : std::to_string(pid);
    address = modules_.try_emplace(owner + "`" + symbol->module, address).first->second;
  } else if (!symbol->name.empty()) {
    address = symbol->start;
  }
  std::memcpy(keys.data() + field.offset, words, std::min<size_t>(field.size, sizeof words));
}

}  // namespace ht::consumer
