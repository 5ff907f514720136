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
constexpr uint64_t kSmallBuffer = 64u << 10;
constexpr char kNoMemory[] = "Memory allocation failure";

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

// Of a session's data: more than half of the machine's memory is as good as not there.
uint64_t most_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  return pages <= 0 ? kMaxRing : static_cast<uint64_t>(pages) * kMemoryPage / 2;
}

// Halves sizes until all slots together fit; false when that is not wanted or does not help.
bool fit(SessionConfig& config) {
  const uint64_t share = most_memory() / config.slots;
  const auto too_large = [&] {
    return config.bufsize > std::min(share, kMaxRing) || ring_bytes(config.bufsize) > share / 2;
  };
  while (too_large()) {
    if (!config.resize || config.bufsize < 8) return false;
    config.bufsize /= 2;
  }
  while (config.aggsize > std::min(share / 4, kMaxAggregation)) {
    if (!config.resize) return false;
    config.aggsize /= 2;
  }
  return true;
}

}  // namespace

uint64_t ring_bytes(uint64_t bufsize) {
  return round_to_pages(bufsize <= kSmallBuffer ? std::max(8 * bufsize, kSmallBuffer) : 2 * bufsize + 8 * kSmallBuffer);
}

uint64_t speculation_bytes(uint64_t specsize) {
  return round_to_pages(specsize <= kSmallBuffer ? 8 * specsize : specsize + 8 * kSmallBuffer);
}

Result<SessionMemory> SessionMemory::create(SessionConfig& config) {
  const uint32_t slots = config.slots;
  if (slots == 0 || !fit(config)) return Error(kNoMemory);
  const uint64_t ring = ring_bytes(config.bufsize);
  const uint64_t aggregation = std::max(round_to_pages(config.aggsize), kMemoryPage);
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
  header->policy = static_cast<uint32_t>(config.policy);
  for (uint32_t slot = 0; slot < slots; ++slot) new (memory.at(slot).header) SlotHeader{};
  *new (memory.control_.data()) ControlHeader{} = {kControlMagic, kMemoryVersion, slots, {}};

  RETURN_IF_ERROR(seal(memory.data_fd_.get(), F_SEAL_FUTURE_WRITE));
  RETURN_IF_ERROR(seal(memory.control_fd_.get(), 0));
  return memory;
}

void SessionMemory::count_cpu_drop(uint32_t slot_index, TargetId target, uint32_t cpu, bool aggregation,
                                   uint64_t count) const {
  const uint64_t who = cpu_key(target, cpu);
  CpuDropCounters* counters = slot(slot_index).cpu_drops;
  for (uint32_t i = 0; i + 1 < kCpuDropCounters; ++i, ++counters) {
    const uint64_t owner = counters->who.load(std::memory_order_relaxed);
    if (owner == who) break;
    if (owner != 0) continue;
    counters->who.store(who, std::memory_order_release);
    break;
  }
  std::atomic<uint64_t>& counter = aggregation ? counters->aggregation : counters->principal;
  counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
}

}  // namespace ht::engine
