#include "engine/code.h"

#include <algorithm>
#include <limits>

#include "engine/session_memory.h"

namespace ht::engine {
namespace {

using dif::ActionKind;
using dif::Difo;
using dif::Format;
using dif::Instr;
using dif::Op;
using dif::Scope;

constexpr uint32_t kMaxRecord = 1u << 28;
constexpr uint32_t kDtraceHeader = 12;  // enabled probe id and two words of timestamp

uint32_t field_alignment(const dif::Field& field) {
  if (field.kind != ActionKind::kDifexpr) return field.kind == ActionKind::kTracemem ? 1 : 8;
  const bool by_ref = field.type.kind == dif::TypeKind::kString || field.type.by_ref() ||
                      (field.type.flags & dif::Type::kByUserRef) != 0;
  return by_ref ? 1 : std::clamp(field.size, 1u, 8u);
}

// What the clause's record takes of a trace buffer as DTrace would lay it out: behind its header the fields, each
// aligned to its size, the whole aligned to the most demanding of them.
uint32_t dtrace_record_size(const dif::Clause& clause, const dif::RecordLayout& layout) {
  uint64_t end = kDtraceHeader;
  uint32_t alignment = 4;
  const auto align = [](uint64_t value, uint32_t to) { return (value + to - 1) / to * to; };
  for (const dif::Field& field : layout.fields) {
    const ActionKind kind = clause.actions[field.action].kind;
    if (kind == ActionKind::kSpeculate || kind == ActionKind::kCommit || kind == ActionKind::kDiscard) continue;
    // DTrace's own kernel stacks and symbols begin with the first address.
    const bool ours =
        field.kind == ActionKind::kStack || field.kind == ActionKind::kSym || field.kind == ActionKind::kMod;
    end = align(end, field_alignment(field)) + field.size - (ours ? 8 : 0);
    alignment = std::max(alignment, field_alignment(field));
  }
  return static_cast<uint32_t>(std::min<uint64_t>(align(end, alignment), kMaxRecord));
}

// Registers an instruction names, by its format. The verifier has checked them; but memory safety depends on it.
bool registers_ok(Instr i) {
  constexpr unsigned n = dif::kRegisters;
  const bool r1 = dif::r1_of(i) < n, r2 = dif::r2_of(i) < n, rd = dif::rd_of(i) < n;
  const bool target = rd && dif::rd_of(i) != 0;
  switch (dif::info_of(i).format) {
    case Format::kR1R2Rd:
      return r1 && r2 && (dif::op_of(i) == Op::kCopys ? rd : target);
    case Format::kR1Rd:
    case Format::kLoad:
      return r1 && target;
    case Format::kR1R2:
      return r1 && r2;
    case Format::kR1:
      return r1;
    case Format::kStore:
      return r1 && rd;
    case Format::kInt:
    case Format::kString:
    case Format::kVarRd:
    case Format::kCall:
      return target;
    case Format::kVarR2Rd:
      return r2 && target;
    case Format::kRsVar:
    case Format::kRd:
      return rd;
    case Format::kPushRef:
      return r2 && rd;
    case Format::kPushVal:
      return rd;
    case Format::kLabel:
    case Format::kNone:
      return true;
    default:
      return false;  // relocations and translations do not run
  }
}

// Which table of variables an instruction refers to.
struct VariableUse {
  Scope scope;
  bool array;
};
bool variable_use(Op op, VariableUse* use) {
  switch (op) {
    case Op::kLdgs:
    case Op::kStgs:
      *use = {Scope::kGlobal, false};
      return true;
    case Op::kLdts:
    case Op::kStts:
      *use = {Scope::kThread, false};
      return true;
    case Op::kLdls:
    case Op::kStls:
      *use = {Scope::kLocal, false};
      return true;
    case Op::kLdgaa:
    case Op::kStgaa:
      *use = {Scope::kGlobal, true};
      return true;
    case Op::kLdtaa:
    case Op::kSttaa:
      *use = {Scope::kThread, true};
      return true;
    default:
      return false;
  }
}

class Loader {
 public:
  Loader(const dif::Program& program, uint32_t variant, uint32_t strsize)
      : program_(program), strsize_(strsize), loaded_(std::make_unique<LoadedProgram>()) {
    loaded_->variant = variant;
  }

  Result<std::unique_ptr<LoadedProgram>> load() {
    for (const dif::VariableDef& variable : program_.variables) loaded_->shapes.push_back(shape_of(variable, strsize_));
    for (const dif::Clause& clause : program_.clauses) RETURN_IF_ERROR(load_clause(clause));
    if (loaded_->codes.size() > kObjectMask) return Error("program too large");
    return std::move(loaded_);
  }

 private:
  Result<void> load_clause(const dif::Clause& clause);
  Result<LoadedAction> load_action(const dif::Action& action, uint32_t index, const dif::RecordLayout& layout);
  Result<void> load_aggregation(const dif::Action& action, LoadedAction* loaded);
  Result<uint32_t> load_code(const Difo& difo);
  Result<Insn> load_instruction(const Difo& difo, uint32_t pc) const;
  Result<uint32_t> shape_index(VariableUse use, unsigned id) const;

