#include "symbols/symbol_table.h"

#include <algorithm>
#include <string_view>
#include <tuple>

namespace ht::symbols {
namespace {

// Fewest leading underscores, then the shortest, then the first of the alphabet.
auto readability(const SymbolTable::Entry& entry) {
  const size_t underscores = std::min(entry.name.find_first_not_of('_'), entry.name.size());
  return std::tuple(underscores, entry.name.size(), std::string_view(entry.name));
}

}  // namespace

void SymbolTable::add(uint64_t start, uint64_t size, std::string name, uint32_t module) {
  entries_.push_back({start, size, module, std::move(name)});
}

void SymbolTable::sort() {
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return a.start != b.start ? a.start < b.start : readability(a) < readability(b);
  });
  const auto same = [](const Entry& a, const Entry& b) { return a.start == b.start; };
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
}

const SymbolTable::Entry* SymbolTable::find(uint64_t address) const {
  auto after = std::upper_bound(entries_.begin(), entries_.end(), address,
                                [](uint64_t value, const Entry& entry) { return value < entry.start; });
  if (after == entries_.begin()) return nullptr;
  const Entry& entry = *(after - 1);
  if (entry.size != 0) return address - entry.start < entry.size ? &entry : nullptr;
  return after != entries_.end() || address == entry.start ? &entry : nullptr;
}

}  // namespace ht::symbols
