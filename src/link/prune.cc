#include "link/prune.h"

#include <algorithm>
#include <set>
#include <utility>

#include "typing/infer.h"

namespace ht::link {
namespace {

using dif::ActionKind;
using dif::Op;
using dif::TypeRule;

// Whether a number of the kernel's types is in it: usetx "what(...)".
bool asks_for_number(const dif::Difo& difo) {
  return std::any_of(difo.text.begin(), difo.text.end(), [&](dif::Instr instr) {
    if (dif::op_of(instr) != Op::kUsetx || dif::index_of(instr) >= difo.strings.size()) return false;
    return std::string_view(difo.strings.c_str() + dif::index_of(instr)).ends_with(')');
  });
}

// Whether it does more than to compute its result.
bool has_effects(const dif::Difo& difo) {
  return std::any_of(difo.text.begin(), difo.text.end(), [](dif::Instr instr) {
    const TypeRule rule = dif::info_of(instr).rule;
    return rule == TypeRule::kVarStore || rule == TypeRule::kStore || rule == TypeRule::kCall;
  });
}

dif::Difo nothing() {
  dif::Difo difo;
  difo.text = {dif::make(Op::kRet, 0, 0, 0)};
  difo.rtype = dif::Type::none();
  return difo;
}

class Pruner {
 public:
  Pruner(const dif::Program& program, const types::TypeFile& types) : source_(program), types_(types) {}

  std::optional<dif::Program> run() {
    for (size_t c = 0; c < source_.clauses.size(); ++c) clause(c);
    if (!result_) return std::nullopt;
    forget_unused();
    return std::move(result_);
  }

 private:
  dif::Program& result() {
    if (!result_) result_ = source_;
    return *result_;
  }

  // The condition's truth, if it is the same whenever it is asked.
  std::optional<bool> truth(const dif::Difo& difo) const {
    if (!asks_for_number(difo)) return std::nullopt;
    const auto typed = typing::infer(difo, {&source_, &types_, nullptr});
    if (!typed.ok() || !typed->result.number) return std::nullopt;
    return *typed->result.number != 0;
  }

  void clause(size_t index) {
    const dif::Clause& clause = source_.clauses[index];
    if (clause.predicate && truth(*clause.predicate) == false) {
      if (!clause.actions.empty()) result().clauses[index].actions = {idle(clause.actions[0])};
      return;
    }
    const size_t count = clause.actions.size();
    std::vector<std::optional<bool>> known(count);
    bool any = false;
    for (size_t a = 0; a < count; ++a) {
      const dif::Action& action = clause.actions[a];
      if (action.kind != ActionKind::kBranchFalse || action.args.empty()) continue;
      known[a] = truth(action.args[0]);
      any = any || known[a].has_value();
    }
    if (any) rebuild(index, known);
  }

  void rebuild(size_t index, const std::vector<std::optional<bool>>& known) {
    const std::vector<dif::Action>& actions = source_.clauses[index].actions;
    const size_t count = actions.size();
    std::vector<bool> live(count + 1, false);
    live[0] = true;
    const auto reach = [&](size_t to) { live[std::min(to, count)] = true; };
    for (size_t a = 0; a < count; ++a) {
      if (!live[a]) continue;
      const dif::Action& action = actions[a];
      if (action.kind == ActionKind::kJump || (action.kind == ActionKind::kBranchFalse && known[a] == false)) {
        reach(action.target);
        continue;
      }
      reach(a + 1);
      if (action.kind == ActionKind::kBranchFalse && !known[a]) reach(action.target);
    }
    // First what stays, then where it goes on.
    std::vector<dif::Action> kept;
    std::vector<uint32_t> moved(count + 1);
    for (size_t a = 0; a < count; ++a) {
      moved[a] = static_cast<uint32_t>(kept.size());
      if (!live[a]) continue;
      if (!known[a]) {
        kept.push_back(actions[a]);
        continue;
      }
      if (has_effects(actions[a].args[0])) {
        kept.push_back(idle(actions[a]));
        kept.back().args[0] = actions[a].args[0];
        kept.back().args[0].rtype = dif::Type::none();
      }
      if (!*known[a] && goes_past_live(a, actions[a].target, live)) {
        dif::Action jump = idle(actions[a]);
        jump.kind = ActionKind::kJump;
        jump.args.clear();
        jump.arg_kinds.clear();
        jump.arg_params.clear();
        jump.target = actions[a].target;
        kept.push_back(std::move(jump));
      }
    }
    moved[count] = static_cast<uint32_t>(kept.size());
    for (dif::Action& action : kept) {
      if (action.kind == ActionKind::kBranchFalse || action.kind == ActionKind::kJump) {
        action.target = moved[std::min<size_t>(action.target, count)];
      }
    }
    // A clause without any action would do what an empty one does.
    if (kept.empty()) kept.push_back(idle(actions[0]));
    result().clauses[index].actions = std::move(kept);
  }

  static bool goes_past_live(size_t from, size_t to, const std::vector<bool>& live) {
    for (size_t a = from + 1; a < std::min(to, live.size()); ++a) {
      if (live[a]) return true;
    }
    return false;
  }

  // An action that records nothing and does nothing.
  static dif::Action idle(const dif::Action& in_place_of) {
    dif::Action action;
    action.kind = ActionKind::kDifexpr;
    action.args = {nothing()};
    action.arg_kinds = {ActionKind::kDifexpr};
    action.arg_params = {0};
    action.pos = in_place_of.pos;
    return action;
  }

  // A variable or an aggregation that only code used which is gone has no type to find.
  void forget_unused() {
    std::set<std::pair<dif::Scope, unsigned>> stored;
    dif::for_each_difo(*result_, [&](const dif::Difo& difo) {
      for (dif::Instr instr : difo.text) {
        if (dif::info_of(instr).rule != TypeRule::kVarStore) continue;
        const Op op = dif::op_of(instr);
        const dif::Scope scope = op == Op::kStts || op == Op::kSttaa ? dif::Scope::kThread
                                 : op == Op::kStls                   ? dif::Scope::kLocal
                                                                     : dif::Scope::kGlobal;
        stored.insert({scope, dif::index_of(instr)});
      }
    });
    const auto number = [](dif::Type& type) {
      if (type.kind == dif::TypeKind::kUnknown) type = dif::Type::integer(8, true, "int64_t");
    };
    for (dif::VariableDef& def : result_->variables) {
      if (stored.contains({def.scope, def.id})) continue;
      number(def.type);
      for (dif::Type& key : def.keys) number(key);
    }
    std::set<uint32_t> filled;
    for (const dif::Clause& clause : result_->clauses) {
      for (const dif::Action& action : clause.actions) {
        if (dif::is_aggregation(action.kind)) filled.insert(action.aggs.begin(), action.aggs.end());
      }
    }
    for (dif::AggregationDef& def : result_->aggregations) {
      if (filled.contains(def.id)) continue;
      for (dif::Type& key : def.keys) number(key);
    }
  }

  const dif::Program& source_;
  const types::TypeFile& types_;
  std::optional<dif::Program> result_;
};

}  // namespace

std::optional<dif::Program> prune(const dif::Program& program, const types::TypeFile& types) {
  return Pruner(program, types).run();
}

}  // namespace ht::link
