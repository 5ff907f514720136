#include "cmd/dtrace/command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "cmd/dtrace/signals.h"

namespace ht::dtrace {
namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  for (size_t at = text.find_first_not_of(" \t"); at != std::string::npos; at = text.find_first_not_of(" \t", at)) {
    const size_t end = std::min(text.find_first_of(" \t", at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

// As execvp would find it; errno says why not.
std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return access(name.c_str(), X_OK) == 0 ? name : "";
  const char* path = std::getenv("PATH");
  const std::string directories = path != nullptr ? path : "/bin:/usr/bin";
  for (size_t at = 0; at <= directories.size();) {
    const size_t end = std::min(directories.find(':', at), directories.size());
    const std::string directory = directories.substr(at, end - at);
    const std::string candidate = (directory.empty() ? "." : directory) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    at = end + 1;
  }
  errno = ENOENT;
  return {};
}

}  // namespace

Result<std::unique_ptr<Command>> Command::prepare(const std::string& text) {
  std::vector<std::string> words = split(text);
  const std::string program = words.empty() ? std::string() : find_program(words[0]);
  if (program.empty()) {
    return Error(fmt::format("failed to execute {}: {}", text, std::strerror(words.empty() ? ENOENT : errno)));
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  int gate[2];
  if (pipe2(gate, O_CLOEXEC) != 0) return errno_error("failed to execute " + text);
  std::unique_ptr<Command> command(new Command);
  UniqueFd closed_in_child(gate[1]);
  const UniqueFd wait_here(gate[0]);
  command->pid_ = fork();
  if (command->pid_ < 0) return errno_error("failed to execute " + text);
  if (command->pid_ == 0) {
    closed_in_child.reset();
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    char byte = 0;
    // One byte means go; the end of the file that dtrace has given up.
    if (read(wait_here.get(), &byte, 1) != 1) _exit(1);
    execv(program.c_str(), argv.data());
    std::fprintf(stderr, "dtrace: failed to execute %s: %s\n", text.c_str(), std::strerror(errno));
    _exit(127);
  }
  command->gate_ = std::move(closed_in_child);
  command->pidfd_.reset(static_cast<int>(syscall(SYS_pidfd_open, command->pid_, 0)));
  Signals::set_child(command->pid_);
  return command;
}

Command::~Command() {
  Signals::set_child(0);
  if (pid_ <= 0 || ended_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Command::go() {
  const char byte = 0;
  (void)!write(gate_.get(), &byte, 1);
  gate_.reset();
}

bool Command::ended() {
  if (ended_) return true;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
  ended_ = true;
  Signals::set_child(0);
  if (WIFSIGNALED(status)) {
    how_ended_ = fmt::format("pid {} terminated by SIG{}", pid_, sigabbrev_np(WTERMSIG(status)));
  } else if (WEXITSTATUS(status) != 0) {
    how_ended_ = fmt::format("pid {} exited with status {}", pid_, WEXITSTATUS(status));
  }
  return true;
}

}  // namespace ht::dtrace
