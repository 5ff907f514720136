// Guest RAM as one mapping of the shared file, with a short list of regions over it.
#include "guest/guest_ram.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>

#include "guest/page_walker.h"

namespace ht::guest {
namespace {

class MappedRam final : public GuestRam {
 public:
  MappedRam(UniqueFd file, Mapping mapping, std::vector<RamRegion> regions)
      : file_(std::move(file)), mapping_(std::move(mapping)), regions_(std::move(regions)) {}

  const uint8_t* at(uint64_t address, size_t size) const override {
    const RamRegion* region = find(address, size);
    return region == nullptr ? nullptr : mapping_.data() + region->offset + (address - region->address);
  }

  Result<Mapping> map_page(uint64_t address) const override {
    const RamRegion* region = find(address, kPageSize);
    if (address % kPageSize != 0 || region == nullptr) return Error("not a page of the guest's RAM");
    return Mapping::map(file_.get(), kPageSize, Mapping::Access::kReadWrite,
                        region->offset + (address - region->address));
  }

  uint64_t size() const override {
    uint64_t total = 0;
    for (const RamRegion& region : regions_) total += region.size;
    return total;
  }

 private:
  // There are two regions, hardly ever more.
  const RamRegion* find(uint64_t address, uint64_t size) const {
    for (const RamRegion& region : regions_) {
      if (address < region.address) continue;
      const uint64_t into = address - region.address;
      if (into < region.size && size <= region.size - into) return &region;
    }
    return nullptr;
  }

  UniqueFd file_;
  Mapping mapping_;
  std::vector<RamRegion> regions_;
};

bool overlap(const RamRegion& a, const RamRegion& b) {
  return a.address < b.address + b.size && b.address < a.address + a.size;
}

// Regions are whole pages inside the file, and no address is in two of them.
Result<void> check_regions(const std::vector<RamRegion>& regions, uint64_t file_size) {
  if (regions.empty()) return Error("a guest without RAM");
  for (size_t i = 0; i < regions.size(); ++i) {
    const RamRegion& region = regions[i];
    if ((region.address | region.size | region.offset) % kPageSize != 0 || region.size == 0) {
      return Error("a region of guest RAM is not made of pages");
    }
    if (region.address > UINT64_MAX - region.size) return Error("a region of guest RAM is beyond all addresses");
    if (region.offset > file_size || region.size > file_size - region.offset) {
      return Error("a region of guest RAM lies outside its file");
    }
    for (size_t j = 0; j < i; ++j) {
      if (overlap(region, regions[j])) return Error("two regions of guest RAM overlap");
    }
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<GuestRam>> GuestRam::create(UniqueFd file, std::vector<RamRegion> regions) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return errno_error("cannot examine the guest's RAM");
  struct statfs system {};
  if (::fstatfs(file.get(), &system) == 0 && static_cast<uint64_t>(system.f_type) == HUGETLBFS_MAGIC) {
    // Single pages of such a file cannot be mapped, and the ring's pages are mapped one by one.
    return Error("the guest's RAM is in huge pages, which is not supported", "keep it in ordinary pages");
  }
  const auto file_size = static_cast<uint64_t>(status.st_size);
  RETURN_IF_ERROR(check_regions(regions, file_size));
  uint64_t end = 0;
  for (const RamRegion& region : regions) end = std::max(end, region.offset + region.size);
  ASSIGN_OR_RETURN(Mapping mapping, Mapping::map(file.get(), end, Mapping::Access::kRead));
  // A core dump of ours must not hold the guests' memory.
  ::madvise(mapping.data(), mapping.size(), MADV_DONTDUMP);
  return std::shared_ptr<GuestRam>(
      std::make_shared<MappedRam>(std::move(file), std::move(mapping), std::move(regions)));
}

}  // namespace ht::guest
