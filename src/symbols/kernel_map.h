// The symbols of the running kernel and its modules by address: /proc/kallsyms, wherever the kernel was loaded. Root
// sees the real addresses.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "symbols/symbol.h"
#include "symbols/symbol_table.h"

namespace ht::symbols {

// Below it there is no kernel: what kallsyms shows there are offsets of per-CPU variables.
inline constexpr uint64_t kKernelBase = 0xffff'0000'0000'0000;

class KernelMap {
 public:
  // In text as in /proc/kallsyms.
  explicit KernelMap(std::string_view text);
  static KernelMap of_running_kernel();

  std::optional<Symbol> find(uint64_t address) const;

 private:
  SymbolTable table_;
  std::vector<std::string> modules_;
};

}  // namespace ht::symbols
