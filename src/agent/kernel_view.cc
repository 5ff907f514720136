// The running kernel's symbols, page tables and system calls: see kernel_view.h.
#include "agent/kernel_view.h"

#include <algorithm>
#include <cstring>

#include "agent/known_syscalls.h"
#include "symbols/kallsyms.h"

namespace ht::agent {
namespace {

constexpr uint64_t kKernelMap = 0xffffffff80000000;    // __START_KERNEL_map
constexpr uint64_t kPageOffset4 = 0xffff888000000000;  // without KASLR
constexpr uint32_t kMaxSyscalls = 512;
constexpr std::string_view kSyscallPrefix = "__x64_sys_";

std::optional<uint64_t> read_word(const Symbols& symbols, KernelMemory* memory, std::string_view name) {
  auto address = symbols.address(name);
  if (!address || memory == nullptr) return std::nullopt;
  auto bytes = memory->read(*address, sizeof(uint64_t));
  if (!bytes) return std::nullopt;
  return ByteReader(*bytes).u64();
}

}  // namespace

Symbols Symbols::parse(std::string_view text) {
  Symbols symbols;
  symbols::for_each_kernel_symbol(text, [&](const symbols::KernelSymbolLine& line) {
    if (line.module != symbols::kKernelModule || line.address == 0) return;
    auto [it, added] = symbols.by_name_.emplace(line.name, line.address);
    if (added) symbols.by_address_.emplace(line.address, it->first);
  });
  return symbols;
}

std::optional<uint64_t> Symbols::address(std::string_view name) const {
  auto it = by_name_.find(std::string(name));
  if (it == by_name_.end()) return std::nullopt;
  return it->second;
}

std::vector<std::string_view> Symbols::names(uint64_t address) const {
  std::vector<std::string_view> names;
  auto [first, last] = by_address_.equal_range(address);
  for (auto it = first; it != last; ++it) names.push_back(it->second);
  return names;
}

PageTables find_page_tables(const Symbols& symbols, KernelMemory* memory) {
  PageTables tables;
  tables.page_offset = read_word(symbols, memory, "page_offset_base").value_or(kPageOffset4);
  // With five levels the direct map begins at or above ff11000000000000, with four not below ffff888000000000.
  tables.levels = tables.page_offset < 0xffff800000000000 ? 5 : 4;
  // init_top_pgt is part of the kernel's image, whose physical place is its virtual one, less the map's base, plus
  // phys_base. Without its symbol: init_mm.pgd cannot be found without types, so there is no root.
  auto root = symbols.address("init_top_pgt");
  if (!root) root = symbols.address("swapper_pg_dir");
  auto phys_base = read_word(symbols, memory, "phys_base");
  if (root && phys_base && *root >= kKernelMap) tables.kernel_root = *root - kKernelMap + *phys_base;
  return tables;
}

std::vector<Syscall> syscalls_of_table(const Symbols& symbols, KernelMemory* memory) {
  std::vector<Syscall> calls;
  auto table = symbols.address("sys_call_table");
  if (!table || memory == nullptr) return calls;
  auto bytes = memory->read(*table, kMaxSyscalls * sizeof(uint64_t));
  if (!bytes) return calls;
  ByteReader reader(*bytes);
  for (uint32_t number = 0; number < kMaxSyscalls; number++) {
    auto names = symbols.names(reader.u64());
    auto it = std::find_if(names.begin(), names.end(), [](auto name) { return name.starts_with(kSyscallPrefix); });
    if (it == names.end()) {
      // Numbers that are not in use all lead to the same place; an address that is no function at all ends the table.
      if (names.empty()) break;
      continue;
    }
    std::string_view name = it->substr(kSyscallPrefix.size());
    if (name != "ni_syscall") calls.push_back({number, std::string(name)});
  }
  return calls;
}

std::vector<Syscall> known_syscalls(const std::vector<std::string>& tracepoints) {
  std::vector<Syscall> calls;
  for (const KnownSyscall& known : kKnownSyscalls)
    if (tracepoints.empty() || std::find(tracepoints.begin(), tracepoints.end(), known.name) != tracepoints.end())
      calls.push_back({known.number, std::string(known.name)});
  return calls;
}

}  // namespace ht::agent
