// One guest's physical memory as the host sees it, and what is needed to walk its page tables.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "guest/memory.h"

namespace ht::guest {

// Given by the agent in the guest; never trusted, used only through bounds-checked accesses.
struct AddressSpaceInfo {
  uint64_t kernel_root = 0;  // physical address of the kernel's top page table
  uint32_t levels = 4;       // 4 or 5
  uint64_t page_offset = 0;  // start of the direct map: a page table's virtual address minus this is physical
};

// A range of guest physical addresses backed by `offset` in the RAM file.
struct RamRegion {
  uint64_t address = 0;
  uint64_t size = 0;
  uint64_t offset = 0;
};

class GuestRam {
 public:
  // Maps `file` (shared with the hypervisor) read-only; keeps it to map single pages for writing.
  static Result<std::shared_ptr<GuestRam>> create(UniqueFd file, std::vector<RamRegion> regions);
  virtual ~GuestRam() = default;

  // Pointer to `size` bytes at a guest physical address, or null if they are not all in one region.
  virtual const uint8_t* at(uint64_t address, size_t size) const = 0;
  // A page of the guest, mapped for reading and writing: for the ring's pages only.
  virtual Result<Mapping> map_page(uint64_t address) const = 0;
  virtual uint64_t size() const = 0;
};

// The guest's virtual memory by walking its page tables in `ram`. One per poller: not thread-safe.
std::unique_ptr<Memory> walking_memory(std::shared_ptr<GuestRam> ram, const AddressSpaceInfo& space);

}  // namespace ht::guest
