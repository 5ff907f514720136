// -c: a command, started under ptrace so that it stands at the point that the option evaltime names while the programs
// are compiled. Where ptrace is not permitted it stands before its exec instead.
#pragma once

#include "cmd/dtrace/process.h"

namespace ht::dtrace {

class StartedProcess final : public Process {
 public:
  static Result<std::unique_ptr<Process>> start(const std::string& command, const dif::OptionMap& options);
  // If it still runs, it is killed.
  ~StartedProcess() override;

  void go() override;
  bool ended() override;  // reaps it

 private:
  StartedProcess(pid_t pid, UniqueFd gate, bool traced);
  void note_end(int status);

  UniqueFd gate_;  // without ptrace the child waits for a byte
  bool traced_;
};

}  // namespace ht::dtrace
