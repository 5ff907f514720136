// What typing makes of a program, for people: -x dump=cfg, ifg and types, as text or as a Graphviz graph.
#pragma once

#include <string>

#include "dif/program.h"
#include "types/type_file.h"

namespace ht::typing {

enum class DumpKind {
  kCfg,    // basic blocks and the edges between them
  kIfg,    // definitions, and the definitions that each comes from
  kTypes,  // the same, with the type of each
};

// Every DIFO of the program, numbered as clause, action and argument from 1. `types` may be null: what only a kernel
// knows is "unknown" then.
std::string dump(const dif::Program& program, const types::TypeFile* types, DumpKind kind, bool graphviz);

}  // namespace ht::typing
