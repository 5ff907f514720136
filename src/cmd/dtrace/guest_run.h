// dtrace -E: the program goes to dtraced, which links it for each guest's kernel and runs it; this process reads the
// session's memory and prints.
#pragma once

#include <string>
#include <vector>

#include "cmd/dtrace/options.h"

namespace ht::dtrace {

int run_guests(CommandLine& line);

// The words of -x resolvers.
std::vector<std::string> resolvers(const CommandLine& line);

}  // namespace ht::dtrace
