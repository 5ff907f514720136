// Creating and sealing a session's shared memory.
#include "engine/session_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <new>

namespace ht::engine {
namespace {

constexpr uint64_t kMaxRing = uint64_t{1} << 40;
constexpr uint64_t kMaxAggregation = uint64_t{1} << 34;  // the index addresses 2^32 words

uint64_t round_to_pages(uint64_t size) {
  return (size + kMemoryPage - 1) / kMemoryPage * kMemoryPage;
}

Result<UniqueFd> make_memfd(const char* name, uint64_t size) {
  UniqueFd fd(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return errno_error("cannot create session memory");
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return errno_error("cannot size session memory");
  return fd;
}

Result<void> seal(int fd, int seals) {
  if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return errno_error("cannot seal session memory");
  }
  return {};
}

}  // namespace

Result<SessionMemory> SessionMemory::create(uint32_t slots, uint64_t bufsize, uint64_t aggsize) {
  if (slots == 0 || bufsize == 0 || bufsize > kMaxRing || aggsize > kMaxAggregation)
    return Error("Invalid buffer size");
  const uint64_t ring = round_to_pages(bufsize);
  const uint64_t aggregation = std::max(round_to_pages(aggsize), kMemoryPage);
  const uint64_t stride = kMemoryPage + ring + 2 * aggregation;
  const uint64_t data_size = kMemoryPage + slots * stride;
  const uint64_t control_size = round_to_pages(sizeof(ControlHeader) + slots * sizeof(ControlSlot));

  SessionMemory memory;
  ASSIGN_OR_RETURN(memory.data_fd_, make_memfd("hypertrace-data", data_size));
  ASSIGN_OR_RETURN(memory.control_fd_, make_memfd("hypertrace-control", control_size));
  ASSIGN_OR_RETURN(memory.data_, Mapping::map(memory.data_fd_.get(), data_size, Mapping::Access::kReadWrite));
  ASSIGN_OR_RETURN(memory.control_, Mapping::map(memory.control_fd_.get(), control_size, Mapping::Access::kReadWrite));

  auto* header = new (memory.data_.data()) DataHeader{};
  header->magic = kDataMagic;
  header->version = kMemoryVersion;
  header->slots = slots;
  header->size = data_size;
  header->ring_size = ring;
  header->aggregation_size = aggregation;
  header->slot_offset = kMemoryPage;
  header->slot_stride = stride;
  for (uint32_t slot = 0; slot < slots; ++slot) new (memory.at(slot).header) SlotHeader{};
  *new (memory.control_.data()) ControlHeader{} = {kControlMagic, kMemoryVersion, slots, {}};

  RETURN_IF_ERROR(seal(memory.data_fd_.get(), F_SEAL_FUTURE_WRITE));
  RETURN_IF_ERROR(seal(memory.control_fd_.get(), 0));
  return memory;
}

}  // namespace ht::engine
