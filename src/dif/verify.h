// The DIF verifier: whatever a client or an object file brings is checked before it is loaded. Rules and diagnostics are
// those of the reference, section 12.6.
#pragma once

#include "dif/program.h"

namespace ht::dif {

enum class Stage { kCompiled, kLinked };  // kCompiled still may hold usetx, uload, uuload, typecast

// The message names clause, action, argument and instruction: "clause 1 action 2 argument 0: instruction 3: invalid register 9".
Result<void> verify(const Program& program, Stage stage);
Result<void> verify(const Difo& difo, const Program& program, Stage stage);

}  // namespace ht::dif