  const dif::Program& program_;
  uint32_t strsize_;
  std::unique_ptr<LoadedProgram> loaded_;
};

Result<uint32_t> Loader::shape_index(VariableUse use, unsigned id) const {
  for (uint32_t i = 0; i < loaded_->shapes.size(); ++i) {
    const VariableShape& shape = loaded_->shapes[i];
    if (shape.id == id && shape.scope == use.scope && shape.array == use.array) return i;
  }
  return Error("invalid variable " + std::to_string(id));
}

Result<Insn> Loader::load_instruction(const Difo& difo, uint32_t pc) const {
  const Instr i = difo.text[pc];
  if (dif::info_of(i).mnemonic.empty()) return Error("invalid opcode " + std::to_string(i >> 24));
  if (!registers_ok(i)) return Error("instruction " + std::to_string(pc) + " cannot run");
  const Op op = dif::op_of(i);
  Insn insn{static_cast<uint8_t>(op), static_cast<uint8_t>(dif::r1_of(i)), static_cast<uint8_t>(dif::r2_of(i)),
            static_cast<uint8_t>(dif::rd_of(i)), dif::index_of(i)};
  constexpr unsigned checked = static_cast<unsigned>(Op::kRldsb) - static_cast<unsigned>(Op::kLdsb);
  if (op >= Op::kRldsb && op <= Op::kRldx) insn.op = static_cast<uint8_t>(static_cast<unsigned>(op) - checked);
  switch (dif::info_of(i).format) {
    case Format::kLabel:
      insn.index = dif::label_of(i);
      if (insn.index <= pc || insn.index >= difo.text.size()) return Error("invalid branch target");
      break;
    case Format::kInt:
      if (insn.index >= difo.ints.size()) return Error("invalid integer ref");
      break;
    case Format::kString:
      if (insn.index >= difo.strings.size()) return Error("invalid string ref");
      break;
    case Format::kVarR2Rd:
      insn.index = dif::r1_of(i);
      break;
    case Format::kPushRef:
    case Format::kPushVal:
      insn.index = dif::type_of(i);
      break;
    default:
      break;
  }
  if (VariableUse use; variable_use(op, &use)) {
    if (op == Op::kLdgs && insn.index < dif::kFirstUserVariable) {
      insn.op = kOpBuiltin;
    } else {
      ASSIGN_OR_RETURN(insn.index, shape_index(use, insn.index));
    }
  }
  return insn;
}

Result<uint32_t> Loader::load_code(const Difo& difo) {
  Code code;
  code.number = static_cast<uint32_t>(loaded_->codes.size());
  code.ints = difo.ints;
  code.strings = difo.strings;
  if (code.strings.empty() || code.strings.back() != '\0') code.strings.push_back('\0');
  // An argument that is a stack() has nothing to compute.
  if (!difo.text.empty() && dif::op_of(difo.text.back()) != Op::kRet)
    return Error("expected 'ret' as last DIF instruction");
  for (uint32_t pc = 0; pc < difo.text.size(); ++pc) {
    ASSIGN_OR_RETURN(const Insn insn, load_instruction(difo, pc));
    code.text.push_back(insn);
  }
  const dif::Type& type = difo.rtype;
  code.is_signed = type.is_signed();
  code.size = type.size;
  if (type.kind == dif::TypeKind::kString) {
    code.result = ResultKind::kString;
    code.user = (type.flags & dif::Type::kByUserRef) != 0;
    if (code.size == 0) code.size = strsize_;
  } else if ((type.flags & dif::Type::kByUserRef) != 0) {
    code.result = ResultKind::kUserRef;
  } else if (type.by_ref()) {
    code.result = ResultKind::kRef;
  } else {
    code.result = type.is_void() ? ResultKind::kNone : ResultKind::kValue;
  }
  loaded_->codes.push_back(std::move(code));
  return static_cast<uint32_t>(loaded_->codes.size() - 1);
}

Result<void> Loader::load_aggregation(const dif::Action& action, LoadedAction* loaded) {
  if (action.aggs.empty()) return Error("an aggregating action without aggregation");
  const dif::AggregationDef* def = program_.aggregation(action.aggs[0]);
  if (def == nullptr || action.keys > action.args.size()) return Error("invalid aggregation");
  const dif::AggregationLayout layout = dif::aggregation_layout(action, *def, strsize_);
  LoadedAggregation& aggregation = loaded->aggregation;
  aggregation.id = def->id;
  aggregation.function = def->function;
  aggregation.param = def->param;
  aggregation.lquantize = dif::decode_lquantize(def->param);
  aggregation.llquantize = dif::decode_llquantize(def->param);
  aggregation.key_size = layout.key_size;
  aggregation.value_words = layout.value_words;
  if (layout.value_words == 0 || layout.key_size > kMaxRecord) return Error("invalid aggregation");
  if (def->function == ActionKind::kLquantize && aggregation.lquantize.step == 0) return Error("invalid lquantize");
  if (def->function != ActionKind::kCount && action.args.size() == action.keys)
    return Error("aggregation without value");
  if (def->function == ActionKind::kMin) aggregation.initial = std::numeric_limits<int64_t>::max();
  if (def->function == ActionKind::kMax)
    aggregation.initial = static_cast<uint64_t>(std::numeric_limits<int64_t>::min());
  for (const dif::Field& field : layout.keys) {
    LoadedArg& arg = loaded->args.at(field.arg);
    arg.has_field = true;
    arg.offset = field.offset;
    arg.size = field.size;
    arg.kind = field.kind;
  }
  loaded_->max_key = std::max(loaded_->max_key, layout.key_size);
  loaded_->max_key_parts = std::max<uint32_t>(loaded_->max_key_parts, static_cast<uint32_t>(layout.keys.size()));
  return {};
}

Result<LoadedAction> Loader::load_action(const dif::Action& action, uint32_t index, const dif::RecordLayout& layout) {
  LoadedAction loaded;
  loaded.kind = action.kind;
  loaded.keys = action.keys;
  loaded.target = action.target;
  for (const Difo& difo : action.args) {
    ASSIGN_OR_RETURN(const uint32_t code, load_code(difo));
    loaded.args.push_back({.code = code});
  }
  if (dif::is_aggregation(action.kind)) {
    RETURN_IF_ERROR(load_aggregation(action, &loaded));
    return loaded;
  }
  for (const dif::Field& field : layout.fields) {
    if (field.action != index) continue;
    if (field.arg < loaded.args.size()) {
      loaded.args[field.arg].has_field = true;
      loaded.args[field.arg].offset = field.offset;
      loaded.args[field.arg].size = field.size;
      loaded.args[field.arg].kind = field.kind;
    } else {
      loaded.has_field = true;
      loaded.offset = field.offset;
      loaded.size = field.size;
    }
  }
  return loaded;
}

Result<void> Loader::load_clause(const dif::Clause& clause) {
  LoadedClause loaded;
  loaded.index = static_cast<uint32_t>(loaded_->clauses.size());
  if (clause.predicate) {
    loaded.has_predicate = true;
    ASSIGN_OR_RETURN(loaded.predicate, load_code(*clause.predicate));
  }
  const dif::RecordLayout layout = dif::record_layout(clause, strsize_);
  loaded.recorded = layout.recorded;
  loaded.has_presence = layout.has_presence;
  if (layout.recorded) {
    if (layout.size > kMaxRecord || layout.size % 8 != 0) return Error("Enabling exceeds size of buffer");
    loaded.record_size = layout.size + sizeof(RecordHeader);
    loaded.record_cost = dtrace_record_size(clause, layout);
    loaded_->max_record = std::max(loaded_->max_record, loaded.record_size);
    loaded_->max_cost = std::max(loaded_->max_cost, loaded.record_cost);
    uint32_t end = layout.has_presence ? static_cast<uint32_t>(clause.actions.size()) : 0;
    for (const dif::Field& field : layout.fields) {
      if (field.offset > end) loaded.gaps.push_back({end, field.offset - end});
      end = std::max(end, field.offset + field.size);
    }
    if (end < layout.size) loaded.gaps.push_back({end, layout.size - end});
  }
  for (uint32_t i = 0; i < clause.actions.size(); ++i) {
    const dif::Action& action = clause.actions[i];
    const bool jumps = action.kind == ActionKind::kBranchFalse || action.kind == ActionKind::kJump;
    if (jumps && (action.target <= i || action.target > clause.actions.size())) return Error("invalid branch target");
    if (action.kind == ActionKind::kBranchFalse && action.args.size() != 1) return Error("a branch without condition");
    ASSIGN_OR_RETURN(LoadedAction made, load_action(action, i, layout));
    if (made.kind == ActionKind::kSpeculate || made.kind == ActionKind::kCommit) loaded.buffered = true;
    loaded.actions.push_back(std::move(made));
  }
  loaded_->clauses.push_back(std::move(loaded));
  return {};
}

}  // namespace

Result<std::unique_ptr<LoadedProgram>> load_program(const dif::Program& program, uint32_t variant, uint32_t strsize,
                                                    uint32_t slots) {
  ASSIGN_OR_RETURN(std::unique_ptr<LoadedProgram> loaded, Loader(program, variant, strsize).load());
  for (uint32_t slot = 0; slot < slots; ++slot) {
    loaded->staging.push_back({std::make_unique<uint64_t[]>(loaded->max_record / 8 + 1),
                               std::make_unique<uint64_t[]>(loaded->max_key / 8 + 1),
                               std::make_unique<BinKey::Part[]>(loaded->max_key_parts + 1)});
  }
  return loaded;
}

}  // namespace ht::engine
