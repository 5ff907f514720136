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

bool bind_to_cpu(uint32_t cpu) {
  std::vector<cpu_set_t> set(cpu / CPU_SETSIZE + 1);
  const size_t size = set.size() * sizeof(cpu_set_t);
  CPU_ZERO_S(size, set.data());
  CPU_SET_S(cpu, size, set.data());
  return sched_setaffinity(0, size, set.data()) == 0;
}

void TimerThreads::start(const std::vector<HostProbe>& timers, uint32_t tick_cpu, const std::vector<uint32_t>& cpus,
                         Fire fire) {
  fire_ = std::move(fire);
  std::vector<HostProbe> ticks, profiles;
  for (const HostProbe& timer : timers) (timer.per_cpu ? profiles : ticks).push_back(timer);
  if (!ticks.empty()) threads_.emplace_back([this, ticks, tick_cpu] { run(ticks, tick_cpu); });
  if (profiles.empty()) return;
  for (const uint32_t cpu : cpus) threads_.emplace_back([this, profiles, cpu] { run(profiles, cpu); });
}

void TimerThreads::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void TimerThreads::run(const std::vector<HostProbe>& timers, uint32_t cpu) {
  (void)bind_to_cpu(cpu);  // where it may not run it fires for that CPU all the same
  std::vector<Pending> pending;
  const Time start = std::chrono::steady_clock::now();
  for (const HostProbe& timer : timers) pending.push_back({timer, start + std::chrono::nanoseconds(timer.period_ns)});
  for (;;) {
    const auto next = std::min_element(pending.begin(), pending.end(),
                                       [](const Pending& a, const Pending& b) { return a.due < b.due; });
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_until(lock, next->due, [this] { return stopping_; })) return;
    }
    const Time now = std::chrono::steady_clock::now();
    const std::chrono::nanoseconds late = now - next->due;
    next->due = following(*next, now);
    if (!fire_(next->timer, cpu, static_cast<uint64_t>(late.count()))) return;
  }
}

}  // namespace ht::engine
