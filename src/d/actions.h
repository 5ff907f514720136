// Actions and aggregating functions: the statements that only exist as calls.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "d/ast.h"
#include "d/sema.h"
#include "dif/program.h"

namespace ht::d {

// "tracing function" for an action, "aggregating function" for count() and the like, else "".
std::string_view function_word(std::string_view name);
// Everything that can be called.
std::vector<std::string_view> function_names();

// The binary operator inside an assignment operator; kEnd for plain =.
Tok operator_of_assignment(Tok assignment);

// D_PROTO_LEN in DTrace's words: "NAME( ) prototype mismatch: 3 args passed, at most 2 expected".
Error count_mismatch(const Pos& pos, std::string_view what, std::string_view things, size_t passed, size_t least,
                     size_t most);

// "NAME( ) argument #1 is incompatible with prototype:", what was wanted and what there is.
Error argument_mismatch(Tag tag, const Pos& pos, std::string_view name, size_t number, std::string_view prototype,
                        std::string_view have);

// What earlier statements of a clause were, for the rules of order (reference, section 5.4).
struct ClauseOrder {
  bool speculated = false;
  bool committed = false;
  bool recorded = false;
  bool aggregated = false;
};

// What compiling a statement needs and makes.
struct ActionContext {
  Sema& sema;
  const std::map<std::string, std::string>& options;
  std::vector<std::string>& files;    // of the program, for line tables
  std::vector<dif::Action>& actions;  // of the clause, grows
  ClauseOrder& order;
};

// A statement that is the call of an action.
Result<void> compile_action(ActionContext& context, const Expr& call);
// "@name[keys] = function(arguments)".
Result<void> compile_aggregation(ActionContext& context, const Expr& assignment);

}  // namespace ht::d
