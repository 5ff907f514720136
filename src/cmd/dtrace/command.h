// -c: a command that is traced. It is forked early, so that the program can know its process id ($target), waits until
// tracing has started, and tracing ends with it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace ht::dtrace {

class Command {
 public:
  // Split at blanks; no shell. Fails if there is no such program.
  static Result<std::unique_ptr<Command>> prepare(const std::string& text);
  // If it still runs, it is killed.
  ~Command();
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  pid_t pid() const { return pid_; }
  void go();
  bool ended();                                         // reaps it
  std::string how_ended() const { return how_ended_; }  // empty if well
  int fd() const { return pidfd_.get(); }  // readable when it has ended; -1 if the kernel has no such thing

 private:
  Command() = default;
  pid_t pid_ = 0;
  bool ended_ = false;
  std::string how_ended_;
  UniqueFd gate_;  // the child waits for it to close
  UniqueFd pidfd_;
};

}  // namespace ht::dtrace
