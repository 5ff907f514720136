// -x dump: how a program's control flow, data flow and types look, instead of running it.
#pragma once

#include "cmd/dtrace/options.h"

namespace ht::dtrace {

int dump_program(CommandLine& line);

}  // namespace ht::dtrace
