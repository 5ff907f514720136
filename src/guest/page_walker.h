// x86-64 page tables, read as a hypervisor does: from the guest's physical memory. 4 and 5 levels; pages of 4 KiB, 2
// MiB and 1 GiB. Format: Intel's Software Developer's Manual, volume 3, chapter 4. The guest writes these tables, so
// every entry may point anywhere: each step is a bounds-checked access to RAM, and there are at most five.
#pragma once

#include <cstdint>
#include <optional>

#include "guest/guest_ram.h"

namespace ht::guest {

inline constexpr uint64_t kPageSize = 4096;

class PageWalker {
 public:
  // `root` is the physical address of the top table; `levels` 4 or 5 (others translate nothing).
  PageWalker(const GuestRam& ram, uint64_t root, unsigned levels) : ram_(ram), root_(root), levels_(levels) {}

  // The physical address of a virtual one; nothing if it is not canonical, not mapped, or a table is not in RAM. What
  // it returns need not be in RAM.
  std::optional<uint64_t> translate(uint64_t address) const;

 private:
  const GuestRam& ram_;
  uint64_t root_;
  unsigned levels_;
};

}  // namespace ht::guest
