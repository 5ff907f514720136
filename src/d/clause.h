// Compiling a clause: its predicate, its statements with their control flow.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "d/ast.h"
#include "d/parser.h"
#include "d/sema.h"
#include "dif/program.h"

namespace ht::d {

// What is left of a clause's syntax. `region` says where an error is. The symbols of `sema` grow by what the clause
// declares.
Result<dif::Clause> compile_clause(const ClauseSyntax& syntax, Sema& sema,
                                   const std::map<std::string, std::string>& options, std::vector<std::string>& files,
                                   Region& region);

// Whether anything in the clause needs -w.
bool is_destructive(const dif::Clause& clause);

}  // namespace ht::d
