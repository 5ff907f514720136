// -G: every program of the command line as an ELF object of its own.
#pragma once

#include "cmd/dtrace/options.h"

namespace ht::dtrace {

int link_program(CommandLine& line);

}  // namespace ht::dtrace
