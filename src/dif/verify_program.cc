// The verifier's second half: everything around the code. Tables of the program, probes, and what each kind of action
// may hold.
#include <algorithm>
#include <cctype>
#include <map>

#include "dif/format.h"
#include "dif/layout.h"
#include "dif/verify.h"
#include "dif/verify_shared.h"

namespace ht::dif {
namespace {

constexpr uint8_t kMany = 255;

// Per kind of action: how many arguments (aggregating ones: beside the keys), what else it refers to.
enum class Extra : uint8_t { kNothing, kFormat, kAggregations, kAggregation, kFrames, kBytes, kTarget, kPrintType };
struct ActionRule {
  ActionKind kind;
  uint8_t least;
  uint8_t most;
  Extra extra = Extra::kNothing;
};
constexpr ActionRule kActionRules[] = {
    {ActionKind::kNone, 0, 0},
    {ActionKind::kDifexpr, 1, 1},
    {ActionKind::kExit, 1, 1},
    {ActionKind::kPrintf, 0, kMany, Extra::kFormat},
    {ActionKind::kPrinta, 0, 0, Extra::kAggregations},
    {ActionKind::kLibact, 0, 2},  // by kLibactRules
    {ActionKind::kTracemem, 1, 3, Extra::kBytes},
    {ActionKind::kPrint, 1, 2, Extra::kPrintType},
    {ActionKind::kUstack, 0, 0, Extra::kFrames},
    {ActionKind::kJstack, 0, 0, Extra::kFrames},
    {ActionKind::kUsym, 1, 1},
    {ActionKind::kUmod, 1, 1},
    {ActionKind::kUaddr, 1, 1},
    {ActionKind::kStop, 0, 0},
    {ActionKind::kRaise, 1, 1},
    {ActionKind::kSystem, 0, kMany, Extra::kFormat},
    {ActionKind::kFreopen, 0, kMany, Extra::kFormat},
    {ActionKind::kStack, 0, 0, Extra::kFrames},
    {ActionKind::kSym, 1, 1},
    {ActionKind::kMod, 1, 1},
    {ActionKind::kChill, 1, 1},
    {ActionKind::kSpeculate, 1, 1},
    {ActionKind::kCommit, 1, 1},
    {ActionKind::kDiscard, 1, 1},
    {ActionKind::kCount, 0, 0, Extra::kAggregation},
    {ActionKind::kMin, 1, 1, Extra::kAggregation},
    {ActionKind::kMax, 1, 1, Extra::kAggregation},
    {ActionKind::kAvg, 1, 1, Extra::kAggregation},
    {ActionKind::kSum, 1, 1, Extra::kAggregation},
    {ActionKind::kStddev, 1, 1, Extra::kAggregation},
    {ActionKind::kQuantize, 1, 2, Extra::kAggregation},
    {ActionKind::kLquantize, 1, 2, Extra::kAggregation},
    {ActionKind::kLlquantize, 1, 2, Extra::kAggregation},
    {ActionKind::kBranchFalse, 1, 1, Extra::kTarget},
    {ActionKind::kJump, 0, 0, Extra::kTarget},
};

struct LibactRule {
  Libact libact;
  uint8_t least;
  uint8_t most;
  bool aggregation;
};
constexpr LibactRule kLibactRules[] = {
    {Libact::kClear, 0, 0, true},       {Libact::kTrunc, 0, 1, true},   {Libact::kNormalize, 1, 1, true},
    {Libact::kDenormalize, 0, 0, true}, {Libact::kSetopt, 1, 2, false}, {Libact::kFtruncate, 0, 0, false},
};

std::string number(uint64_t value) {
  return std::to_string(value);
}

bool stack_kind(ActionKind kind) {
  return kind == ActionKind::kStack || kind == ActionKind::kUstack || kind == ActionKind::kJstack;
}

bool symbol_kind(ActionKind kind) {
  return kind == ActionKind::kSym || kind == ActionKind::kMod || kind == ActionKind::kUsym ||
         kind == ActionKind::kUmod || kind == ActionKind::kUaddr;
}

// frames | strsize << 32
std::string check_frames(ActionKind kind, uint64_t param) {
  const uint64_t frames = param & 0xffffffff;
  const uint64_t strsize = param >> 32;
  if (frames == 0 || frames > limits::kFrames) return "invalid number of frames " + number(frames);
  if (strsize > (kind == ActionKind::kStack ? 0 : limits::kStringBytes))
    return "invalid string size " + number(strsize);
  return {};
}

bool calls_destructive(const Difo& difo) {
  return difo.destructive || std::any_of(difo.text.begin(), difo.text.end(), [](Instr i) {
           const auto subr = static_cast<Subr>(index_of(i));
           return op_of(i) == Op::kCall && (subr == Subr::kCopyout || subr == Subr::kCopyoutstr);
         });
}

// A size as options are written: base 0, suffix k m g t. 0 if it is none.
uint64_t parse_size(const std::string& text) {
  char* end = nullptr;
  uint64_t value = std::isdigit(static_cast<unsigned char>(text.c_str()[0])) != 0 ? strtoull(text.c_str(), &end, 0) : 0;
  if (end == nullptr || value > UINT32_MAX) return 0;
  const size_t suffix =
      std::string_view("kmgt").find(static_cast<char>(std::tolower(static_cast<unsigned char>(*end))));
  if (*end != '\0' && suffix != std::string_view::npos) {
    value <<= 10 * (suffix + 1);  // of at most 2^32: what overflows is zero or still too large
    ++end;
  }
  return *end == '\0' ? value : 0;
}

class ProgramVerifier {
 public:
  ProgramVerifier(const Program& program, Stage stage)
      : program_(program), variables_(program), stage_(program.linked ? Stage::kLinked : stage) {}

