// libbpf's messages: kept, so that an error can say what libbpf said last, and why a kernel refuses our programs.
#pragma once

#include <string_view>

#include "base/result.h"

namespace ht::agent {

// Takes over libbpf's printing, once per process.
void keep_libbpf_messages();
// The error for a failed libbpf call: `what` could not be done, `error` is its negative errno. Says what the kernel
// lacks where that is known.
Error libbpf_error(std::string_view what, int error);

}  // namespace ht::agent
