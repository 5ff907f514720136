#include "agent/kernel_symbols.h"

#include <algorithm>
#include <unordered_map>

#include "agent/kernel_view.h"
#include "symbols/kallsyms.h"

namespace ht::agent {
namespace {

constexpr uint64_t kKernelHalf = uint64_t{1} << 63;

}  // namespace

std::vector<FoundSymbols::Symbol> find_symbols(std::string_view text, const std::vector<SymbolName>& names) {
  std::vector<FoundSymbols::Symbol> found(names.size());
  std::unordered_multimap<std::string_view, size_t> wanted;
  for (size_t i = 0; i < names.size(); ++i) wanted.emplace(names[i].name, i);
  uint64_t per_cpu_start = 0, per_cpu_end = 0;
  bool hidden = true;  // all addresses are shown as 0 to those who may not see them
  symbols::for_each_kernel_symbol(text, [&](const symbols::KernelSymbolLine& line) {
    hidden = hidden && line.address == 0;
    if (line.name == "__per_cpu_start") per_cpu_start = line.address;
    if (line.name == "__per_cpu_end") per_cpu_end = line.address;
    const auto [first, last] = wanted.equal_range(line.name);
    for (auto it = first; it != last; ++it) {
      const std::string& module = names[it->second].module;
      FoundSymbols::Symbol& symbol = found[it->second];
      // vmlinux's come first in the file.
      if (!symbol.found && (module.empty() || module == line.module)) symbol = {true, line.address, false};
    }
  });
  for (FoundSymbols::Symbol& symbol : found) {
    if (hidden) symbol = {};
    symbol.per_cpu = symbol.found && (symbol.address < kKernelHalf ||
                                      (symbol.address >= per_cpu_start && symbol.address < per_cpu_end));
  }
  return found;
}

Result<FoundSymbols> find_kernel_symbols(const std::vector<SymbolName>& names, uint32_t cpus) {
  ASSIGN_OR_RETURN(const std::string text, symbols::read_kallsyms());
  FoundSymbols result;
  std::vector<SymbolName> asked = names;
  asked.push_back({std::string(symbols::kKernelModule), "__per_cpu_offset"});
  result.symbols = find_symbols(text, asked);
  const FoundSymbols::Symbol offsets = result.symbols.back();
  result.symbols.pop_back();
  const bool needed =
      std::any_of(result.symbols.begin(), result.symbols.end(), [](const auto& symbol) { return symbol.per_cpu; });
  if (!needed) return result;
  if (!offsets.found) return Error("the kernel does not say where its per-CPU variables are");
  ASSIGN_OR_RETURN(auto memory, open_kernel_memory());
  ASSIGN_OR_RETURN(const Bytes bytes, memory->read(offsets.address, size_t{cpus} * sizeof(uint64_t)));
  ByteReader reader(bytes);
  for (uint32_t cpu = 0; cpu < cpus; ++cpu) result.cpu_offsets.push_back(reader.u64());
  return result;
}

}  // namespace ht::agent
