// How the polling thread spends its time between rounds: spin while calls arrive, then short sleeps that grow; and, as
// a real-time thread, a short rest now and then, so that the kernel's real-time throttle never stops it for long.
#pragma once

#include <cstdint>

namespace ht::call {

class PollPace {
 public:
  static constexpr uint64_t kSpinNs = 50'000;  // after the last call
  static constexpr uint64_t kFirstSleepNs = 20'000;
  static constexpr uint64_t kLongestSleepNs = 200'000;
  // 56 us in 1.056 ms are 5.3 %: the kernel's default takes a real-time thread's CPU away when it leaves less than 5 %.
  static constexpr uint64_t kBurstNs = 1'000'000;
  static constexpr uint64_t kRestNs = 56'000;

  explicit PollPace(bool real_time) : real_time_(real_time) {}

  // After a round that ended at `now`: how long to sleep, 0 to go on at once.
  uint64_t next_sleep(uint64_t now, bool worked) {
    if (worked) {
      last_work_ = now;
      sleep_ = kFirstSleepNs;
    }
    if (now - last_work_ < kSpinNs) {
      if (!real_time_ || now - burst_start_ < kBurstNs) return 0;
      return rest(now, kRestNs);
    }
    uint64_t sleep = sleep_;
    sleep_ = sleep_ * 2 > kLongestSleepNs ? kLongestSleepNs : sleep_ * 2;
    return rest(now, sleep);
  }

 private:
  uint64_t rest(uint64_t now, uint64_t sleep) {
    // A sleep shorter than the rest due does not begin a new burst.
    if (sleep >= kRestNs) burst_start_ = now + sleep;
    return sleep;
  }
  bool real_time_;
  uint64_t last_work_ = 0;
  uint64_t burst_start_ = 0;
  uint64_t sleep_ = kFirstSleepNs;
};

}  // namespace ht::call
