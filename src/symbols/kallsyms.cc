#include "symbols/kallsyms.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/fd.h"

namespace ht::symbols {
namespace {

constexpr size_t kLongestModule = 64;  // the kernel's MODULE_NAME_LEN is a little less

constexpr size_t kMostText = size_t{128} << 20;

}  // namespace

bool is_module_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestModule && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
}

Result<std::string> read_kallsyms() {
  return read_text_file("/proc/kallsyms", kMostText);
}

std::optional<KernelSymbolLine> parse_kernel_symbol(std::string_view line) {
  KernelSymbolLine symbol;
  const std::string_view address = next_word(line), type = next_word(line);
  symbol.name = next_word(line);
  symbol.module = next_word(line);
  const char* end = address.data() + address.size();
  const auto parsed = std::from_chars(address.data(), end, symbol.address, 16);
  if (parsed.ec != std::errc() || parsed.ptr != end || type.size() != 1 || symbol.name.empty()) return std::nullopt;
  symbol.type = type[0];
  if (symbol.module.empty()) {
    symbol.module = kKernelModule;
  } else if (symbol.module.size() > 2 && symbol.module.front() == '[') {
    symbol.module = symbol.module.substr(1, symbol.module.size() - 2);
  }
  return symbol;
}

}  // namespace ht::symbols