  Result<void> verify() {
    RETURN_IF_ERROR(fail_if("", options()));
    RETURN_IF_ERROR(fail_if("", names()));
    RETURN_IF_ERROR(fail_if("", check_print_types(program_.print_types)));
    RETURN_IF_ERROR(fail_if("", check_symbols(program_.symbols)));
    for (const VariableDef& variable : program_.variables) {
      RETURN_IF_ERROR(fail_if("variable " + variable.name + ": ", check_variable(variable)));
    }
    for (const AggregationDef& aggregation : program_.aggregations) {
      RETURN_IF_ERROR(fail_if("aggregation @" + aggregation.name + ": ", check_aggregation(aggregation)));
    }
    if (program_.clauses.size() > limits::kClauses) return Error("too many clauses");
    for (size_t i = 0; i < program_.clauses.size(); ++i) {
      RETURN_IF_ERROR(clause(program_.clauses[i], "clause " + number(i)));
    }
    return {};
  }

 private:
  static Result<void> fail_if(const std::string& where, std::string what) {
    if (what.empty()) return {};
    return Error(where + std::move(what));
  }

  std::string options() {
    if (program_.options.size() > limits::kOptions) return "too many options";
    for (const auto& [name, value] : program_.options) {
      if (name.size() > limits::kName || value.size() > limits::kName) return "an option's text is too long";
    }
    if (const auto strsize = program_.options.find("strsize"); strsize != program_.options.end()) {
      const uint64_t size = parse_size(strsize->second);
      if (size == 0 || size > limits::kStringBytes) return "invalid value for option strsize: " + strsize->second;
      strsize_ = static_cast<uint32_t>(size);
    }
    return {};
  }

  std::string names() const {
    if (program_.files.size() > UINT16_MAX || program_.sources.size() > limits::kClauses) return "too many sources";
    if (program_.variables.size() > limits::kVariables) return "too many variables";
    if (program_.aggregations.size() > limits::kAggregations) return "too many aggregations";
    if (program_.kernel.size() > limits::kName || program_.types_hash.size() > limits::kName) return "name is too long";
    return {};
  }

  std::string keys(const std::vector<Type>& keys) const {
    if (keys.size() > kTupleRegisters) return "too many keys";
    for (const Type& key : keys) {
      if (std::string what = check_type(key, TypeUse::kVariable, stage_); !what.empty()) return "key: " + what;
    }
    return {};
  }

  std::string check_variable(const VariableDef& variable) const {
    if (variable.name.size() > limits::kName) return "name is too long";
    if (variable.scope > Scope::kLocal)
      return "unrecognized variable scope " + number(static_cast<uint8_t>(variable.scope));
    if (variable.kind > VarKind::kScalar)
      return "unrecognized variable type " + number(static_cast<uint8_t>(variable.kind));
    if (variable.id < kFirstUserVariable) return "invalid variable " + number(variable.id);
    if (variables_.find(variable.scope, variable.id) != &variable) return number(variable.id) + " is defined twice";
    const bool array = variable.kind == VarKind::kArray;
    if (array && variable.scope == Scope::kLocal) return "a clause-local variable cannot be an array";
    if (array == variable.keys.empty()) return array ? "array without keys" : "scalar with keys";
    if (std::string what = keys(variable.keys); !what.empty()) return what;
    return check_type(variable.type, TypeUse::kVariable, stage_);
  }

