// What the kernel and libbpf say of our programs: libbpf's messages, kept, so that an error can say what it said last;
// why a kernel refuses a program; what it counts of it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace ht::agent {

// Takes over libbpf's printing, once per process.
void keep_libbpf_messages();
// The error for a failed libbpf call: `what` could not be done, `error` is its negative errno. Says what the kernel
// lacks where that is known.
Error libbpf_error(std::string_view what, int error);

// Firings that the kernel skipped because this program was running already on that CPU.
uint64_t recursion_misses(int program_fd);

}  // namespace ht::agent
