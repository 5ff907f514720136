// Finds the virtual machines of this host: running QEMU processes that carry a virtio-serial port named
// org.hypertrace.0, by their command lines (docs/your-own-vms.md).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace ht::daemon {

struct FoundVm {
  pid_t pid = 0;
  uint64_t started = 0;  // with pid, names the process for good (clock ticks since boot)
  std::string name;      // as QEMU's -name says, made safe for probe descriptions; "pidN" if it says nothing
  std::string socket;    // path of the port's chardev
  std::vector<std::string> arguments;
};

// What one command line says. Errors say what it lacks. `fd` is set instead of the path when the chardev's listening
// socket was passed to QEMU (libvirt does so).
struct QemuPort {
  std::string name;
  std::string path;
  int fd = -1;
};
Result<QemuPort> parse_qemu(const std::vector<std::string>& arguments);
bool is_qemu(const std::vector<std::string>& arguments);

// A name that can stand in a probe description: letters, digits, - _ and . ; anything else becomes _.
std::string safe_name(const std::string& name);

class VmFinder {
 public:
  virtual ~VmFinder() = default;
  // All that carry the port, in order of pid.
  virtual std::vector<FoundVm> scan() = 0;
  // One process; the error says what it lacks. A non-empty `socket` is taken instead of what its command line says.
  virtual Result<FoundVm> look(pid_t pid, const std::string& socket) = 0;
};

class QemuFinder final : public VmFinder {
 public:
  // scan() takes only VMs whose socket matches `sockets`, a glob. If that is empty it takes all but those whose socket
  // is inside the directory of another dtraced than the one in `root`: they are that one's, whether it runs or not. So
  // several overlords, laboratories and a host's own guests can share a host.
  explicit QemuFinder(std::string proc = "/proc", std::string sockets = "", std::string root = "")
      : proc_(std::move(proc)), sockets_(std::move(sockets)), root_(std::move(root)) {}
  std::vector<FoundVm> scan() override;
  Result<FoundVm> look(pid_t pid, const std::string& socket) override;

 private:
  std::vector<std::string> arguments(pid_t pid) const;
  uint64_t started(pid_t pid) const;
  Result<std::string> path_of_passed_socket(pid_t pid, int fd) const;
  bool is_ours(const std::string& socket) const;
  std::string proc_;
  std::string sockets_;
  std::string root_;
};

}  // namespace ht::daemon
