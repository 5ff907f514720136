// From the command line to one compiled program: reading scripts, the preprocessor, the compiler, what went wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cmd/dtrace/options.h"
#include "dif/program.h"

namespace ht::dtrace {

// Reads the scripts of `line.sources` (and runs the preprocessor on them with -C). Reports what fails.
bool load_sources(CommandLine& line);

// Reports what is wrong. `target` is $target, 0 if there is no -c or -p. What pragmas set is in `line.options` then;
// the program keeps the options that it needs to run. `stability` is filled in if it is asked for; `probes` gets the
// interfaces that the sources declare.
std::optional<dif::Program> compile_sources(CommandLine& line, uint64_t target, d::StabilityReport* stability = nullptr,
                                            std::vector<d::ProbeInterface>* probes = nullptr);

// What messages call a source: the script, or a program text up to its predicate or body.
std::string short_name(const dif::Source& source);

// "description 'BEGIN' matched 1 probe": one line per source, unless quiet. `matched` is per clause.
void say_matched(const dif::Program& program, const std::vector<uint64_t>& matched);

}  // namespace ht::dtrace
