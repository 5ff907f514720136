// The thread that fires a session's tick and profile probes. It keeps to the grid of each timer's period: no drift, and
// what was missed while the machine was busy is skipped, not made up for in a burst.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/engine.h"

namespace ht::engine {

class TimerThread {
 public:
  // Called on the thread; `cpu` is the CPU to fire for. Returning false ends the thread.
  using Fire = std::function<bool(const HostProbe& timer, uint32_t cpu)>;

  ~TimerThread() { stop(); }
  void start(std::vector<HostProbe> timers, Fire fire);
  void stop();  // waits for a firing that is under way

 private:
  void run(std::vector<HostProbe> timers, const Fire& fire);

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

// Numbers of the CPUs that are online.
std::vector<uint32_t> online_cpus();

}  // namespace ht::engine
