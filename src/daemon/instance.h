// What one running daemon owns: its directory and its pid file, whose lock says that it runs.
//
//   DIR/base      programs as clients submitted them, while a session uses them      DIR/inbound   programs received
//   (minion) DIR/outbound  programs linked for a kernel, while a session uses them            DIR/types     type files,
//   by hash DIR/sub.sock  clients' socket; DIR/dtraced.log the log of a daemon in the background
//
// A lock dies with its process, so whatever an earlier daemon left behind, killed or not, is stale once we hold it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/lock_file.h"
#include "daemon/options.h"

namespace ht::daemon {

struct Layout {
  std::string root, base, inbound, outbound, types, socket, log, pid_file;
};
Layout layout_of(const Options& options);

// Makes the directories (mode 0700) and takes the lock. The error for a second instance names the pid of the first.
class Instance {
 public:
  static Result<Instance> claim(const Layout& layout);
  Instance(Instance&& other) noexcept : layout_(std::move(other.layout_)), lock_(std::exchange(other.lock_, {})) {}
  Instance& operator=(Instance&&) = delete;
  ~Instance();  // removes the socket and, last, the pid file

 private:
  Instance(Layout layout, LockFile lock) : layout_(std::move(layout)), lock_(std::move(lock)) {}
  Layout layout_;
  std::optional<LockFile> lock_;
};

// Goes to the background. In the parent, does not return: waits until ready() and exits with 0, or with 1 and the
// child's message. Call before there are threads or locks.
class Background {
 public:
  static Result<Background> enter();
  void ready();                             // the parent may end well
  void failed(const std::string& message);  // it says so and ends with status 1
 private:
  UniqueFd pipe_;
};

// A daemon's main(): in the background unless the options say otherwise, errors to whoever started it. `serve` is given
// the Background to call ready() on, or null. Returns the exit status.
using Serve = std::function<Result<void>(const Options& options, Background* background)>;
int run_daemon(const Options& options, const Serve& serve);

}  // namespace ht::daemon
