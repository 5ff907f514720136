// What an address is called.
#pragma once

#include <cstdint>
#include <string>

namespace ht::symbols {

struct Symbol {
  std::string module;  // kernel module, or base name of the mapped file
  std::string name;    // empty: only the module is known
  uint64_t start = 0;
  bool operator==(const Symbol&) const = default;
};

}  // namespace ht::symbols
