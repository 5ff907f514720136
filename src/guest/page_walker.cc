// One loop over the levels; large pages end it early.
#include "guest/page_walker.h"

namespace ht::guest {
namespace {

constexpr uint64_t kPresent = 1;
constexpr uint64_t kLarge = 1 << 7;                 // PS: a page, not a table, at levels 2 and 3
constexpr uint64_t kFrame = 0x000f'ffff'ffff'f000;  // bits 51-12
constexpr unsigned kPageBits = 12;
constexpr unsigned kIndexBits = 9;

bool canonical(uint64_t address, unsigned levels) {
  const unsigned unused = 64 - (kPageBits + kIndexBits * levels);
  return static_cast<uint64_t>(static_cast<int64_t>(address << unused) >> unused) == address;
}

}  // namespace

std::optional<uint64_t> PageWalker::translate(uint64_t address) const {
  if ((levels_ != 4 && levels_ != 5) || !canonical(address, levels_)) return std::nullopt;
  uint64_t table = root_ & kFrame;
  for (unsigned level = levels_;; --level) {
    const unsigned shift = kPageBits + kIndexBits * (level - 1);
    const uint64_t index = (address >> shift) & ((1 << kIndexBits) - 1);
    const uint8_t* place = ram_.at(table + index * sizeof(uint64_t), sizeof(uint64_t));
    if (place == nullptr) return std::nullopt;
    // The guest's other processors may be changing it: read it once, whole. (Aligned: tables and RAM are by pages.)
    const uint64_t entry = __atomic_load_n(reinterpret_cast<const uint64_t*>(place), __ATOMIC_RELAXED);
    if ((entry & kPresent) == 0) return std::nullopt;
    const bool large = (entry & kLarge) != 0;
    if (level == 1 || (large && level <= 3)) {
      const uint64_t offset = (uint64_t{1} << shift) - 1;
      return (entry & kFrame & ~offset) | (address & offset);
    }
    if (large) return std::nullopt;  // reserved at levels 4 and 5
    table = entry & kFrame;
  }
}

}  // namespace ht::guest
