// kprobes and kretprobes by address, each a perf event of its own with a cookie for the program.
#pragma once

#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace ht::agent {

// Attaches the program; closing the descriptors detaches it.
Result<std::vector<UniqueFd>> attach_kprobe(int program_fd, uint64_t address, bool at_return, uint64_t cookie);

}  // namespace ht::agent
