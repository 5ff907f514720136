// Which probes a provider's programs are to call for: one bit for each number (HT_IS_ARMED in bpf/copy.bpf.h), in
// memory that they share with the agent. All of a list begin to call, or stop, as good as at once.
#pragma once

#include <cstdint>
#include <vector>

namespace ht::agent {

inline void set_armed(uint8_t* bits, const std::vector<uint32_t>& numbers) {
  for (uint32_t number : numbers) {
    __atomic_fetch_or(&bits[number / 8], static_cast<uint8_t>(1u << (number % 8)), __ATOMIC_RELEASE);
  }
}

inline void clear_armed(uint8_t* bits, const std::vector<uint32_t>& numbers) {
  for (uint32_t number : numbers) {
    __atomic_fetch_and(&bits[number / 8], static_cast<uint8_t>(~(1u << (number % 8))), __ATOMIC_RELEASE);
  }
}

}  // namespace ht::agent
