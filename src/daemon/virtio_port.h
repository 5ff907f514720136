// The guest's virtio-serial port (linux/drivers/char/virtio_console.c). While nobody has the other end open, poll()
// says POLLHUP and POLLIN, read() returns 0 and write() blocks. The driver sends SIGIO when that changes, so waiting
// for a host costs nothing; a slow look now and then covers a signal that was missed.
//
// Whether somebody has it open arrives on the device's control queue, and data overtakes it: the first message of a new
// host can be there while poll() still says POLLHUP, and the hang-up of the last host can come after it. So data comes
// first, and a hang-up counts only if it lasts.
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
  // Whether poll() still says POLLHUP after kHangUpMs.
  bool hang_up_lasts();
  UniqueFd fd_;
  UniqueFd signals_;
  bool at_end_ = false;  // the last read found nobody
};

}  // namespace ht::daemon
