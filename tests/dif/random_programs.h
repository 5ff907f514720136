// Random programs for the engine.
#pragma once

namespace ht::dif::cases {

// Runs so many programs that the verifier accepts, three times each; returns how many there were, 0 if one left a
// firing without a record of its result or its fault.
unsigned run_random_programs(unsigned wanted);

}  // namespace ht::dif::cases
