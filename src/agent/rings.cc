// The guest's rings: see rings.h, and the essay in call/ring_abi.h.
#include "agent/rings.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "agent/libbpf_report.h"

namespace ht::agent {
namespace {

constexpr uint64_t kPresent = uint64_t{1} << 63;
constexpr uint64_t kFrameMask = (uint64_t{1} << 55) - 1;

void write_header(ht_ring& ring, uint32_t cpu, const call::Nonce& nonce, uint64_t wait_ns) {
  auto& identity = ring.header.identity;
  identity.abi = HT_RING_ABI;
  identity.cpu = cpu;
  identity.entry_count = HT_RING_ENTRIES;
  identity.entry_size = HT_ENTRY_SIZE;
  std::memcpy(identity.nonce, nonce.data(), nonce.size());
  identity.generation = ht_generation(nonce.data());
  identity.wait_ns = wait_ns;
  ring.header.host.heartbeat = ht_word(identity.generation, 0, HT_HOST_ABSENT);
  __atomic_store_n(&identity.magic, HT_RING_MAGIC, __ATOMIC_RELEASE);
}

// The physical addresses of mapped pages. They are kernel pages: unmovable while the map lives.
Result<std::vector<uint64_t>> physical_pages(const uint8_t* begin, size_t pages) {
  ASSIGN_OR_RETURN(UniqueFd pagemap, open_file("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  std::vector<uint64_t> entries(pages);
  for (size_t i = 0; i < pages; i++)  // the first touch maps the page
    static_cast<void>(*static_cast<const volatile uint8_t*>(begin + i * HT_PAGE_SIZE));
  size_t size = pages * sizeof(uint64_t);
  uint64_t offset = reinterpret_cast<uintptr_t>(begin) / HT_PAGE_SIZE * sizeof(uint64_t);
  ssize_t got = pread(pagemap.get(), entries.data(), size, static_cast<off_t>(offset));
  if (got < 0) return errno_error("/proc/self/pagemap");
  if (static_cast<size_t>(got) != size) return Error("/proc/self/pagemap is shorter than it should be");
  for (uint64_t& entry : entries) {
    if ((entry & kPresent) == 0 || (entry & kFrameMask) == 0)
      return Error("/proc/self/pagemap does not say where the rings are",
                   "the agent needs root (CAP_SYS_ADMIN) in the guest's first namespaces");
    entry = (entry & kFrameMask) * HT_PAGE_SIZE;
  }
  return entries;
}

}  // namespace

Result<Rings> Rings::create(const call::Nonce& nonce, uint32_t cpus, uint64_t wait_ns) {
  keep_libbpf_messages();
  LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
  UniqueFd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "ht_rings", sizeof(uint32_t), sizeof(ht_ring), cpus, &options));
  if (!map) return libbpf_error("make the rings", -errno);
  ASSIGN_OR_RETURN(Mapping memory, Mapping::map(map.get(), cpus * sizeof(ht_ring), Mapping::Access::kReadWrite));
  Rings rings(std::move(map), std::move(memory));
  rings.set_.nonce = nonce;
  for (uint32_t cpu = 0; cpu < cpus; cpu++) {
    write_header(*rings.ring(cpu), cpu, nonce, wait_ns);
    const auto* begin = reinterpret_cast<const uint8_t*>(rings.ring(cpu));
    ASSIGN_OR_RETURN(std::vector<uint64_t> pages, physical_pages(begin, HT_RING_PAGES));
    rings.set_.rings.push_back({cpu, std::move(pages)});
  }
  return rings;
}

Rings::~Rings() {
  if (!memory_) return;
  // Programs that are still being detached find nobody there.
  auto& heartbeat = ring(0)->header.host.heartbeat;
  __atomic_fetch_or(&heartbeat, static_cast<uint64_t>(HT_HOST_ABSENT), __ATOMIC_RELEASE);
  for (const call::RingPages& where : set_.rings) std::memset(&ring(where.cpu)->header.identity, 0, 64);
}

call::CallCounters Rings::counters() const {
  call::CallCounters counters;
  for (const call::RingPages& where : set_.rings) {
    const auto& losses = ring(where.cpu)->header.losses;
    counters.ring_full += __atomic_load_n(&losses.ring_full, __ATOMIC_RELAXED);
    counters.timed_out += __atomic_load_n(&losses.timed_out, __ATOMIC_RELAXED);
    counters.breaker += __atomic_load_n(&losses.breaker, __ATOMIC_RELAXED);
    counters.late += __atomic_load_n(&losses.late, __ATOMIC_RELAXED);
  }
  return counters;
}

void Rings::close_breaker() {
  auto& breaker = ring(0)->header.breaker;
  __atomic_store_n(&breaker.time_outs, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&breaker.trips, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&breaker.tripped, 0, __ATOMIC_RELEASE);
}

}  // namespace ht::agent
