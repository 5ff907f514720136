// Register allocation's second half. Code is generated for as many registers as it likes; when an expression is so
// deep that %r1 to %r7 are not enough, those beyond live in hidden clause-local variables.
#pragma once

#include <functional>

#include "base/result.h"
#include "dif/program.h"

namespace ht::d {

// Registers that generated code may use before spilling: what an instruction's fields can name.
inline constexpr unsigned kVirtualRegisters = 256;

// Rewrites the text so that it uses real registers only. `slot` gives the id of the n-th hidden variable. Code that
// uses no others stays as it is. False if the code cannot be spilled: a register of symbolic type (usetx and the like)
// would lose its type on the way through a variable.
Result<bool> spill(dif::Difo& difo, const std::function<Result<uint16_t>(unsigned)>& slot);

}  // namespace ht::d
