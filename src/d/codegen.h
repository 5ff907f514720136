// Code generation: a typed expression in, one DIF object out. Registers are taken lowest first from %r1; an expression
// that needs more than there are keeps the rest in hidden clause-local variables.
#pragma once

#include <string>
#include <vector>

#include "d/ast.h"
#include "d/sema.h"
#include "dif/program.h"

namespace ht::d {

enum class Use : uint8_t {
  kEffect,  // evaluated for its effect: returns void
  kValue,   // the value is returned, cut to its type
};

// `files` are Program::files; a name is added when it is not there yet.
Result<dif::Difo> generate(const Expr& checked, Use use, std::vector<std::string>& files, Sema& sema);

}  // namespace ht::d
