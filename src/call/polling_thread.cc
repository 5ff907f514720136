// Priority and sleep of the polling thread: see polling_thread.h.
#include "call/polling_thread.h"

#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "base/fd.h"

namespace ht::call {

bool raise_polling_priority() {
  prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
  sched_param param{};
  param.sched_priority = sched_get_priority_min(SCHED_FIFO);
  if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &param) == 0) {
    auto runtime = read_text_file("/proc/sys/kernel/sched_rt_runtime_us");
    return !runtime || runtime->empty() || runtime->front() != '-';
  }
  auto self = static_cast<id_t>(syscall(SYS_gettid));
  for (int nice = -20; nice < 0; nice += 5)
    if (setpriority(PRIO_PROCESS, self, nice) == 0) break;
  return false;
}

void sleep_ns(uint64_t ns) {
  timespec left{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
  }
}

}  // namespace ht::call
