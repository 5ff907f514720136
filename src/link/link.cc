#include "link/link.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "dif/variable_use.h"
#include "dif/verify.h"
#include "link/lower.h"
#include "link/print_types.h"
#include "link/prune.h"
#include "typing/infer.h"

namespace ht::link {
namespace {

using dif::Op;
using dif::TypeKind;
using typing::Value;
using typing::ValueKind;

bool is_unknown(const dif::Type& type) {
  return type.kind == TypeKind::kUnknown;
}

// The first instruction that has no meaning without types; nothing for plain DIF (a typecast alone may be dropped).
std::optional<uint32_t> first_symbolic(const dif::Difo& difo) {
  for (uint32_t i = 0; i < difo.text.size(); ++i) {
    const Op op = dif::op_of(difo.text[i]);
    if (op == Op::kUsetx || op == Op::kUload || op == Op::kUuload) return i;
  }
  return std::nullopt;
}

bool uses_arguments(const dif::Difo& difo) {
  return std::any_of(difo.text.begin(), difo.text.end(), [](dif::Instr instr) {
    return dif::op_of(instr) == Op::kLdga && dif::r1_of(instr) == dif::kVarArgs;
  });
}

class Linker {
 public:
  Linker(const dif::Program& program, const types::TypeFile* types, const TargetName& target)
      : source_(program), types_(types), lattice_(types), suffix_(suffix(target)) {
    result_.program = program;
    if (types != nullptr) arguments_.emplace(*types);
    if (!program.linked) result_.program.symbols.clear();
    if (types != nullptr && needs_types(program)) {
      result_.program.kernel = target.kernel;
      result_.program.types_hash = types->hash();
    }
  }

  // With `types_of_all`, of a program that this one is a part of, a variable that nothing here fills is no error.
  LinkResult run(const typing::VariableTypes* types_of_all = nullptr) {
    if (types_ == nullptr && refuse_symbolic()) return std::move(result_);
    typing::VariablesResult variables = typing::infer_variables(source_, types_);
    variables_ = std::move(variables.variables);
    partly_ = types_of_all != nullptr;
    if (partly_) adopt(*types_of_all);
    for (Error& e : variables.errors) add(std::move(e));
    std::optional<PrintTypes> print;
    if (types_ != nullptr && !source_.linked) print.emplace(result_.program, *types_).add_objects(source_, variables_);
    dif::for_each_placed_difo(result_.program, [this](dif::Difo& difo, const dif::DifoPlace& place) {
      link_difo(difo, source_.clauses[place.clause - 1].probes);
    });
    size_traces();
    if (print && result_.errors.empty()) print->finish();
    patch_variables();
    patch_aggregations();
    finish();
    return std::move(result_);
  }

 private:
  void adopt(const typing::VariableTypes& types_of_all) {
    for (const auto& [variable, type] : types_of_all) {
      typing::VariableType& known = variables_[variable];
      if (known.value.kind == ValueKind::kBottom) known.value = type.value;
      if (known.keys.size() < type.keys.size()) known.keys.resize(type.keys.size(), Value::bottom());
      for (size_t k = 0; k < type.keys.size(); ++k) {
        if (known.keys[k].kind == ValueKind::kBottom) known.keys[k] = type.keys[k];
      }
    }
  }

  void add(Error error) {
    error.message += suffix_;
    result_.errors.push_back(std::move(error));
  }
  void add(std::string message, std::string tag, const SourcePos& pos) {
    Error e(std::move(message));
    e.tag = std::move(tag);
    e.pos = pos;
    add(std::move(e));
  }

  bool refuse_symbolic() {
    dif::for_each_difo(source_, [this](const dif::Difo& difo) {
      if (auto at = first_symbolic(difo)) {
        add("the kernel's types are needed here and not known", "D_TYPE_ERR", typing::position(difo, source_, *at));
      }
    });
    sort_errors();
    return !result_.errors.empty();
  }

