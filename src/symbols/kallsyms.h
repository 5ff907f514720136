// Lines of /proc/kallsyms: "ffffffff81000000 T _text", "ffffffffc0000000 t helper\t[module]".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/words.h"

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

// The file, as it is now.
Result<std::string> read_kallsyms();

// The views are of `line`. Nothing if it is no such line.
std::optional<KernelSymbolLine> parse_kernel_symbol(std::string_view line);

// Every such line of `text`: visit(line).
template <typename Visit>
void for_each_kernel_symbol(std::string_view text, Visit visit) {
  for_each_line(text, [&](std::string_view line) {
    if (const auto symbol = parse_kernel_symbol(line)) visit(*symbol);
  });
}

}  // namespace ht::symbols
