#include "base/clock.h"

#include <ctime>

namespace ht {
namespace {

uint64_t now(clockid_t id) {
  timespec time{};
  clock_gettime(id, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

class SystemClock final : public Clock {
 public:
  uint64_t monotonic_ns() override { return now(CLOCK_MONOTONIC); }
  uint64_t wall_ns() override { return now(CLOCK_REALTIME); }
  uint64_t thread_ns() override { return now(CLOCK_THREAD_CPUTIME_ID); }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace ht
