#include "symbols/kernel_map.h"

#include "symbols/kallsyms.h"

namespace ht::symbols {

KernelMap::KernelMap(std::string_view text) : modules_{std::string(kKernelModule)} {
  for_each_kernel_symbol(text, [this](const KernelSymbolLine& line) {
    if (line.address < kKernelBase) return;
    const bool own = line.module == kKernelModule;
    if (!own && modules_.back() != line.module) modules_.emplace_back(line.module);
    table_.add(line.address, 0, std::string(line.name), own ? 0 : static_cast<uint32_t>(modules_.size() - 1));
  });
  table_.sort();
}

KernelMap KernelMap::of_running_kernel() {
  const auto text = read_kallsyms();
  return KernelMap(text.ok() ? std::string_view(*text) : std::string_view());
}

std::optional<Symbol> KernelMap::find(uint64_t address) const {
  if (address < kKernelBase) return std::nullopt;
  const SymbolTable::Entry* entry = table_.find(address);
  if (entry == nullptr) return std::nullopt;
  return Symbol{modules_[entry->module], entry->name, entry->start};
}

}  // namespace ht::symbols
