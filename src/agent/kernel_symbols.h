// The addresses of the running kernel's symbols, asked for by name: /proc/kallsyms, read each time, as modules come and
// go. Root sees the real ones, wherever the kernel was loaded.
#pragma once

#include <string_view>
#include <vector>

#include "agent/agent.h"

namespace ht::agent {

// In text as in /proc/kallsyms, without cpu_offsets. A per-CPU symbol is one whose address is no kernel address at all
// (before Linux 6.15 they count from 0, a module's too), or lies in the kernel's per-CPU section.
std::vector<FoundSymbols::Symbol> find_symbols(std::string_view text, const std::vector<SymbolName>& names);

// The same of this machine's kernel, with the CPUs' offsets if they are needed.
Result<FoundSymbols> find_kernel_symbols(const std::vector<SymbolName>& names, uint32_t cpus);

}  // namespace ht::agent
