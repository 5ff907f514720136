#include "cmd/dtrace/started_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "cmd/dtrace/evaltime.h"
#include "cmd/dtrace/signals.h"

namespace ht::dtrace {
namespace {

// What the child reports before its exec; nothing but the end of the file if the exec worked.
constexpr int kWaitsAtGate = -1;  // else an errno

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  for (size_t at = text.find_first_not_of(" \t"); at != std::string::npos; at = text.find_first_not_of(" \t", at)) {
    const size_t end = std::min(text.find_first_of(" \t", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

// The environment of the child: options setenv and unsetenv.
void set_environment(const dif::OptionMap& options) {
  for (const std::string& name : dif::option_list(options, "unsetenv")) unsetenv(name.c_str());
  for (const std::string& assignment : dif::option_list(options, "setenv")) {
    const size_t equals = assignment.find('=');
    setenv(assignment.substr(0, equals).c_str(), assignment.c_str() + equals + 1, 1);
  }
}

[[noreturn]] void run_child(char* const* argv, const dif::OptionMap& options, int gate, int report) {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  set_environment(options);
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
    (void)!write(report, &kWaitsAtGate, sizeof kWaitsAtGate);
    char byte = 0;
    // One byte means go; the end of the file that dtrace has given up.
    if (read(gate, &byte, 1) != 1) _exit(1);
  }
  execvp(argv[0], argv);
  const int why = errno;
  (void)!write(report, &why, sizeof why);
  _exit(127);
}

}  // namespace

StartedProcess::StartedProcess(pid_t pid, UniqueFd gate, bool traced)
    : Process(pid), gate_(std::move(gate)), traced_(traced) {
  Signals::add_child(pid_);
}

Result<std::unique_ptr<Process>> StartedProcess::start(const std::string& command, const dif::OptionMap& options) {
  const auto failed = [&](int why) {
    return Error(fmt::format("failed to execute {}: {}", command, std::strerror(why)));
  };
  std::vector<std::string> words = split(command);
  if (words.empty()) return failed(ENOENT);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  int gate[2], report[2];
  if (pipe2(gate, O_CLOEXEC) != 0) return failed(errno);
  const UniqueFd wait_here(gate[0]);
  UniqueFd open_gate(gate[1]);
  if (pipe2(report, O_CLOEXEC) != 0) return failed(errno);
  const UniqueFd read_report(report[0]);
  UniqueFd write_report(report[1]);
  const pid_t pid = fork();
  if (pid < 0) return failed(errno);
  if (pid == 0) {
    open_gate.reset();
    run_child(argv.data(), options, wait_here.get(), write_report.get());
  }
  write_report.reset();
  int said = 0;
  const bool told = read(read_report.get(), &said, sizeof said) == sizeof said;
  if (told && said != kWaitsAtGate) {
    waitpid(pid, nullptr, 0);
    return failed(said);
  }
  std::unique_ptr<StartedProcess> process(new StartedProcess(pid, std::move(open_gate), !told));
  if (!told) {
    int status = 0;
    waitpid(pid, &status, 0);  // stopped by its exec
    ptrace(PTRACE_SETOPTIONS, pid, nullptr, PTRACE_O_EXITKILL);
    if (const auto ended = run_to_evaltime(pid, dif::option_text(options, "evaltime"))) process->note_end(*ended);
  }
  return std::unique_ptr<Process>(std::move(process));
}

StartedProcess::~StartedProcess() {
  Signals::remove_child(pid_);
  if (ended_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void StartedProcess::go() {
  if (ended_) return;
  if (traced_) {
    ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
    return;
  }
  const char byte = 0;
  (void)!write(gate_.get(), &byte, 1);
  gate_.reset();
}

bool StartedProcess::ended() {
  if (ended_) return true;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_ || WIFSTOPPED(status)) return false;
  note_end(status);
  return true;
}

void StartedProcess::note_end(int status) {
  ended_ = true;
  Signals::remove_child(pid_);
  if (WIFSIGNALED(status)) {
    how_ended_ = fmt::format("pid {} terminated by SIG{}", pid_, sigabbrev_np(WTERMSIG(status)));
  } else if (WEXITSTATUS(status) != 0) {
    how_ended_ = fmt::format("pid {} exited with status {}", pid_, WEXITSTATUS(status));
  }
}

}  // namespace ht::dtrace
