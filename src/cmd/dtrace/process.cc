#include "cmd/dtrace/process.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "cmd/dtrace/started_process.h"

namespace ht::dtrace {
namespace {

// -p: somebody else's process.
class GrabbedProcess final : public Process {
 public:
  explicit GrabbedProcess(pid_t pid) : Process(pid) {}
  bool ended() override {
    if (!ended_) ended_ = fd() >= 0 ? pidfd_readable() : (kill(pid_, 0) != 0 && errno == ESRCH);
    return ended_;
  }
};

Result<std::unique_ptr<Process>> grab(pid_t pid) {
  const auto failed = [&](const char* why) { return Error(fmt::format("failed to grab pid {}: {}", pid, why)); };
  if (pid <= 0) return failed(std::strerror(ESRCH));
  if (pid == getpid()) return failed("process is dtrace itself");
  if (kill(pid, 0) != 0) return failed(std::strerror(errno));
  return std::unique_ptr<Process>(std::make_unique<GrabbedProcess>(pid));
}

}  // namespace

Process::Process(pid_t pid) : pid_(pid), pidfd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}

bool Process::pidfd_readable() const {
  pollfd fd{pidfd_.get(), POLLIN, 0};
  return poll(&fd, 1, 0) == 1;
}

Result<std::unique_ptr<Processes>> Processes::prepare(const CommandLine& line) {
  auto processes = std::make_unique<Processes>();
  for (const Subject& subject : line.subjects) {
    auto process = subject.grab ? grab(subject.pid) : StartedProcess::start(subject.command, line.options);
    if (!process) return std::move(process).error();
    processes->processes_.push_back(std::move(*process));
  }
  return processes;
}

uint64_t Processes::target() const {
  return none() ? 0 : static_cast<uint64_t>(processes_.front()->pid());
}

void Processes::go() {
  for (const auto& process : processes_) process->go();
}

bool Processes::all_ended() {
  bool all = !none();
  for (const auto& process : processes_) all = process->ended() && all;  // each is asked: that reaps it
  return all;
}

std::vector<int> Processes::fds() const {
  std::vector<int> fds;
  for (const auto& process : processes_) {
    if (!process->ended()) fds.push_back(process->fd());
  }
  return fds;
}

std::vector<std::string> Processes::how_ended() const {
  std::vector<std::string> texts;
  for (const auto& process : processes_) {
    if (!process->how_ended().empty()) texts.push_back(process->how_ended());
  }
  return texts;
}

}  // namespace ht::dtrace
