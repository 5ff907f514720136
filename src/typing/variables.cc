// Types of variables the compiler left open: the join of all that is assigned to them, over all clauses. Every DIFO is
// typed with what is known so far, and again whenever a variable that it loads has risen in the lattice, whose height
// is small.
#include <fmt/format.h>

#include <deque>
#include <set>

#include "dif/operands.h"
#include "typing/infer.h"

namespace ht::typing {
namespace {

std::string variable_name(const dif::VariableDef& def) {
  const char* prefix = def.scope == dif::Scope::kThread ? "self->" : def.scope == dif::Scope::kLocal ? "this->" : "";
  return prefix + def.name;
}

std::string describe(const SourcePos& pos) {
  return pos.known() ? fmt::format(" (line {}, column {})", pos.line, pos.column) : "";
}

class Inference {
 public:
  Inference(const dif::Program& program, const types::TypeFile* types)
      : program_(program), types_(types), lattice_(types) {
    if (types != nullptr) arguments_.emplace(*types);
    for (const dif::VariableDef& def : program.variables) {
      bool open = def.type.kind == dif::TypeKind::kUnknown && def.type.name.empty();
      for (const dif::Type& key : def.keys) open = open || key.kind == dif::TypeKind::kUnknown;
      if (!open) continue;
      VariableType type;
      type.keys.resize(def.keys.size());
      result_.variables[{def.scope, def.id}] = std::move(type);
    }
  }

  VariablesResult run() {
    if (result_.variables.empty()) return std::move(result_);
    dif::for_each_placed_difo(program_,
                              [this](const dif::Difo& difo, const dif::DifoPlace& place) { enter(difo, place); });
    // A bound for safety only: a variable rises at most from bottom through eight integers or two pointers to its type.
    size_t left = difos_.size() * 4 + result_.variables.size() * 64 + 1024;
    while (!queue_.empty() && left-- != 0) {
      const size_t next = queue_.front();
      queue_.pop_front();
      queued_[next] = false;
      visit(*difos_[next].difo, *difos_[next].probes);
    }
    return std::move(result_);
  }

 private:
  void enter(const dif::Difo& difo, const dif::DifoPlace& place) {
    const size_t index = difos_.size();
    difos_.push_back({&difo, &program_.clauses[place.clause - 1].probes});
    queue_.push_back(index);
    queued_.push_back(true);
    for (dif::Instr instr : difo.text) {
      const dif::VariableUse* use = dif::find_variable_use(dif::op_of(instr));
      if (use == nullptr || use->store) continue;
      auto& readers = readers_[{use->scope, static_cast<uint16_t>(dif::index_of(instr))}];
      if (readers.empty() || readers.back() != index) readers.push_back(index);
    }
  }

  void visit(const dif::Difo& difo, const std::vector<dif::ProbeDesc>& probes) {
    auto typed = infer(difo, {&program_, types_, &result_.variables, &probes, arguments_ ? &*arguments_ : nullptr});
    if (!typed.ok()) return;  // the linker reports it
    for (const Assignment& a : typed->assignments) {
      const auto it = result_.variables.find(a.variable);
      if (it == result_.variables.end()) continue;
      const dif::VariableDef& def = *program_.variable(a.variable.first, a.variable.second);
      const SourcePos pos = position(difo, program_, a.instruction);
      if (def.type.kind == dif::TypeKind::kUnknown && def.type.name.empty())
        raise(it->second.value, a.value, def, 0, pos);
      for (size_t k = 0; k < std::min(a.keys.size(), it->second.keys.size()); ++k) {
        raise(it->second.keys[k], a.keys[k], def, k + 1, pos);
      }
    }
    for (const auto& [variable, keys] : typed->key_reads) {
      const auto it = result_.variables.find(variable);
      if (it == result_.variables.end()) continue;
      const dif::VariableDef& def = *program_.variable(variable.first, variable.second);
      for (size_t k = 0; k < std::min(keys.size(), it->second.keys.size()); ++k) {
        raise(it->second.keys[k], keys[k], def, k + 1, {});
      }
    }
  }

  // What a variable holds of a value: arrays of char are strings, addresses of bit-fields do not exist.
  Value stored(const Value& v) const {
    Value out = v;
    if (v.array != 0 && types_ != nullptr) {
      const auto element = types_->strip(types_->target(types_->strip(v.array)));
      if (types_->kind(element) == types::Kind::kInt && types_->size(element) == 1) {
        out = Value::of(ValueKind::kString);
      }
    }
    out.constant = false;
    out.number.reset();
    out.symbolic = true;
    return out;
  }

  void raise(Value& known, const Value& assigned, const dif::VariableDef& def, size_t part, const SourcePos& pos) {
    const Value value = stored(assigned);
    // Nothing yet, or an error that the linker reports where it is.
    if (value.kind == ValueKind::kBottom || (value.kind == ValueKind::kTop && value.text.empty())) return;
    Value joined = lattice_.join(known, value);
    const auto key = std::tuple(def.scope, def.id, part);
    if (joined.kind == ValueKind::kTop) {
      if (conflicts_.insert(key).second) report(known, value, def, part, pos);
      return;  // keep the first type: one error is enough
    }
    if (known.kind == ValueKind::kBottom || (known.zero && !value.zero)) first_[key] = pos;
    if (!lattice_.same(known, joined) || known.zero != joined.zero) {
      known = std::move(joined);
      for (size_t reader : readers_[{def.scope, def.id}]) {
        if (queued_[reader]) continue;
        queued_[reader] = true;
        queue_.push_back(reader);
      }
    }
  }

  void report(const Value& known, const Value& value, const dif::VariableDef& def, size_t part, const SourcePos& pos) {
    const SourcePos first = first_[{def.scope, def.id, part}];
    const std::string what = part == 0 ? "variable \"" + variable_name(def) + "\" is assigned"
                                       : fmt::format("key {} of \"{}\" is", part, variable_name(def));
    Error e(fmt::format("{} \"{}\"{} and \"{}\"{}", what, lattice_.spell(known), describe(first), lattice_.spell(value),
                        describe(pos)));
    e.tag = "D_TYPE_ERR";
    e.pos = pos;
    result_.errors.push_back(std::move(e));
  }

  const dif::Program& program_;
  const types::TypeFile* types_;
  Lattice lattice_;
  VariablesResult result_;
  std::map<std::tuple<dif::Scope, uint16_t, size_t>, SourcePos> first_;
  std::set<std::tuple<dif::Scope, uint16_t, size_t>> conflicts_;
  struct Placed {
    const dif::Difo* difo;
    const std::vector<dif::ProbeDesc>* probes;
  };
  std::vector<Placed> difos_;
  std::optional<ProbeArguments> arguments_;
  std::map<VariableKey, std::vector<size_t>> readers_;
  std::deque<size_t> queue_;  // indices of DIFOs to type again
  std::vector<bool> queued_;
};

}  // namespace

VariablesResult infer_variables(const dif::Program& program, const types::TypeFile* types) {
  return Inference(program, types).run();
}

}  // namespace ht::typing
