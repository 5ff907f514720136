// SIGINT and SIGTERM: the first asks tracing to stop (END fires, what was collected is printed), the second abandons.
#pragma once

#include <sys/types.h>

namespace ht::dtrace {

class Signals {
 public:
  // Takes the two signals over, for the life of the process.
  static void install();
  static bool asked_to_stop();
  static int wake_fd();  // readable when a signal has come; for poll
  static void clear_wake();
  // Processes to kill when tracing is abandoned.
  static void add_child(pid_t pid);
  static void remove_child(pid_t pid);
};

}  // namespace ht::dtrace
