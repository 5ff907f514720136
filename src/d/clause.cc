// Clauses. An if becomes kBranchFalse and kJump among the actions, so one firing makes one record whatever path it
// takes; the reference (section 2.3) describes how other implementations split such clauses.
#include "d/clause.h"

#include <fmt/format.h>

#include <algorithm>

#include "d/actions_shared.h"

namespace ht::d {
namespace {

using dif::ActionKind;

bool calls_action(const Sema& sema, const Expr& expr) {
  return expr.kind == ExprKind::kCall && expr.args[0].kind == ExprKind::kIdent && !expr.args[0].scoped &&
         find_action(expr.args[0].text) != nullptr && sema.visible(expr.args[0].text);
}

Result<void> compile_statements(ActionContext& context, const std::vector<Statement>& statements);

Result<void> compile_if(ActionContext& context, const Statement& statement) {
  ASSIGN_OR_RETURN(Expr condition, context.sema.check_expression(statement.expression));
  if (!is_scalar(condition.type)) {
    return fail(Tag::D_OP_SCALAR, condition.pos, "if condition must be of scalar type");
  }
  size_t branch = context.actions.size();
  dif::Action& action = append(context, ActionKind::kBranchFalse, statement.expression);
  action.pos = statement.pos.source();
  RETURN_IF_ERROR(add_argument(context, action, condition));
  // What was done on one path counts on neither for the other, and on both for what follows.
  ClauseOrder before = context.order;
  RETURN_IF_ERROR(compile_statements(context, statement.then_part));
  ClauseOrder after_then = context.order;
  if (!statement.else_part.empty()) {
    size_t jump = context.actions.size();
    append(context, ActionKind::kJump, statement.expression).pos = statement.pos.source();
    context.actions[branch].target = static_cast<uint32_t>(context.actions.size());
    context.order = before;
    RETURN_IF_ERROR(compile_statements(context, statement.else_part));
    context.actions[jump].target = static_cast<uint32_t>(context.actions.size());
  } else {
    context.actions[branch].target = static_cast<uint32_t>(context.actions.size());
  }
  context.order.speculated |= after_then.speculated;
  context.order.committed |= after_then.committed;
  context.order.recorded |= after_then.recorded;
  context.order.aggregated |= after_then.aggregated;
  return {};
}

Result<void> compile_statement(ActionContext& context, const Statement& statement) {
  if (statement.is_if) return compile_if(context, statement);
  const Expr& expr = statement.expression;
  if (expr.kind == ExprKind::kAgg) {
    return fail(Tag::D_AGG_NULL, expr.pos, fmt::format("expression has null effect: @{}", expr.text));
  }
  if (expr.kind == ExprKind::kAssign && expr.op == Tok::kAssign && expr.args[0].kind == ExprKind::kAgg) {
    return compile_aggregation(context, expr);
  }
  if (calls_action(context.sema, expr)) return compile_action(context, expr);
  ASSIGN_OR_RETURN(Expr checked, context.sema.check_expression(expr));
  ASSIGN_OR_RETURN(dif::Difo difo, generate(checked, Use::kEffect, context.files, context.sema));
  if (difo.destructive && context.order.speculated) {  // copyout() and copyoutstr()
    return fail(Tag::D_ACT_SPEC, expr.pos, "destructive actions may not follow speculate( )");
  }
  dif::Action& action = append(context, ActionKind::kDifexpr, expr);
  action.pos = statement.pos.source();
  action.args.push_back(std::move(difo));
  action.arg_kinds.push_back(ActionKind::kDifexpr);
  action.arg_params.push_back(0);
  return {};
}

Result<void> compile_statements(ActionContext& context, const std::vector<Statement>& statements) {
  for (const Statement& statement : statements) RETURN_IF_ERROR(compile_statement(context, statement));
  return {};
}

// One order of analysis; `predicate_first` is the less usual one.
struct Attempt {
  Sema& sema;
  const std::map<std::string, std::string>& options;
  std::vector<std::string>& files;
  Region region = Region::kNone;

  Result<void> predicate(const ClauseSyntax& syntax, dif::Clause& clause) {
    if (!syntax.predicate.has_value()) return {};
    region = Region::kPredicate;
    ASSIGN_OR_RETURN(Expr checked, sema.check_expression(*syntax.predicate));
    if (!is_scalar(checked.type)) {
      return fail(Tag::D_PRED_SCALAR, checked.pos, "predicate result must be of scalar type",
                  is_string(checked.type) ? "compare a string with NULL or \"\"" : "");
    }
    ASSIGN_OR_RETURN(dif::Difo difo, generate(checked, Use::kValue, files, sema));
    clause.predicate = std::move(difo);
    return {};
  }

  Result<void> body(const ClauseSyntax& syntax, dif::Clause& clause) {
    region = Region::kActions;
    ClauseOrder order;
    ActionContext context{sema, options, files, clause.actions, order};
    return compile_statements(context, syntax.statements);
  }

  Result<dif::Clause> run(const ClauseSyntax& syntax, bool predicate_first) {
    dif::Clause clause;
    clause.probes = syntax.probes;
    clause.pos = syntax.pos.source();
    if (predicate_first) RETURN_IF_ERROR(predicate(syntax, clause));
    RETURN_IF_ERROR(body(syntax, clause));
    if (!predicate_first) RETURN_IF_ERROR(predicate(syntax, clause));
    return clause;
  }
};

bool is_undefined_name(const Error& error) {
  return error.tag == tag_name(Tag::D_VAR_UNDEF) || error.tag == tag_name(Tag::D_IDENT_UNDEF);
}

}  // namespace

Result<dif::Clause> compile_clause(const ClauseSyntax& syntax, Sema& sema,
                                   const std::map<std::string, std::string>& options, std::vector<std::string>& files,
                                   Region& region) {
  // Actions are looked at before the predicate, which may then use what they assign (to be seen at the next firing);
  // if that fails for want of a name, the other way round.
  SymbolTable::Mark before(sema.symbols());
  Attempt first{sema, options, files};
  Result<dif::Clause> result = first.run(syntax, false);
  region = first.region;
  if (result.ok() || !syntax.predicate.has_value() || !is_undefined_name(result.error())) return result;
  before.take_back();
  Attempt second{sema, options, files};
  Result<dif::Clause> retried = second.run(syntax, true);
  return retried.ok() ? retried : result;
}

bool is_destructive(const dif::Clause& clause) {
  if (clause.predicate.has_value() && clause.predicate->destructive) return true;
  return std::any_of(clause.actions.begin(), clause.actions.end(), [](const dif::Action& action) {
    return dif::is_destructive(action.kind) ||
           std::any_of(action.args.begin(), action.args.end(), [](const dif::Difo& difo) { return difo.destructive; });
  });
}

}  // namespace ht::d
