// A whole program as text: what `dtrace -S` prints of an object file. Unlike the listing of single DIFOs that
// `dtrace -S` prints while it compiles (assembler.h), this shows everything that the object holds.
#pragma once

#include <string>

#include "dif/program.h"

namespace ht::dif {

// Sources, options, variables, aggregations, then each clause with its probes and code; every instruction that begins
// something of the source has its line and column in front.
std::string list_program(const Program& program);

// "clause 2 action 1 argument 1 (printf)", "clause 2 predicate": where a DIFO stands, numbered from 1.
struct DifoPlace {
  size_t clause = 0;
  size_t action = 0, argument = 0;  // both 0: the predicate
  ActionKind kind = ActionKind::kNone;
  std::string text() const;
};

// Every DIFO that has code, in the order of the program, with its place: visit(difo, place).
template <typename Visit>
void for_each_placed_difo(const Program& program, Visit visit) {
  for (size_t c = 0; c < program.clauses.size(); ++c) {
    const Clause& clause = program.clauses[c];
    if (clause.predicate) visit(*clause.predicate, DifoPlace{c + 1});
    for (size_t a = 0; a < clause.actions.size(); ++a) {
      const Action& action = clause.actions[a];
      for (size_t i = 0; i < action.args.size(); ++i) {
        if (!action.args[i].text.empty()) visit(action.args[i], DifoPlace{c + 1, a + 1, i + 1, action.kind});
      }
    }
  }
}

// The D name of an action: "printf", "quantize"; "trace" and others by their kind; "if" and "else" for control flow.
std::string_view action_name(ActionKind kind);

}  // namespace ht::dif
