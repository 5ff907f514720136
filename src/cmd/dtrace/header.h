// -h: a C header for the static probes that a script's providers declare (reference, section 8.8).
#pragma once

#include "cmd/dtrace/options.h"

namespace ht::dtrace {

int write_header(CommandLine& line);

}  // namespace ht::dtrace
