// A lock for a handful of instructions, held by pollers and the timer thread alike. Never held across a read of guest
// memory. After some spinning a waiter sleeps briefly: with real-time pollers the holder may need this very CPU.
#pragma once

#include <time.h>

#include <atomic>

namespace ht::engine {

// Between two looks at something that another thread is about to finish.
class Backoff {
 public:
  void wait() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
    if (++spins_ % 4096 == 0) {
      const timespec pause{0, 20'000};
      nanosleep(&pause, nullptr);
    }
  }

 private:
  unsigned spins_ = 0;
};

class SpinLock {
 public:
  void lock() {
    Backoff backoff;
    while (locked_.exchange(true, std::memory_order_acquire)) {
      while (locked_.load(std::memory_order_relaxed)) backoff.wait();
    }
  }
  void unlock() { locked_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> locked_{false};
};

}  // namespace ht::engine
