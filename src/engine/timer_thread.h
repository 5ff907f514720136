// The threads that fire a session's tick and profile probes: one for all ticks, and one on each CPU that profile probes
// fire on. They keep to the grid of each timer's period: no drift, and what was missed while the machine was busy is
// skipped, not made up for in a burst.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/engine.h"

namespace ht::engine {

class TimerThreads {
 public:
  // Called on the threads; `cpu` is the CPU to fire for, `late` by how many ns it comes after its time. Returning false
  // ends the thread.
  using Fire = std::function<bool(const HostProbe& timer, uint32_t cpu, uint64_t late)>;

  ~TimerThreads() { stop(); }
  // Ticks fire on `tick_cpu`, profiles on each of `cpus`.
  void start(const std::vector<HostProbe>& timers, uint32_t tick_cpu, const std::vector<uint32_t>& cpus, Fire fire);
  void stop();  // waits for firings that are under way

 private:
  void run(const std::vector<HostProbe>& timers, uint32_t cpu);

  Fire fire_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// Numbers of the CPUs that are online, in order.
std::vector<uint32_t> online_cpus();

// Runs the calling thread on that CPU alone; false if it may not, and then it stays where it is.
bool bind_to_cpu(uint32_t cpu);

}  // namespace ht::engine