  std::string check_aggregation(const AggregationDef& aggregation) {
    if (aggregation.name.size() > limits::kName) return "name is too long";
    if (aggregation.id == 0 || aggregation.id > limits::kAggregations) return "invalid id " + number(aggregation.id);
    if (!aggregations_.emplace(aggregation.id, Known{&aggregation, {}}).second)
      return "id " + number(aggregation.id) + " is defined twice";
    if (!is_aggregation(aggregation.function)) return "is not by an aggregating function";
    // Keys are packed into the bin; they may be stacks, whose type here is void.
    if (aggregation.keys.size() > limits::kArgumentsPerAction) return "too many keys";
    for (const Type& key : aggregation.keys) {
      if (std::string what = check_type(key, TypeUse::kResult, stage_); !what.empty()) return "key: " + what;
    }
    if (aggregation.function == ActionKind::kLquantize) {
      const LquantizeParam param = decode_lquantize(aggregation.param);
      if (param.levels == 0) return "lquantize without levels";
      if (param.step == 0) return "lquantize with a step of 0";
    }
    if (aggregation.function == ActionKind::kLlquantize) {
      const uint32_t bins = llquantize_bins(decode_llquantize(aggregation.param));
      if (bins == 0) return "llquantize with invalid parameters";
      if (bins > limits::kValueWords) return "llquantize with too many buckets";
    }
    return {};
  }

  Result<void> clause(const Clause& clause, const std::string& where) {
    RETURN_IF_ERROR(fail_if(where + ": ", clause_shape(clause)));
    if (clause.predicate) RETURN_IF_ERROR(code(*clause.predicate, where + " predicate"));
    for (size_t i = 0; i < clause.actions.size(); ++i) {
      RETURN_IF_ERROR(action(clause, i, where + " action " + number(i)));
    }
    if (record_layout(clause, strsize_).size > limits::kRecordBytes) return Error(where + ": the record is too large");
    return {};
  }

  std::string clause_shape(const Clause& clause) const {
    if (clause.probes.empty()) return "no probe description";
    if (clause.probes.size() > limits::kProbesPerClause) return "too many probe descriptions";
    for (const ProbeDesc& probe : clause.probes) {
      for (const std::string* field : {&probe.target, &probe.provider, &probe.module, &probe.function, &probe.name}) {
        if (field->size() > limits::kName) return "probe description is too long";
      }
    }
    if (clause.actions.size() > limits::kActionsPerClause) return "too many actions";
    if (clause.source != 0 && clause.source >= program_.sources.size())
      return "invalid source " + number(clause.source);
    return {};
  }

  Result<void> code(const Difo& difo, const std::string& where) const {
    Result<void> result = verify_code(difo, program_, variables_, stage_);
    if (!result.ok()) {
      Error error = std::move(result).error();
      error.message = where + ": " + error.message;
      return error;
    }
    if (calls_destructive(difo) && !program_.destructive) {
      return Error(where + ": destructive code in a program that is not marked destructive");
    }
    return {};
  }

  Result<void> action(const Clause& clause, size_t index, const std::string& where) {
    const Action& action = clause.actions[index];
    const auto* rule = std::find_if(std::begin(kActionRules), std::end(kActionRules),
                                    [&](const ActionRule& row) { return row.kind == action.kind; });
    if (rule == std::end(kActionRules)) {
      return Error(where + ": unknown action " + number(static_cast<uint16_t>(action.kind)));
    }
    RETURN_IF_ERROR(fail_if(where + ": ", shape(*rule, action)));
    RETURN_IF_ERROR(arguments(action, where));
    RETURN_IF_ERROR(fail_if(where + ": ", extra(*rule, clause, index)));
    if (is_destructive(action.kind) && !program_.destructive) {
      return Error(where + ": destructive action in a program that is not marked destructive");
    }
    return {};
  }

  // Counts and flags, before anything is looked at.
  std::string shape(const ActionRule& rule, const Action& action) const {
    const size_t count = action.args.size();
    if (count > limits::kArgumentsPerAction) return "too many arguments";
    if (action.arg_kinds.size() != count || action.arg_params.size() != count) {
      return "argument kinds do not match the arguments";
    }
    if (action.keys > count || (action.keys != 0 && rule.extra != Extra::kAggregation)) return "invalid number of keys";
    const size_t own = count - action.keys;
    if (own < rule.least || (rule.most != kMany && own > rule.most)) return "wrong number of arguments";
    if (action.format.size() > limits::kFormat) return "format is too long";
    if (action.aggs.size() > limits::kArgumentsPerAction) return "too many aggregations";
    for (uint32_t id : action.aggs) {
      if (!aggregations_.contains(id)) return "invalid aggregation " + number(id);
    }
    return action.kind == ActionKind::kLibact ? libact(action) : std::string();
  }

