// Symbols of one module or file by address. Of several at one address the one that reads best is kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ht::symbols {

class SymbolTable {
 public:
  // `size` 0: up to the next symbol.
  void add(uint64_t start, uint64_t size, std::string name, uint32_t module = 0);
  void sort();  // once, after the last add()
  struct Entry {
    uint64_t start = 0, size = 0;
    uint32_t module = 0;
    std::string name;
  };
  // The symbol that covers `address`; nothing after the last one of unknown size.
  const Entry* find(uint64_t address) const;
  bool empty() const { return entries_.empty(); }

 private:
  std::vector<Entry> entries_;
};

}  // namespace ht::symbols
