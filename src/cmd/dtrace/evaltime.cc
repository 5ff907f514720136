#include "cmd/dtrace/evaltime.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "base/fd.h"

namespace ht::dtrace {

#if defined(__x86_64__)
namespace {

// What the dynamic linker calls, for debuggers, before and after it loads the first libraries.
constexpr const char* kLinkerState = "_dl_debug_state";

struct ElfEnd {
  void operator()(Elf* elf) const { elf_end(elf); }
};

// A file and where it is in the process: `base` is what is added to the addresses in the file.
struct Image {
  std::string path;
  uint64_t base = 0;
};

struct Layout {
  uint64_t entry = 0;   // where the program begins
  uint64_t linker = 0;  // where the dynamic linker is; 0: there is none
};

// From the auxiliary vector.
Layout layout_of(pid_t pid) {
  Layout layout;
  auto bytes = read_file(fmt::format("/proc/{}/auxv", pid), 4096);
  if (!bytes) return layout;
  for (size_t at = 0; at + sizeof(Elf64_auxv_t) <= bytes->size(); at += sizeof(Elf64_auxv_t)) {
    Elf64_auxv_t entry;
    std::memcpy(&entry, bytes->data() + at, sizeof entry);
    if (entry.a_type == AT_ENTRY) layout.entry = entry.a_un.a_val;
    if (entry.a_type == AT_BASE) layout.linker = entry.a_un.a_val;
  }
  return layout;
}

// The path in the program header that names the dynamic linker.
std::string linker_path(Elf* elf) {
  size_t count = 0;
  if (elf_getphdrnum(elf, &count) != 0) return {};
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr || header.p_type != PT_INTERP) continue;
    size_t size = 0;
    const char* file = elf_rawfile(elf, &size);
    if (file == nullptr || header.p_offset >= size) return {};
    return {file + header.p_offset, strnlen(file + header.p_offset, size - header.p_offset)};
  }
  return {};
}

// What the file at `path` has to say, by `ask`; nothing if it is no ELF file.
template <typename Ask>
auto ask_elf(const std::string& path, Ask ask) -> decltype(ask(nullptr)) {
  elf_version(EV_CURRENT);
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return {};
  const std::unique_ptr<Elf, ElfEnd> elf(elf_begin(fd.get(), ELF_C_READ_MMAP, nullptr));
  if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF) return {};
  return ask(elf.get());
}

std::optional<uint64_t> function_in(Elf* elf, std::string_view name) {
  Elf_Scn* section = nullptr;
  while ((section = elf_nextscn(elf, section)) != nullptr) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_entsize == 0) continue;
    if (header.sh_type != SHT_SYMTAB && header.sh_type != SHT_DYNSYM) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    for (size_t i = 0; data != nullptr && i < data->d_size / header.sh_entsize; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) break;
      if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF) continue;
      const char* own = elf_strptr(elf, header.sh_link, symbol.st_name);
      if (own != nullptr && own == name) return symbol.st_value;
    }
  }
  return std::nullopt;
}

std::optional<uint64_t> function_address(const Image& image, std::string_view name) {
  const auto value =
      ask_elf(image.path, [&](Elf* elf) { return elf == nullptr ? std::nullopt : function_in(elf, name); });
  if (!value) return std::nullopt;
  return image.base + *value;
}

// Lets a stopped process run until it is about to execute one of `addresses`, and tells which; 0 if it stopped for
// another reason. `ended` is its status if it ended.
uint64_t run_to(pid_t pid, const std::vector<uint64_t>& addresses, std::optional<int>& ended) {
  std::map<uint64_t, long> words;  // those that the breakpoints hide
  const auto restore = [&] {
    for (const auto& [address, word] : words) ptrace(PTRACE_POKETEXT, pid, address, word);
  };
  for (const uint64_t address : addresses) {
    errno = 0;
    const long word = ptrace(PTRACE_PEEKTEXT, pid, address, nullptr);
    if (errno != 0 || ptrace(PTRACE_POKETEXT, pid, address, (word & ~0xffL) | 0xcc) != 0) continue;
    words[address] = word;
  }
  if (words.empty()) return 0;
  int status = 0;
  if (ptrace(PTRACE_CONT, pid, nullptr, nullptr) != 0 || waitpid(pid, &status, 0) != pid) return 0;
  if (!WIFSTOPPED(status)) {
    ended = status;
    return 0;
  }
  restore();
  user_regs_struct registers{};
  if (WSTOPSIG(status) != SIGTRAP || ptrace(PTRACE_GETREGS, pid, nullptr, &registers) != 0) return 0;
  if (!words.contains(registers.rip - 1)) return 0;
  registers.rip -= 1;
  ptrace(PTRACE_SETREGS, pid, nullptr, &registers);
  return registers.rip;
}

void step(pid_t pid, std::optional<int>& ended) {
  int status = 0;
  if (ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr) != 0 || waitpid(pid, &status, 0) != pid) return;
  if (!WIFSTOPPED(status)) ended = status;
}

}  // namespace

std::optional<int> run_to_evaltime(pid_t pid, const std::string& evaltime) {
  std::optional<int> ended;
  const Layout layout = layout_of(pid);
  if (evaltime == "exec" || layout.entry == 0) return ended;
  const std::string program = fmt::format("/proc/{}/exe", pid);
  if (evaltime == "preinit" && layout.linker != 0) {
    const std::string path = ask_elf(program, [](Elf* elf) { return elf == nullptr ? "" : linker_path(elf); });
    if (const auto state = function_address({path, layout.linker}, kLinkerState)) {
      // It is called before the libraries are loaded and after; whatever it does, not beyond the entry point.
      const std::vector<uint64_t> stops = {*state, layout.entry};
      if (run_to(pid, stops, ended) != *state || ended) return ended;
      step(pid, ended);
      if (!ended) run_to(pid, stops, ended);
      return ended;
    }
  }
  if (run_to(pid, {layout.entry}, ended) != layout.entry || evaltime != "main") return ended;
  const uint64_t entry_in_file = ask_elf(program, [](Elf* elf) -> uint64_t {
    GElf_Ehdr header;
    return elf == nullptr || gelf_getehdr(elf, &header) == nullptr ? 0 : header.e_entry;
  });
  if (const auto main = function_address({program, layout.entry - entry_in_file}, "main")) run_to(pid, {*main}, ended);
  return ended;
}

#else

std::optional<int> run_to_evaltime(pid_t, const std::string&) {
  return std::nullopt;
}

#endif

}  // namespace ht::dtrace
