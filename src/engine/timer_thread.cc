#include "engine/timer_thread.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/fd.h"

namespace ht::engine {
namespace {

using Time = std::chrono::steady_clock::time_point;  // the monotonic clock

struct Pending {
  HostProbe timer;
  Time due;
};

// The first point of the timer's grid after `now`.
Time following(const Pending& pending, Time now) {
  const std::chrono::nanoseconds period(pending.timer.period_ns);
  return pending.due + ((now - pending.due) / period + 1) * period;
}

}  // namespace

std::vector<uint32_t> online_cpus() {
  std::vector<uint32_t> cpus;
  if (auto text = read_text_file("/sys/devices/system/cpu/online"); text.ok()) {
    const char* at = text->c_str();  // "0-3,8"
    unsigned first, last;
    int used;
    while (sscanf(at, "%u%n", &first, &used) == 1) {
      at += used;
      last = first;
      if (sscanf(at, "-%u%n", &last, &used) == 1) at += used;
      for (unsigned cpu = first; cpu <= last && cpus.size() < 65536; ++cpu) cpus.push_back(cpu);
      if (*at++ != ',') break;
    }
  }
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

void TimerThread::start(std::vector<HostProbe> timers, Fire fire) {
  if (timers.empty()) return;
  thread_ = std::thread(
      [this, timers = std::move(timers), fire = std::move(fire)]() mutable { run(std::move(timers), fire); });
}

void TimerThread::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TimerThread::run(std::vector<HostProbe> timers, const Fire& fire) {
  std::vector<Pending> pending;
  const Time start = std::chrono::steady_clock::now();
  for (HostProbe& timer : timers) {
    const std::chrono::nanoseconds period(timer.period_ns);
    pending.push_back({std::move(timer), start + period});
  }
  const std::vector<uint32_t> cpus = online_cpus();
  for (;;) {
    const auto next = std::min_element(pending.begin(), pending.end(),
                                       [](const Pending& a, const Pending& b) { return a.due < b.due; });
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_until(lock, next->due, [this] { return stopping_; })) return;
    }
    next->due = following(*next, std::chrono::steady_clock::now());
    if (next->timer.per_cpu) {
      for (const uint32_t cpu : cpus) {
        if (!fire(next->timer, cpu)) return;
      }
    } else {
      const int cpu = sched_getcpu();
      if (!fire(next->timer, cpu < 0 ? 0 : static_cast<uint32_t>(cpu))) return;
    }
  }
}

}  // namespace ht::engine
