// What the polling thread asks of the machine: priority over vCPU threads, and sleeps that end on time.
#pragma once

#include <cstdint>

namespace ht::call {

// Gives the calling thread SCHED_FIFO at the lowest real-time priority, else the best nice value it may have, and the
// finest timer slack. True if the kernel's real-time throttle applies to it.
bool raise_polling_priority();
void sleep_ns(uint64_t ns);

inline void cpu_relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace ht::call
