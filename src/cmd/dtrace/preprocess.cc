#include "cmd/dtrace/preprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <vector>

#include "base/fd.h"

extern char** environ;

namespace ht::dtrace {
namespace {

std::vector<std::string> arguments(const CommandLine& line) {
  const auto option = [&](const char* name, const char* otherwise) {
    const auto found = line.options.find(name);
    return found == line.options.end() ? std::string(otherwise) : found->second;
  };
  std::vector<std::string> result = {
    option("cpppath", "cpp"),
    "-D__unix",
    "-D__SVR4",
    "-D__Linux",
    "-D__linux",
    "-D__SUNW_D=1",
    "-D__SUNW_D_VERSION=0x02000000",
    line.ilp32 ? "-D__SUNW_D_32" : "-D__SUNW_D_64",
#if defined(__x86_64__)
    "-D__amd64",
#elif defined(__aarch64__)
    "-D__aarch64",
#endif
    "-U__GNUC__"
  };
  result.push_back(option("stdc", "a") == "s" ? "-traditional-cpp" : "-std=c99");
  const std::string more = option("cppargs", "");
  for (size_t at = more.find_first_not_of(' '); at != std::string::npos; at = more.find_first_not_of(' ', at)) {
    const size_t end = std::min(more.find(' ', at), more.size());
    result.push_back(more.substr(at, end - at));
    at = end;
  }
  result.insert(result.end(), line.cpp_arguments.begin(), line.cpp_arguments.end());
  result.emplace_back("-");
  return result;
}

// A script's #! line is no directive; its line number is kept.
std::string input_of(const d::SourceText& source) {
  std::string text = source.text;
  if (text.starts_with("#!")) text.erase(0, text.find('\n') == std::string::npos ? text.size() : text.find('\n'));
  return "# 1 \"" + source.name + "\"\n" + text;
}

// Feeds `input` to one pipe and reads the other until its end.
std::string converse(UniqueFd in, UniqueFd out, std::string_view input) {
  std::string output;
  fcntl(in.get(), F_SETFL, O_NONBLOCK);
  while (out.valid()) {
    pollfd fds[] = {{out.get(), POLLIN, 0}, {in.get(), POLLOUT, 0}};
    if (poll(fds, in.valid() ? 2 : 1, -1) < 0 && errno != EINTR) break;
    if (in.valid() && fds[1].revents != 0) {
      const ssize_t count = input.empty() ? -1 : write(in.get(), input.data(), input.size());
      if (count > 0) input.remove_prefix(static_cast<size_t>(count));
      if (input.empty() || (count < 0 && errno != EAGAIN && errno != EINTR)) in.reset();
    }
    if (fds[0].revents == 0) continue;
    char buffer[16384];
    const ssize_t count = read(out.get(), buffer, sizeof buffer);
    if (count > 0) output.append(buffer, static_cast<size_t>(count));
    if (count == 0 || (count < 0 && errno != EINTR)) out.reset();
  }
  return output;
}

}  // namespace

Result<std::string> preprocess(const d::SourceText& source, const CommandLine& line) {
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) != 0) return Error("Failed to fork preprocessor");
  UniqueFd to_read(to[0]), to_write(to[1]);
  if (pipe2(from, O_CLOEXEC) != 0) return Error("Failed to fork preprocessor");
  UniqueFd from_read(from[0]), from_write(from[1]);

  std::vector<std::string> words = arguments(line);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, to_read.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, from_write.get(), STDOUT_FILENO);
  pid_t pid = 0;
  const int failed = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return Error(failed == ENOENT ? "Preprocessor not found" : "Failed to exec preprocessor");
  to_read.reset();
  from_write.reset();

  // A preprocessor that stops reading must not kill this process.
  const auto old = std::signal(SIGPIPE, SIG_IGN);
  std::string output = converse(std::move(to_write), std::move(from_read), input_of(source));
  std::signal(SIGPIPE, old);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Error("Preprocessor failed to process input program");
  }
  return output;
}

}  // namespace ht::dtrace
