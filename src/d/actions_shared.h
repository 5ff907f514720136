// Between the files that compile actions.
#pragma once

#include "d/actions.h"
#include "d/codegen.h"

namespace ht::d {

struct ActionRow {
  std::string_view name;
  dif::ActionKind kind;
  uint8_t least, most;  // arguments
  bool records;         // a data-recording action
  Result<void> (*compile)(ActionContext& context, const ActionRow& row, const Expr& call);
};
const ActionRow* find_action(std::string_view name);  // null if it is none

// A new action at the end of the clause. The reference is good until the next one.
dif::Action& append(ActionContext& context, dif::ActionKind kind, const Expr& call);
// Generates code for a checked argument.
Result<void> add_argument(ActionContext& context, dif::Action& action, const Expr& checked);

// An argument that must have a value. What is none of D's expressions, a call of an action or an aggregation, comes
// back with a type that no parameter takes (void, stack, ...), so that the caller's own message tells what is wrong.
Result<Expr> check_operand(ActionContext& context, const Expr& expr);

// stack(), ustack(), sym() and so on, as statements or as arguments. stack_or_symbol: the row if `expr` is such a call.
const ActionRow* stack_or_symbol(const Expr& expr);
Result<dif::Action> stack_or_symbol_action(ActionContext& context, const ActionRow& row, const Expr& call);
TypeRef stack_or_symbol_type(ActionContext& context, const dif::Action& action);
// Moves such an action into another's arguments.
void add_argument(dif::Action& action, dif::Action argument);

// The id of the aggregation that argument `number` of NAME( ) names, which must have been assigned before.
Result<uint32_t> aggregation_argument(ActionContext& context, std::string_view name, const Expr& arg, size_t number,
                                      Tag not_aggregation, Tag undefined);
bool is_aggregating_function(std::string_view name);
std::vector<std::string_view> aggregating_functions();

Result<void> compile_print(ActionContext& context, const ActionRow& row, const Expr& call);
Result<void> compile_printf(ActionContext& context, const ActionRow& row, const Expr& call);
Result<void> compile_printa(ActionContext& context, const ActionRow& row, const Expr& call);

}  // namespace ht::d
