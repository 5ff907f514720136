// Which of this machine's probes the clauses of a program name, and what to say if there are none.
#pragma once

#include <optional>
#include <vector>

#include "cmd/dtrace/options.h"
#include "dif/program.h"
#include "engine/engine.h"

namespace ht::dtrace {

// A clause of the program at one probe.
struct Enabling {
  engine::HostProbe probe;
  uint32_t clause;
};

// Every clause at every probe it names, in program order. Nothing, after saying so, if a description names none (unless
// -Z) or a probe identifier is unknown.
std::optional<std::vector<Enabling>> match_probes(const CommandLine& line, const dif::Program& program);

// What was nearly named, or where else to look.
std::string probe_hint(const dif::ProbeDesc& desc);

}  // namespace ht::dtrace
