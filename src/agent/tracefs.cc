#include "agent/tracefs.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

namespace ht::agent {
namespace {

constexpr const char* kMounted[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
constexpr const char* kWitness = "available_events";  // an empty directory is there even where nothing is mounted

// A mount that is in no namespace.
Result<UniqueFd> mount_privately() {
  UniqueFd context(static_cast<int>(syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC)));
  if (!context) return errno_error("cannot mount tracefs");
  if (syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return errno_error("cannot mount tracefs");
  UniqueFd mount(static_cast<int>(syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0)));
  if (!mount) return errno_error("cannot mount tracefs");
  return mount;
}

}  // namespace

Result<UniqueFd> open_tracefs() {
  for (const char* path : kMounted) {
    UniqueFd directory(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (directory && faccessat(directory.get(), kWitness, R_OK, 0) == 0) return directory;
  }
  return mount_privately();
}

Result<std::string> read_tracefs(const std::string& name, size_t limit) {
  ASSIGN_OR_RETURN(UniqueFd directory, open_tracefs());
  return read_text_file(fmt::format("/proc/self/fd/{}/{}", directory.get(), name), limit);
}

}  // namespace ht::agent
