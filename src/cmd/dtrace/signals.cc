#include "cmd/dtrace/signals.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>

namespace ht::dtrace {
namespace {

// One intention can arrive as two signals: timeout(1) sends to its child and then to their group. A person needs
// longer.
constexpr long kSameIntentionMs = 200;

volatile sig_atomic_t signals_seen = 0;
timespec first_seen;
volatile sig_atomic_t children[16];  // 0: free
int wake[2] = {-1, -1};

long since_first_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);  // safe in a signal handler
  return (now.tv_sec - first_seen.tv_sec) * 1000 + (now.tv_nsec - first_seen.tv_nsec) / 1'000'000;
}

void on_signal(int) {
  const int saved = errno;
  signals_seen = signals_seen + 1;
  if (signals_seen == 1) clock_gettime(CLOCK_MONOTONIC, &first_seen);
  if (signals_seen > 1 && since_first_ms() >= kSameIntentionMs) {
    // Impatient: whatever this process waits for, it does not wait any longer. The daemon and the kernel clean up.
    for (const volatile sig_atomic_t& child : children) {
      if (child != 0) kill(static_cast<pid_t>(child), SIGKILL);
    }
    _exit(0);
  }
  const char byte = 0;
  (void)!write(wake[1], &byte, 1);
  errno = saved;
}

}  // namespace

void Signals::install() {
  if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0) return;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  // One handler at a time: the other signal waits.
  sigaddset(&action.sa_mask, SIGINT);
  sigaddset(&action.sa_mask, SIGTERM);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool Signals::asked_to_stop() {
  return signals_seen != 0;
}
int Signals::wake_fd() {
  return wake[0];
}
void Signals::clear_wake() {
  char bytes[16];
  while (wake[0] >= 0 && read(wake[0], bytes, sizeof bytes) > 0) {
  }
}
void Signals::add_child(pid_t pid) {
  for (volatile sig_atomic_t& child : children) {
    if (child != 0) continue;
    child = pid;
    return;
  }
}
void Signals::remove_child(pid_t pid) {
  for (volatile sig_atomic_t& child : children) {
    if (child == pid) child = 0;
  }
}

}  // namespace ht::dtrace
