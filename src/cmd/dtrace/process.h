// The processes of -c and -p: started or grabbed before the programs are compiled, so that they can know $target, set
// going when tracing has started, and tracing ends when all of them are gone.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "cmd/dtrace/options.h"

namespace ht::dtrace {

class Process {
 public:
  virtual ~Process() = default;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  int fd() const { return pidfd_.get(); }  // readable when it has ended; -1 if the kernel has no such thing
  std::string how_ended() const { return how_ended_; }  // empty if well, or if that cannot be known
  virtual void go() {}
  virtual bool ended() = 0;

 protected:
  explicit Process(pid_t pid);
  bool pidfd_readable() const;

  pid_t pid_;
  UniqueFd pidfd_;
  bool ended_ = false;
  std::string how_ended_;
};

class Processes {
 public:
  // Splits commands at blanks; no shell. The error's message is complete: "failed to execute ...", "failed to grab
  // ...".
  static Result<std::unique_ptr<Processes>> prepare(const CommandLine& line);

  uint64_t target() const;  // $target: the first; 0 if there is none
  bool none() const { return processes_.empty(); }
  void go();
  bool all_ended();
  std::vector<int> fds() const;
  // "pid 17 exited with status 1", of those that did not end well.
  std::vector<std::string> how_ended() const;

 private:
  std::vector<std::unique_ptr<Process>> processes_;
};

}  // namespace ht::dtrace
