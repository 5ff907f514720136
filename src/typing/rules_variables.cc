// Variables, the tuple stack and subroutines.
#include <fmt/format.h>

#include "dif/operands.h"
#include "typing/rules.h"

namespace ht::typing {

using dif::Op;

Value Rules::builtin(uint16_t id) const {
  const dif::VariableInfo* info = dif::find_variable(id);
  if (info == nullptr || info->type.empty()) return Value::integer(8, true);
  Value v = lattice_.spelled(info->type);
  if (v.kind == ValueKind::kTyped) v.symbolic = true;
  return v;
}

// args[N] and uregs[N]; args[N] has the type that the clause's probes give it.
Value Rules::builtin_array(uint32_t i) {
  const bool is_args = op(i) == Op::kLdga && dif::r1_of(difo_.text[i]) == dif::kVarArgs;
  const std::optional<uint64_t> index = r2(i).number;
  if (!is_args || !index || context_.probes == nullptr || context_.arguments == nullptr) {
    return Value::integer(8, is_args);
  }
  Result<Value> argument = context_.arguments->argument(*context_.probes, *index);
  if (argument.ok()) return std::move(argument).value();
  const Error& e = argument.error();
  return problem(i, e.tag, e.message, e.hint);
}

Value Rules::variable_load(uint32_t i) {
  const dif::Scope scope = dif::find_variable_use(op(i))->scope;
  const auto id = static_cast<uint16_t>(dif::index_of(difo_.text[i]));
  if (scope == dif::Scope::kGlobal && id < dif::kFirstUserVariable) return builtin(id);
  const dif::VariableDef* def = context_.program != nullptr ? context_.program->variable(scope, id) : nullptr;
  if (def == nullptr) return Value::integer(8, true);
  if (!out_.flow.uses[i].tuple.empty()) out_.key_reads.push_back({{scope, id}, tuple(i)});
  if (def->type.kind != dif::TypeKind::kUnknown || !def->type.name.empty()) {
    Value v = lattice_.from_dif(def->type);
    v.symbolic = v.kind == ValueKind::kTyped || v.kind == ValueKind::kObject;
    return v;
  }
  Value v;
  if (context_.variables != nullptr) {
    if (auto it = context_.variables->find({scope, id}); it != context_.variables->end()) v = it->second.value;
  }
  v.symbolic = true;
  v.zero = v.constant = false;
  v.number.reset();
  return v;
}

std::vector<Value> Rules::tuple(uint32_t i) const {
  std::vector<Value> values;
  for (NodeId n : out_.flow.uses[i].tuple) values.push_back(out_.nodes[n]);
  return values;
}

Value Rules::variable_store(uint32_t i) {
  Assignment a;
  a.variable = {dif::find_variable_use(op(i))->scope, static_cast<uint16_t>(dif::index_of(difo_.text[i]))};
  a.instruction = i;
  a.value = rd(i);
  a.keys = tuple(i);
  const dif::VariableDef* def =
      context_.program != nullptr ? context_.program->variable(a.variable.first, a.variable.second) : nullptr;
  if (def != nullptr && def->type.kind == dif::TypeKind::kString) check_text(i, a.value);
  out_.assignments.push_back(std::move(a));
  return {};
}

Value Rules::scratch(uint32_t) {
  return Value::of(ValueKind::kScratch);
}

// xlate and xlarg: the host's own translators are in the program's text, so nothing compiles to them.
Value Rules::translated(uint32_t) {
  return Value::integer(8, true);
}

// --- the tuple stack and subroutines

Value Rules::push_value(uint32_t i) {
  return rd(i);
}

Value Rules::push_reference(uint32_t i) {
  return dif::type_of(difo_.text[i]) == dif::kTypeString ? Value::of(ValueKind::kString) : rd(i);
}

// What was pushed, and where; of an entry that depends on the path, what the paths agree on.
const Value& Rules::pushed(NodeId entry, uint32_t* where) const {
  const Node& node = out_.flow.nodes[entry];
  if (node.kind != Node::Kind::kInstruction) return out_.nodes[entry];
  *where = node.at;
  return rd(node.at);
}

bool Rules::fits_text(const Value& v) const {
  // What the compiler knew, it has checked; an address may be kept in any 8 bytes.
  if (!v.symbolic || v.kind == ValueKind::kBottom || v.kind == ValueKind::kTop || v.kind == ValueKind::kString) {
    return true;
  }
  if (const IntView view = lattice_.int_view(v); view.arithmetic) return view.size == 8 && v.bits == 0;
  const auto target = lattice_.pointee(v);
  if (!target || v.kind == ValueKind::kObject) return v.kind == ValueKind::kOpaque || v.kind == ValueKind::kScratch;
  if (context_.types == nullptr || target->pointers != 0) return target->pointers == 0;
  const types::TypeFile& types = *context_.types;
  types::TypeId id = types.strip(target->type);
  if (types.kind(id) == types::Kind::kArray) id = types.strip(types.target(id));
  return id == 0 || (types.kind(id) == types::Kind::kInt && types.size(id) == 1);
}

void Rules::check_text(uint32_t i, const Value& v) {
  if (v.kind == ValueKind::kTop && v.symbolic && !v.text.empty()) {
    unusable(i, v, "read a string");
  } else if (!fits_text(v)) {
    problem(i, kTypeTag, fmt::format("a string is wanted here, and this is \"{}\"", lattice_.spell(v)),
            "stringof() takes the string at an address");
  }
}

// Whether an argument may stand for a parameter of this C type.
bool Rules::fits(const Value& argument, std::string_view parameter) const {
  if (!argument.symbolic || argument.kind == ValueKind::kBottom || argument.kind == ValueKind::kTop) return true;
  if (parameter == dif::kTextParameter || parameter == "char *") return fits_text(argument);
  const IntView view = lattice_.int_view(argument);
  if (!parameter.ends_with('*')) {
    if (view.arithmetic) return true;
    return argument.kind == ValueKind::kOpaque || (parameter == "uintptr_t" && argument.kind != ValueKind::kObject);
  }
  if (view.arithmetic) return argument.zero || (view.size == 8 && argument.bits == 0);
  const Value wanted = lattice_.spelled(parameter);
  // A type that these types do not have is any.
  if (wanted.kind != ValueKind::kTyped || argument.kind != ValueKind::kTyped || argument.array != 0) return true;
  return lattice_.join(wanted, argument).kind != ValueKind::kTop;
}

Value Rules::call(uint32_t i) {
  const dif::SubrInfo* info = dif::find_subroutine(static_cast<uint16_t>(dif::index_of(difo_.text[i])));
  if (info == nullptr) return Value::integer(8, true);
  const std::vector<NodeId>& entries = out_.flow.uses[i].tuple;
  for (size_t k = 0; k < entries.size(); ++k) {
    const std::string_view parameter = info->parameter(k);
    uint32_t where = i;
    const Value& argument = pushed(entries[k], &where);
    if (parameter.empty() || fits(argument, parameter)) continue;
    problem(where, kArgumentTag,
            fmt::format("{}( ) argument #{} is incompatible with prototype:\n\tprototype: {}\n\t argument: {}",
                        info->name, k + 1, parameter, lattice_.spell(argument)));
  }
  if (info->result == "void") return Value::integer(8, true);
  if (info->result == "void *") return Value::of(ValueKind::kScratch);
  return lattice_.spelled(info->result);
}

}  // namespace ht::typing