  void link_difo(dif::Difo& difo, const std::vector<dif::ProbeDesc>& probes) {
    if (source_.linked) return;  // what is open in it was decided then
    auto typed = typing::infer(difo, {&source_, types_, &variables_, &probes, arguments_ ? &*arguments_ : nullptr});
    if (!typed.ok()) {
      add(typed.error().message, "D_UNKNOWN", typing::position(difo, source_, 0));
      return;
    }
    std::vector<typing::Problem> problems = std::move(typed->problems);
    const size_t end = difo.text.size() - 1;
    if (is_unknown(difo.rtype)) patch_result(difo, *typed, static_cast<uint32_t>(end), problems);
    // Offsets are missing after an error: lowering would only repeat it.
    if (problems.empty()) {
      const dif::Difo before = difo;
      const size_t known = result_.program.symbols.size();
      lower(difo, *typed, lattice_, result_.program.symbols, problems);
      place_symbols(before, *typed, known);
      report(before, problems);
    } else {
      report(difo, problems);
    }
  }

  // The sizes of tracemem() that the compiler could not know: no argument any longer.
  void size_traces() {
    for (size_t c = 0; c < source_.clauses.size(); ++c) {
      for (size_t a = 0; a < source_.clauses[c].actions.size(); ++a) {
        const dif::Action& action = source_.clauses[c].actions[a];
        if (action.kind != dif::ActionKind::kTracemem || action.param != 0 || action.args.size() < 2) continue;
        size_trace(action, result_.program.clauses[c].actions[a]);
      }
    }
  }

  void size_trace(const dif::Action& action, dif::Action& linked) {
    const auto typed = typing::infer(action.args[1], {&source_, types_, &variables_});
    if (!typed.ok() || !typed->problems.empty()) return;  // which is said where it is
    const uint64_t size = typed->result.number.value_or(0);
    if (size == 0 || size > dif::limits::kTracememBytes) {
      add(fmt::format("tracemem( ) argument #2 must be a constant between 1 and {}{}", dif::limits::kTracememBytes,
                      typed->result.number ? fmt::format(", and is {}", static_cast<int64_t>(size)) : ""),
          "D_TRACEMEM_SIZE", typing::position(action.args[1], source_, 0));
      return;
    }
    linked.param = size;
    const auto drop = [](auto& list) {
      if (list.size() > 1) list.erase(list.begin() + 1);
    };
    drop(linked.args);
    drop(linked.arg_kinds);
    drop(linked.arg_params);
  }

  // New symbols are in the order of their instructions.
  void place_symbols(const dif::Difo& before, const typing::TypedDifo& typed, size_t next) {
    std::vector<dif::KernelSymbol>& symbols = result_.program.symbols;
    for (const auto& [instruction, text] : typed.symbols) {
      if (next < symbols.size() && text == symbols[next].module + "`" + symbols[next].name) {
        symbols[next++].pos = typing::position(before, source_, instruction);
      }
    }
  }

  void report(const dif::Difo& difo, const std::vector<typing::Problem>& problems) {
    for (const typing::Problem& p : problems) {
      Error e(p.message, p.hint);
      e.tag = p.tag;
      e.pos = typing::position(difo, source_, p.instruction);
      add(std::move(e));
    }
  }

  // What an unknown type with a name (from a cast or declaration) or with an inferred value becomes.
  Result<dif::Type> resolve(const dif::Type& type, const Value& inferred) const {
    if (type.name.empty()) return lattice_.to_dif(inferred);
    const Value v = lattice_.spelled(type.name);
    if (v.kind == ValueKind::kOpaque && !type.name.ends_with('*')) {
      return Error(fmt::format("unknown type \"{}\"", type.name));
    }
    return lattice_.to_dif(v);
  }

  void patch_result(dif::Difo& difo, const typing::TypedDifo& typed, uint32_t at,
                    std::vector<typing::Problem>& problems) const {
    if (typed.result.kind == ValueKind::kTop && typed.result.text.empty()) return;  // reported already
    if (typed.result.kind == ValueKind::kBottom && !problems.empty()) return;
    auto type = resolve(difo.rtype, typed.result);
    if (type.ok()) {
      difo.rtype = std::move(*type);
    } else {
      problems.push_back({at, "D_TYPE_ERR", "the expression cannot be recorded: " + type.error().message, ""});
    }
  }

