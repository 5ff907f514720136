// Virtual memory by page-table walks, with a cache of translations in front.
//
// Kernel translations are kept across firings: the direct map and the kernel's text do not move. What does move
// (vmalloc, module space) can be unmapped under a kept translation, and then shows what its old page holds now; so they
// are kept for a limited number of firings. User translations are kept for one firing only, during which the guest's
// task waits.
#include <algorithm>
#include <array>
#include <cstring>

#include "guest/guest_ram.h"
#include "guest/page_walker.h"

namespace ht::guest {
namespace {

constexpr unsigned kKernelKeptFirings = 1024;

// Direct-mapped, by page number. A generation makes forgetting everything cheap. Keeps the host's address of the page.
class TranslationCache {
 public:
  const uint8_t* find(uint64_t root, uint64_t page) const {
    const Entry& entry = entries_[slot(page)];
    const bool hit = entry.generation == generation_ && entry.root == root && entry.page == page;
    return hit ? entry.host : nullptr;
  }
  void keep(uint64_t root, uint64_t page, const uint8_t* host) {
    entries_[slot(page)] = {.generation = generation_, .root = root, .page = page, .host = host};
  }
  void flush() { ++generation_; }

 private:
  struct Entry {
    uint64_t generation = 0;
    uint64_t root = 0;
    uint64_t page = 0;
    const uint8_t* host = nullptr;
  };
  static constexpr size_t kEntries = 256;
  static size_t slot(uint64_t page) { return (page / kPageSize) % kEntries; }

  std::array<Entry, kEntries> entries_;
  uint64_t generation_ = 1;
};

class WalkingMemory final : public Memory {
 public:
  WalkingMemory(std::shared_ptr<GuestRam> ram, const AddressSpaceInfo& space) : ram_(std::move(ram)), space_(space) {}

  bool read_kernel(uint64_t address, void* out, size_t size, uint64_t* fault) override {
    return read(kernel_, space_.kernel_root, address, out, size, fault);
  }

  bool read_user(uint64_t pgd, uint64_t address, void* out, size_t size, uint64_t* fault) override {
    // A top table is a page of its own in the direct map. Only the lower half of the addresses is the user's: through
    // the same table the kernel is mapped too.
    const bool user = (address >> 63) == 0;
    if (pgd < space_.page_offset || pgd % kPageSize != 0 || pgd == 0 || !user) {
      *fault = address;
      return false;
    }
    return read(user_, pgd - space_.page_offset, address, out, size, fault);
  }

  void begin_firing() override {
    user_.flush();
    if (++firings_ % kKernelKeptFirings == 0) kernel_.flush();
  }

 private:
  bool read(TranslationCache& cache, uint64_t root, uint64_t address, void* out, size_t size, uint64_t* fault) {
    auto* to = static_cast<uint8_t*>(out);
    while (size > 0) {
      const uint64_t into = address % kPageSize;
      const size_t part = std::min<uint64_t>(size, kPageSize - into);
      const uint8_t* page = page_at(cache, root, address - into);
      if (page == nullptr) {
        *fault = address;
        return false;
      }
      std::memcpy(to, page + into, part);
      to += part;
      size -= part;
      address += part;  // past the last address this is 0, which the next turn does not find mapped by accident
      if (address == 0 && size > 0) {
        *fault = address;
        return false;
      }
    }
    return true;
  }

  const uint8_t* page_at(TranslationCache& cache, uint64_t root, uint64_t page) {
    if (const uint8_t* kept = cache.find(root, page); kept != nullptr) return kept;
    const std::optional<uint64_t> physical = PageWalker(*ram_, root, space_.levels).translate(page);
    if (!physical) return nullptr;
    const uint8_t* host = ram_->at(*physical, kPageSize);
    if (host != nullptr) cache.keep(root, page, host);
    return host;
  }

  std::shared_ptr<GuestRam> ram_;
  AddressSpaceInfo space_;
  TranslationCache kernel_;
  TranslationCache user_;
  uint64_t firings_ = 0;
};

}  // namespace

std::unique_ptr<Memory> walking_memory(std::shared_ptr<GuestRam> ram, const AddressSpaceInfo& space) {
  return std::make_unique<WalkingMemory>(std::move(ram), space);
}

}  // namespace ht::guest
