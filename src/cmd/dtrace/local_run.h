// dtrace without -E: this machine, in this process, with the same compiler, engine and consumer.
#pragma once

#include "cmd/dtrace/options.h"

namespace ht::dtrace {

int run_local(CommandLine& line);

}  // namespace ht::dtrace
