// The guest's virtio-serial port (linux/drivers/char/virtio_console.c). While nobody has the other end open, poll()
// says POLLHUP, read() returns 0 and write() blocks. The driver sends SIGIO when that changes, so waiting for a host
// costs nothing; a slow look now and then covers a signal that was missed.
#pragma once

#include <chrono>
#include <string>

#include "base/fd.h"
#include "daemon/minion.h"

namespace ht::daemon {

class VirtioPort final : public Port {
 public:
  // Blocks SIGIO, SIGTERM and SIGINT in the calling thread; the latter two end the daemon.
  static Result<std::unique_ptr<VirtioPort>> open(const std::string& path);
  // Any stream that is already there; for tests.
  static Result<std::unique_ptr<VirtioPort>> adopt(UniqueFd fd);

  Event wait() override;
  bool wait_for_host() override;
  size_t read(std::span<uint8_t> buffer) override;
  Result<void> write(ByteView data) override;

 private:
  VirtioPort(UniqueFd fd, UniqueFd signals) : fd_(std::move(fd)), signals_(std::move(signals)) {}
  void drop_rest();
  UniqueFd fd_;
  UniqueFd signals_;
  bool at_end_ = false;  // the last read found nobody
};

}  // namespace ht::daemon
