#include "daemon/virtio_port.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/clock.h"

namespace ht::daemon {
namespace {

constexpr int kLookAgainMs = 500;  // while nobody is there
constexpr int kHangUpMs = 150;
constexpr uint64_t kWriteNs = 5'000'000'000;  // the host reads all the time, or it is gone

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

Result<std::unique_ptr<VirtioPort>> VirtioPort::open(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    Error error = errno_error("cannot open " + path);
    if (errno == ENOENT) error.hint = "the hypervisor gives this guest no such port: see docs/your-own-vms.md";
    if (errno == EBUSY) error.hint = "another process has it: is dtraced -m running already?";
    return error;
  }
  return adopt(std::move(fd));
}

Result<std::unique_ptr<VirtioPort>> VirtioPort::adopt(UniqueFd fd) {
  sigset_t set = ending_signals();
  sigaddset(&set, SIGIO);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const sigset_t ending = ending_signals();
  UniqueFd signals(::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return errno_error("cannot wait for signals");
  // Not every stream can send SIGIO; then the slow look has to do.
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (::fcntl(fd.get(), F_SETOWN, ::getpid()) == 0) ::fcntl(fd.get(), F_SETFL, flags | O_ASYNC | O_NONBLOCK);
  return std::unique_ptr<VirtioPort>(new VirtioPort(std::move(fd), std::move(signals)));
}

Port::Event VirtioPort::wait() {
  for (;;) {
    pollfd polls[2] = {{fd_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
    if (::poll(polls, 2, -1) < 0) continue;  // EINTR
    if (polls[1].revents != 0) return Event::kStopped;
    // With nobody there the port always counts as readable: only a read tells.
    const bool empty = at_end_;
    at_end_ = false;
    if (!empty) return Event::kData;
    if (hang_up_lasts()) return Event::kDisconnected;
  }
}

bool VirtioPort::hang_up_lasts() {
  pollfd polls[2] = {{signals_.get(), POLLIN, 0}, {fd_.get(), POLLIN, 0}};
  ::poll(polls, 1, kHangUpMs);  // a signal to end cuts it short
  ::poll(polls + 1, 1, 0);
  return (polls[1].revents & POLLHUP) != 0;
}

bool VirtioPort::wait_for_host() {
  sigset_t set = ending_signals();
  sigaddset(&set, SIGIO);
  const timespec time{kLookAgainMs / 1000, (kLookAgainMs % 1000) * 1'000'000L};
  const int number = ::sigtimedwait(&set, nullptr, &time);
  return number != SIGTERM && number != SIGINT;
}

size_t VirtioPort::read(std::span<uint8_t> buffer) {
  for (;;) {
    const ssize_t count = ::read(fd_.get(), buffer.data(), buffer.size());
    if (count > 0) return static_cast<size_t>(count);
    if (count < 0 && errno == EINTR) continue;
    at_end_ = true;
    return 0;
  }
}

Result<void> VirtioPort::write(ByteView data) {
  const uint64_t deadline = system_clock().monotonic_ns() + kWriteNs;
  while (!data.empty()) {
    const ssize_t count = ::write(fd_.get(), data.data(), data.size());
    if (count > 0) {
      data = data.subspan(static_cast<size_t>(count));
      continue;
    }
    if (count < 0 && errno != EAGAIN && errno != EINTR) return errno_error("cannot write to the port");
    const uint64_t now = system_clock().monotonic_ns();
    if (now >= deadline) return Error("the host does not read from the port");
    pollfd poll{fd_.get(), POLLOUT, 0};
    ::poll(&poll, 1, static_cast<int>((deadline - now) / 1'000'000 + 1));
    if ((poll.revents & POLLHUP) != 0 && hang_up_lasts()) return Error("the host is gone");
  }
  return {};
}

}  // namespace ht::daemon
