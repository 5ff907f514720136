// How the engine reads one target's virtual memory. One object per target and poller: not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ht::guest {

class Memory {
 public:
  virtual ~Memory() = default;

  // Copy `size` bytes at a kernel virtual address. On failure returns false, sets *fault to the first address that
  // could not be read, and leaves `out` unspecified. Never reads outside the target's own memory, whatever the address.
  virtual bool read_kernel(uint64_t address, void* out, size_t size, uint64_t* fault) = 0;

  // The same in a user address space: `pgd` is the kernel virtual address of its top page table (task->mm->pgd), 0 for
  // a kernel thread (every read fails).
  virtual bool read_user(uint64_t pgd, uint64_t address, void* out, size_t size, uint64_t* fault) = 0;

  // A new firing begins: cached translations of user space are forgotten.
  virtual void begin_firing() {}
};

}  // namespace ht::guest
