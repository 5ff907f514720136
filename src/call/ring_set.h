// What the overlord knows of one guest's rings: where their pages are, and under which nonce. It comes from the guest,
// so every number is checked before use.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace ht::call {

using Nonce = std::array<uint8_t, 16>;  // 128 random bits, chosen by the host for each arming

struct RingPages {
  uint32_t cpu = 0;
  std::vector<uint64_t> pages;  // guest physical addresses of the ring's 4 KiB pages, in order; header page first
};

struct RingSet {
  Nonce nonce{};
  uint16_t boot = 0;             // of the guest, as the overlord counts them
  std::vector<RingPages> rings;  // one per vCPU
};

// Losses and calls of one guest since its rings were armed. The guest can lie about its own.
struct CallCounters {
  uint64_t served = 0;     // entries the host ran
  uint64_t ring_full = 0;  // guest found no free entry
  uint64_t timed_out = 0;  // guest abandoned the wait
  uint64_t breaker = 0;    // calls not made because the breaker had tripped
  uint64_t nested = 0;     // skipped by the kernel (recursion misses), as the agent reports
  uint64_t rejected = 0;   // entries the host refused: probe not armed, bad state
  uint64_t late = 0;       // served, but the guest had stopped waiting: run without the guest at the probe; not a loss
  uint64_t drops() const { return ring_full + timed_out + breaker + nested + rejected; }
};

}  // namespace ht::call