  static std::string libact(const Action& action) {
    for (const LibactRule& rule : kLibactRules) {
      if (rule.libact != action.libact) continue;
      if (action.args.size() < rule.least || action.args.size() > rule.most) return "wrong number of arguments";
      if (action.aggs.size() != (rule.aggregation ? 1 : 0)) return "wrong number of aggregations";
      return {};
    }
    return "unknown library action " + number(static_cast<uint32_t>(action.libact));
  }

  Result<void> arguments(const Action& action, const std::string& where) const {
    for (size_t i = 0; i < action.args.size(); ++i) {
      const std::string here = where + " argument " + number(i);
      const ActionKind kind = action.arg_kinds[i];
      if (stack_kind(kind)) {
        RETURN_IF_ERROR(fail_if(here + ": ", check_frames(kind, action.arg_params[i])));
        RETURN_IF_ERROR(fail_if(here + ": ", check_type(action.args[i].rtype, TypeUse::kResult, stage_)));
        if (action.args[i].text.empty()) continue;  // a stack is not computed
      } else if (kind != ActionKind::kDifexpr && !symbol_kind(kind)) {
        return Error(here + ": invalid kind " + number(static_cast<uint16_t>(kind)));
      }
      RETURN_IF_ERROR(code(action.args[i], here));
      // Only an expression for its effect may have no value.
      const bool effect = action.kind == ActionKind::kDifexpr && !action.record;
      if (!effect && !stack_kind(kind) && action.args[i].rtype.is_void()) return Error(here + ": has no value");
    }
    return {};
  }

  std::string extra(const ActionRule& rule, const Clause& clause, size_t index) {
    const Action& action = clause.actions[index];
    switch (rule.extra) {
      case Extra::kNothing:
        return {};
      case Extra::kFormat:
        return format(action, action.args.size());
      case Extra::kAggregations:
        if (action.aggs.empty()) return "no aggregation";
        return action.has_format ? format(action, SIZE_MAX) : std::string();
      case Extra::kAggregation:
        return aggregation(action);
      case Extra::kFrames:
        return check_frames(action.kind, action.param);
      case Extra::kPrintType:
        return action.param > program_.print_types.size() ? "invalid type " + number(action.param) : "";
      case Extra::kBytes:
        return bytes(action);
      case Extra::kTarget:
        return action.target <= index || action.target > clause.actions.size()
                   ? "invalid branch target " + number(action.target)
                   : "";
    }
    return {};
  }

  // A size that the kernel's types decide is an argument of its own until it is linked.
  std::string bytes(const Action& action) const {
    const bool open = stage_ == Stage::kCompiled && action.param == 0 && action.args.size() >= 2;
    if (open) return {};
    if (action.args.size() > 2) return "wrong number of arguments";
    return action.param == 0 || action.param > limits::kTracememBytes ? "invalid size " + number(action.param) : "";
  }

  static std::string format(const Action& action, size_t available) {
    if (!action.has_format) return "no format";
    const Result<FormatString> format = parse_format(action.format);
    if (!format.ok()) return format.error().message;
    size_t needed = 0;
    for (const Conversion& part : format.value().parts) {
      if (part.is_literal_only) continue;
      if (part.agg && action.kind != ActionKind::kPrinta) return "%@ conversion requires an aggregation";
      needed += 1u + part.star_width + part.star_precision;
    }
    return needed > available ? "format needs " + number(needed) + " arguments" : "";
  }

  std::string aggregation(const Action& action) {
    if (action.aggs.size() != 1) return "wrong number of aggregations";
    Known& known = aggregations_.at(action.aggs[0]);
    const AggregationDef& definition = *known.definition;
    if (definition.function != action.kind) return "another function than the aggregation's";
    if (definition.keys.size() != action.keys) return "wrong number of keys";
    const AggregationLayout layout = aggregation_layout(action, definition, strsize_);
    if (layout.key_size > limits::kRecordBytes) return "the keys are too large";
    if (stage_ != Stage::kLinked) return {};
    // All bins of one aggregation have one shape, whichever clause makes them.
    std::vector<uint32_t> found;
    for (const Field& key : layout.keys)
      found.insert(found.end(), {key.offset, key.size, static_cast<uint32_t>(key.kind)});
    if (known.shape.empty()) known.shape = found;
    return known.shape == found ? "" : "keys differ from earlier ones of the same aggregation";
  }

  struct Known {
    const AggregationDef* definition;
    std::vector<uint32_t> shape;  // of the keys, once an action has been seen
  };

  const Program& program_;
  const VariableIndex variables_;
  const Stage stage_;
  uint32_t strsize_ = 256;
  std::map<uint32_t, Known> aggregations_;  // by id
};

}  // namespace

Result<void> verify(const Program& program, Stage stage) {
  return ProgramVerifier(program, stage).verify();
}

}  // namespace ht::dif
