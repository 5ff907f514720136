// ELF objects as operands of the command: -Y runs one, -y links one, -S lists one.
#pragma once

#include <optional>

#include "cmd/dtrace/options.h"
#include "dif/program.h"

namespace ht::dtrace {

// The program of the -Y or -y object, with the options of the command on top of its own. What errors point into is in
// `line.originals` then: the texts of the command line that it was made of, and its scripts if they are still the same.
// Reports what is wrong.
std::optional<dif::Program> read_object(CommandLine& line);

int list_object(CommandLine& line);  // -S
int link_object(CommandLine& line);  // -y

// -E -e, -y: writes it and says so. `what` is for the message: "wrote".
int write_object(const dif::Program& program, const std::string& path, const char* what);

}  // namespace ht::dtrace
