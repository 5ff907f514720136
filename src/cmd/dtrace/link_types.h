// Which kernel's types a program is compiled and linked with on this machine: those of -x typefile, or the running
// kernel's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cmd/dtrace/options.h"
#include "dif/program.h"
#include "link/link.h"
#include "types/running_kernel.h"
#include "types/type_file.h"

namespace ht::dtrace {

// The file of -x typefile; empty if there is none.
std::string type_file_path(const CommandLine& line);

// The kernel that the compiler sees.
types::RunningKernel compile_kernel(const CommandLine& line);

Result<std::shared_ptr<const types::TypeFile>> link_types(const CommandLine& line);

// The program linked with those types, or with none if it needs none. Reports what is wrong.
std::optional<dif::Program> link_here(const CommandLine& line, const dif::Program& program);

}  // namespace ht::dtrace
