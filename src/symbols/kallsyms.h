// Lines of /proc/kallsyms: "ffffffff81000000 T _text", "ffffffffc0000000 t helper\t[module]".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ht::symbols {

// What the kernel itself is called among its modules.
inline constexpr std::string_view kKernelModule = "vmlinux";

// A module's name is a file name: no slashes, no dots, and not longer than the kernel allows.
bool is_module_name(std::string_view name);

struct KernelSymbolLine {
  uint64_t address = 0;  // 0 where the kernel hides addresses; of a per-CPU symbol perhaps an offset
  char type = 0;         // as nm has it: T and t are code
  std::string_view name, module;
};

// The views are of `line`. Nothing if it is no such line.
std::optional<KernelSymbolLine> parse_kernel_symbol(std::string_view line);

// Every such line of `text`: visit(line).
template <typename Visit>
void for_each_kernel_symbol(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (const auto symbol = parse_kernel_symbol(line)) visit(*symbol);
    text.remove_prefix(line.size() == text.size() ? text.size() : line.size() + 1);
  }
}

}  // namespace ht::symbols