  void patch_variables() {
    for (dif::VariableDef& def : result_.program.variables) {
      const auto it = variables_.find({def.scope, def.id});
      const typing::VariableType known = it != variables_.end() ? it->second : typing::VariableType{};
      if (is_unknown(def.type)) patch_part(def.type, known.value, def, "variable \"" + def.name + "\"");
      for (size_t k = 0; k < def.keys.size(); ++k) {
        if (!is_unknown(def.keys[k])) continue;
        patch_part(def.keys[k], k < known.keys.size() ? known.keys[k] : Value::bottom(), def,
                   fmt::format("key {} of \"{}\"", k + 1, def.name));
      }
    }
  }

  void patch_part(dif::Type& type, const Value& value, const dif::VariableDef& def, const std::string& what) {
    auto resolved = resolve(type, value);
    if (resolved.ok()) {
      type = std::move(*resolved);
    } else if (partly_ && !used(def)) {
      type = dif::Type::integer(8, true, "int64_t");
    } else if (result_.errors.empty()) {  // otherwise what it is assigned is in error
      add(fmt::format("{}: {}", what, resolved.error().message), "D_TYPE_ERR", def.pos);
    }
  }

  bool used(const dif::VariableDef& def) const {
    bool found = false;
    dif::for_each_difo(source_, [&](const dif::Difo& difo) {
      for (dif::Instr instr : difo.text) {
        const dif::VariableUse* use = dif::find_variable_use(dif::op_of(instr));
        found = found || (use != nullptr && use->scope == def.scope && dif::index_of(instr) == def.id);
      }
    });
    return found;
  }

  // What an aggregating function takes must be one number.
  void check_operands() {
    for (const dif::Clause& clause : result_.program.clauses) {
      for (const dif::Action& action : clause.actions) {
        if (!dif::is_aggregation(action.kind)) continue;
        for (size_t i = action.keys; i < action.args.size(); ++i) {
          const dif::Difo& arg = action.args[i];
          if (is_unknown(arg.rtype) || (arg.rtype.kind != TypeKind::kString && !arg.rtype.by_ref())) continue;
          add(fmt::format("an aggregating function takes a number, not \"{}\"", arg.rtype.name), "D_AGG_SCALAR",
              typing::position(arg, source_, arg.text.empty() ? 0 : static_cast<uint32_t>(arg.text.size() - 1)));
        }
      }
    }
  }

  // The key types are those of the first action that fills it; the others must agree.
  void patch_aggregations() {
    check_operands();
    for (dif::AggregationDef& def : result_.program.aggregations) {
      const dif::Action* first = nullptr;
      for (const dif::Clause& clause : result_.program.clauses) {
        for (const dif::Action& action : clause.actions) {
          if (!dif::is_aggregation(action.kind) || action.aggs.empty() || action.aggs[0] != def.id) continue;
          if (first == nullptr) {
            first = &action;
          } else {
            compare_keys(def, *first, action);
          }
        }
      }
      for (size_t k = 0; first != nullptr && k < def.keys.size() && k < first->args.size(); ++k) {
        if (is_unknown(def.keys[k])) def.keys[k] = first->args[k].rtype;
      }
      for (dif::Type& key : def.keys) {
        if (partly_ && is_unknown(key)) key = dif::Type::integer(8, true, "int64_t");  // nothing fills it here
      }
    }
  }

  void compare_keys(const dif::AggregationDef& def, const dif::Action& first, const dif::Action& other) {
    const size_t count =
        std::min({size_t{first.keys}, size_t{other.keys}, first.args.size(), other.args.size(), def.keys.size()});
    for (size_t k = 0; k < count; ++k) {
      const dif::Type& a = first.args[k].rtype;
      const dif::Type& b = other.args[k].rtype;
      if (!is_unknown(def.keys[k]) || is_unknown(a) || is_unknown(b)) continue;
      if (a.kind == b.kind && a.size == b.size && a.by_ref() == b.by_ref()) continue;
      add(fmt::format("key {} of @{} is \"{}\" (line {}) and \"{}\"", k + 1, def.name, a.name, first.pos.line, b.name),
          "D_PROTO_ARG", other.pos);
    }
  }

