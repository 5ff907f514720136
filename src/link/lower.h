// One typed DIFO becomes one that can run: no symbolic instruction is left. See docs/typing.md for what becomes what.
#pragma once

#include "dif/program.h"
#include "typing/infer.h"

namespace ht::link {

// Rewrites `difo` in place. Kernel symbols that it names are found in `symbols` or added to it, without their
// positions; what cannot be lowered is appended to `problems`.
void lower(dif::Difo& difo, const typing::TypedDifo& typed, const typing::Lattice& lattice,
           std::vector<dif::KernelSymbol>& symbols, std::vector<typing::Problem>& problems);

}  // namespace ht::link
