// Finds the shared RAM of a running QEMU process.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "guest/guest_ram.h"

namespace ht::guest {

// `arguments` is /proc/PID/cmdline. The error says which QEMU option is missing and what to write instead.
Result<std::shared_ptr<GuestRam>> open_qemu_ram(pid_t pid, const std::vector<std::string>& arguments);

}  // namespace ht::guest
