// What a kernel's types decide before anything else is typed: whether a condition on defined(), sizeof or an enumerator
// holds there. What it keeps from ever running need not fit that kernel.
#pragma once

#include <optional>

#include "dif/program.h"
#include "types/type_file.h"

namespace ht::link {

// The program without the actions that cannot run with these types; nothing if that is all of it.
std::optional<dif::Program> prune(const dif::Program& program, const types::TypeFile& types);

}  // namespace ht::link
