// A whole program as text: what `dtrace -S` prints of an object file. Unlike the listing of single DIFOs that
// `dtrace -S` prints while it compiles (assembler.h), this shows everything that the object holds.
#pragma once

#include <string>

#include "dif/program.h"

namespace ht::dif {

// Sources, options, variables, aggregations, then each clause with its probes and code; every instruction that begins
// something of the source has its line and column in front.
std::string list_program(const Program& program);

// The D name of an action: "printf", "quantize"; "trace" and others by their kind; "if" and "else" for control flow.
std::string_view action_name(ActionKind kind);

}  // namespace ht::dif
