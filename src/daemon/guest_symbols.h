// Asks a guest where the kernel symbols of a linked program are. They move with each boot; the link does not.
#pragma once

#include <functional>
#include <memory>

#include "daemon/limits.h"
#include "daemon/vm.h"
#include "dif/program.h"
#include "engine/engine.h"

namespace ht::daemon {

struct SymbolsAnswer {
  std::shared_ptr<const engine::TargetSymbols> symbols;  // null: see errors
  std::vector<Error> errors;  // not empty if symbols is null; of a symbol it has not, with its position in the D source
};

// `request` names it on the wire: unique in this daemon. May answer at once. What the guest says is checked for its
// shape only: a wrong address reads the guest's own memory or nothing.
void ask_symbols(const Limits& limits, Vm& vm, uint64_t request, std::shared_ptr<const dif::Program> program,
                 std::function<void(SymbolsAnswer)> done);

}  // namespace ht::daemon
