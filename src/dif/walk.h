// Every DIFO of a program, in its order: of each clause the predicate, then the arguments of its actions.
#pragma once

#include <string>

#include "dif/program.h"

namespace ht::dif {

// "clause 2 action 1 argument 1 (printf)", "clause 2 predicate": where a DIFO stands, numbered from 1.
struct DifoPlace {
  size_t clause = 0;
  size_t action = 0, argument = 0;  // both 0: the predicate
  ActionKind kind = ActionKind::kNone;
  std::string text() const;
};

// With its place: visit(difo, place). An argument that is a stack() has nothing to compute, and is left out.
template <typename Program, typename Visit>
void for_each_placed_difo(Program& program, Visit visit) {
  for (size_t c = 0; c < program.clauses.size(); ++c) {
    auto& clause = program.clauses[c];
    if (clause.predicate) visit(*clause.predicate, DifoPlace{c + 1});
    for (size_t a = 0; a < clause.actions.size(); ++a) {
      auto& action = clause.actions[a];
      for (size_t i = 0; i < action.args.size(); ++i) {
        if (!action.args[i].text.empty()) visit(action.args[i], DifoPlace{c + 1, a + 1, i + 1, action.kind});
      }
    }
  }
}

// Without it: visit(difo).
template <typename Program, typename Visit>
void for_each_difo(Program& program, Visit visit) {
  for_each_placed_difo(program, [&](auto& difo, const DifoPlace&) { visit(difo); });
}

}  // namespace ht::dif
