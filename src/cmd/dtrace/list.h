// -l: which probes are there (reference, section 7.12)? With -E the guests', each under its target.
#pragma once

#include "cmd/dtrace/options.h"

namespace ht::dtrace {

int list_probes(CommandLine& line);

}  // namespace ht::dtrace