  void finish() {
    sort_errors();
    if (!result_.errors.empty()) return;
    result_.program.linked = true;
    if (auto verified = dif::verify(result_.program, dif::Stage::kLinked); !verified.ok()) {
      result_.program.linked = false;
      add(verified.error().message, "D_UNKNOWN", {});
    }
  }

  // Source order; the same mistake reached twice (a clause with two results) is one error.
  void sort_errors() {
    const auto before = [](const Error& a, const Error& b) {
      return std::tie(a.pos.file, a.pos.line, a.pos.column) < std::tie(b.pos.file, b.pos.line, b.pos.column);
    };
    std::stable_sort(result_.errors.begin(), result_.errors.end(), before);
    const auto equal = [](const Error& a, const Error& b) {
      return a.pos.known() && a.message == b.message && a.pos.file == b.pos.file && a.pos.line == b.pos.line &&
             a.pos.column == b.pos.column;
    };
    result_.errors.erase(std::unique(result_.errors.begin(), result_.errors.end(), equal), result_.errors.end());
  }

  const dif::Program& source_;
  const types::TypeFile* types_;
  const typing::Lattice lattice_;
  const std::string suffix_;
  typing::VariableTypes variables_;
  bool partly_ = false;
  std::optional<typing::ProbeArguments> arguments_;
  LinkResult result_;
};

}  // namespace

std::string suffix(const TargetName& target) {
  if (target.guest.empty() && target.kernel.empty()) return "";
  if (target.guest.empty()) return fmt::format(", on kernel {}", target.kernel);
  if (target.kernel.empty()) return fmt::format(", on {}", target.guest);
  return fmt::format(", on {} (kernel {})", target.guest, target.kernel);
}

LinkResult link(const dif::Program& program, const types::TypeFile* types, const TargetName& target) {
  if (types != nullptr) {
    if (const auto pruned = prune(program, *types)) {
      // A program may need no types any more, but it is one for this kernel only.
      LinkResult result = Linker(*pruned, types, target).run();
      result.program.kernel = target.kernel;
      result.program.types_hash = types->hash();
      return result;
    }
  }
  return Linker(program, types, target).run();
}

LinkResult link_clauses(const dif::Program& program, const types::TypeFile* types, const TargetName& target,
                        const std::vector<bool>& needed) {
  dif::Program part = program;
  if (types != nullptr) {
    if (auto pruned = prune(program, *types)) part = std::move(*pruned);
  }
  const typing::VariableTypes types_of_all = typing::infer_variables(part, types).variables;
  for (size_t i = 0; i < part.clauses.size(); ++i) {
    if (i < needed.size() && needed[i]) continue;
    part.clauses[i].predicate.reset();
    part.clauses[i].actions.clear();
  }
  LinkResult result = Linker(part, types, target).run(&types_of_all);
  if (types != nullptr) {
    result.program.kernel = target.kernel;
    result.program.types_hash = types->hash();
  }
  return result;
}

bool needs_types(const dif::Program& program) {
  if (program.linked) return false;
  bool needed = false;
  for (const dif::Clause& clause : program.clauses) {
    for (const dif::Action& action : clause.actions) {
      needed = needed || (action.kind == dif::ActionKind::kPrint && action.param == 0);
    }
  }
  dif::for_each_placed_difo(program, [&](const dif::Difo& difo, const dif::DifoPlace& place) {
    needed = needed || is_unknown(difo.rtype) || first_symbolic(difo).has_value() ||
             (uses_arguments(difo) && typing::have_typed_arguments(program.clauses[place.clause - 1].probes));
  });
  for (const dif::VariableDef& def : program.variables) {
    needed = needed || is_unknown(def.type);
    for (const dif::Type& key : def.keys) needed = needed || is_unknown(key);
  }
  return needed;
}

}  // namespace ht::link
