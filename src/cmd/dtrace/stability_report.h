// -v: how stable is what a program uses (reference, section 8.6)?
#pragma once

#include "cmd/dtrace/options.h"
#include "consumer/stream.h"
#include "engine/engine.h"

namespace ht::dtrace {

// What there is on this machine, for compiling.
void set_world(d::CompileOptions& options);

// Attributes and argument types of a description or, in a listing, of a probe.
void print_probe_block(const dif::ProbeDesc& probe, const dif::Providers& providers, consumer::Stream& stream);
// After the notice of each source. `per_description` (with -e) adds a block for each description of the program.
void print_stability(const dif::Program& program, const d::StabilityReport& report, bool per_description,
                     consumer::Stream& stream);

}  // namespace ht::dtrace
