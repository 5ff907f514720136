#include "daemon/instance.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
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
  std::string holder;
  auto lock = LockFile::take(layout.pid_file, &holder);
  if (!lock.ok() && holder.empty()) return std::move(lock).error();
  if (!lock.ok()) return Error("dtraced is already running as " + holder + " (" + layout.pid_file + ")");
  Instance instance(layout, std::move(*lock));
  for (const std::string& path : {layout.base, layout.inbound, layout.outbound, layout.types}) {
    RETURN_IF_ERROR(make_directory(path));
  }
  for (const std::string& path : {layout.base, layout.inbound, layout.outbound}) empty_directory(path);
  return instance;
}

Instance::~Instance() {
  if (lock_) ::unlink(layout_.socket.c_str());
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

int run_daemon(const Options& options, const Serve& serve) {
  std::signal(SIGPIPE, SIG_IGN);
  if (options.foreground) {
    auto served = serve(options, nullptr);
    if (served.ok()) return 0;
    std::fprintf(stderr, "dtraced: %s\n", served.error().text().c_str());
    return 1;
  }
  auto background = Background::enter();
  if (!background.ok()) {
    std::fprintf(stderr, "dtraced: %s\n", background.error().text().c_str());
    return 1;
  }
  auto served = serve(options, &*background);
  if (served.ok()) return 0;
  background->failed(served.error().text());
  return 1;
}

}  // namespace ht::daemon
