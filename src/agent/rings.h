// The guest's rings as the agent sees them: makes the map, writes the headers, finds the physical pages, reads the
// counters, and wipes everything at the end, so that a host that still polls sees at once that the session is over.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"
#include "call/ring_abi.h"
#include "call/ring_set.h"

namespace ht::agent {

class Rings {
 public:
  // One ring for each of `cpus` CPUs. Needs root.
  static Result<Rings> create(const call::Nonce& nonce, uint32_t cpus, uint64_t wait_ns = HT_WAIT_NS);
  Rings(Rings&&) = default;
  Rings& operator=(Rings&&) = delete;
  ~Rings();

  int map_fd() const { return map_.get(); }  // for bpf_map__reuse_fd
  const call::RingSet& set() const { return set_; }
  call::CallCounters counters() const;  // of the guest's side
  void close_breaker();

 private:
  Rings(UniqueFd map, Mapping memory) : map_(std::move(map)), memory_(std::move(memory)) {}
  ht_ring* ring(uint32_t cpu) const { return reinterpret_cast<ht_ring*>(memory_.data()) + cpu; }

  UniqueFd map_;
  Mapping memory_;
  call::RingSet set_;
};

}  // namespace ht::agent
