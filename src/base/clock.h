// Time, injected, so that whatever depends on it is tested without sleeping.
#pragma once

#include <cstdint>

namespace ht {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual uint64_t monotonic_ns() = 0;  // since an arbitrary start; D's timestamp
  virtual uint64_t wall_ns() = 0;       // since 1970-01-01 UTC; D's walltimestamp
  virtual uint64_t thread_ns() = 0;     // that the calling thread was on a CPU; D's vtimestamp on the host
};

Clock& system_clock();

}  // namespace ht
