#include "daemon/instance.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace ht::daemon {
namespace {

Result<void> make_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return Error("cannot make the directory " + path + ": " + error.message());
  if (::chmod(path.c_str(), 0700) != 0) return errno_error("cannot protect " + path);
  return {};
}

// What an earlier daemon had in hand when it died.
void empty_directory(const std::string& path) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace

Layout layout_of(const Options& options) {
  const std::string& root = options.directory;
  return {.root = root,
          .base = root + "/base",
          .inbound = root + "/inbound",
          .outbound = root + "/outbound",
          .types = root + "/types",
          .socket = root + "/sub.sock",
          .log = root + "/dtraced.log",
          .pid_file = options.own_directory ? root + "/dtraced.pid" : "/var/run/dtraced.pid"};
}

Result<Instance> Instance::claim(const Layout& layout) {
  RETURN_IF_ERROR(make_directory(layout.root));
  Instance instance(layout);
  for (bool locked = false; !locked;) {
    ASSIGN_OR_RETURN(locked, instance.lock());
  }
  for (const std::string& path : {layout.base, layout.inbound, layout.outbound, layout.types}) {
    RETURN_IF_ERROR(make_directory(path));
  }
  for (const std::string& path : {layout.base, layout.inbound, layout.outbound}) empty_directory(path);
  RETURN_IF_ERROR(instance.write_pid());
  return instance;
}

Result<bool> Instance::lock() {
  const std::string& path = layout_.pid_file;
  ASSIGN_OR_RETURN(UniqueFd lock, open_file(path, O_RDWR | O_CREAT, 0644));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return errno_error("cannot lock " + path);
    auto pid = read_text_file(path, 64);
    std::string who = pid.ok() && !pid->empty() ? "process " + pid->substr(0, pid->find('\n')) : "another process";
    return Error("dtraced is already running as " + who + " (" + path + ")");
  }
  // Its last owner may have removed the file between our opening and locking it: then the lock means nothing.
  struct stat ours {
  }, there{};
  if (::fstat(lock.get(), &ours) != 0) return errno_error("cannot look at " + path);
  if (::stat(path.c_str(), &there) != 0 || ours.st_ino != there.st_ino) return false;
  lock_ = std::move(lock);
  return true;
}

Result<void> Instance::write_pid() {
  const std::string text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_.get(), 0) != 0 ||
      ::pwrite(lock_.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    return errno_error("cannot write " + layout_.pid_file);
  }
  return {};
}

Instance::~Instance() {
  if (!lock_) return;
  ::unlink(layout_.socket.c_str());
  ::unlink(layout_.pid_file.c_str());  // while the lock is held: nobody else's
}

Result<Background> Background::enter() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("cannot make a pipe");
  UniqueFd read_end(ends[0]);
  Background background;
  background.pipe_ = UniqueFd(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return errno_error("cannot go to the background");
  if (child == 0) {
    ::setsid();
    if (::chdir("/") != 0) return errno_error("cannot go to /");
    UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (int fd = 0; fd <= 2 && null; ++fd) ::dup2(null.get(), fd);
    return background;
  }
  background.pipe_.reset();
  std::string said;
  char buffer[1024];
  for (ssize_t count = 0; (count = ::read(read_end.get(), buffer, sizeof buffer)) != 0;) {
    if (count > 0) said.append(buffer, static_cast<size_t>(count));
    if (count < 0 && errno != EINTR) break;
  }
  if (said == "ready") ::_exit(0);
  std::fprintf(stderr, "dtraced: %s\n", said.empty() ? "it ended while starting" : said.c_str());
  ::_exit(1);
}

void Background::ready() {
  failed("ready");
}

void Background::failed(const std::string& message) {
  if (pipe_ && ::write(pipe_.get(), message.data(), message.size()) < 0) {
    // The parent is gone: nobody to tell.
  }
  pipe_.reset();
}

}  // namespace ht::daemon
