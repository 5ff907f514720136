// "@name[keys] = function(arguments)" (reference, section 6).
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "d/actions_shared.h"
#include "dif/layout.h"

namespace ht::d {
namespace {

using dif::ActionKind;

// The parameters of a call: what DTrace's messages number from the argument after the value.
using Constants = std::vector<int64_t>;
using ParamResult = Result<uint64_t>;

struct FunctionRow {
  std::string_view name;
  ActionKind kind;
  uint8_t values;       // 0 for count
  uint8_t least, most;  // constants after the value
  bool increment;       // may be followed by an increment
  ParamResult (*param)(const Constants&, const std::vector<Pos>&);
};

ParamResult lquantize_param(const Constants& constants, const std::vector<Pos>& at);
ParamResult llquantize_param(const Constants& constants, const std::vector<Pos>& at);

constexpr FunctionRow kFunctions[] = {
    {"avg", ActionKind::kAvg, 1, 0, 0, false, nullptr},
    {"count", ActionKind::kCount, 0, 0, 0, false, nullptr},
    {"llquantize", ActionKind::kLlquantize, 1, 4, 4, true, llquantize_param},
    {"lquantize", ActionKind::kLquantize, 1, 2, 3, true, lquantize_param},
    {"max", ActionKind::kMax, 1, 0, 0, false, nullptr},
    {"min", ActionKind::kMin, 1, 0, 0, false, nullptr},
    {"quantize", ActionKind::kQuantize, 1, 0, 0, true, nullptr},
    {"stddev", ActionKind::kStddev, 1, 0, 0, false, nullptr},
    {"sum", ActionKind::kSum, 1, 0, 0, false, nullptr},
};

// Of each constant of lquantize and llquantize: what is wrong when it is none, and when it differs from an earlier use.
struct ConstantRow {
  Tag not_constant;
  std::string_view expected;
  Tag mismatch;
  std::string_view word;
};
constexpr ConstantRow kLquantize[] = {
    {Tag::D_LQUANT_BASETYPE, "an integer constant", Tag::D_LQUANT_MATCHBASE, "base"},
    {Tag::D_LQUANT_LIMTYPE, "an integer constant", Tag::D_LQUANT_MATCHLIM, "limit"},
    {Tag::D_LQUANT_STEPTYPE, "a non-zero positive integer constant", Tag::D_LQUANT_MATCHSTEP, "step"},
};
constexpr ConstantRow kLlquantize[] = {
    {Tag::D_LLQUANT_FACTORTYPE, "an integer constant", Tag::D_LLQUANT_MATCHFACTOR, "factor"},
    {Tag::D_LLQUANT_LMAGTYPE, "an integer constant", Tag::D_LLQUANT_MATCHLMAG, "low magnitude"},
    {Tag::D_LLQUANT_HMAGTYPE, "an integer constant", Tag::D_LLQUANT_MATCHHMAG, "high magnitude"},
    {Tag::D_LLQUANT_STEPTYPE, "an integer constant", Tag::D_LLQUANT_MATCHSTEPS, "number of steps"},
};
const ConstantRow& constant_row(const FunctionRow& function, size_t index) {
  return function.kind == ActionKind::kLquantize ? kLquantize[index] : kLlquantize[index];
}

const FunctionRow* find_function(std::string_view name) {
  for (const FunctionRow& row : kFunctions) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

ParamResult lquantize_param(const Constants& constants, const std::vector<Pos>& at) {
  using Limits = std::numeric_limits<int32_t>;
  int64_t base = constants[0], limit = constants[1], step = constants.size() > 2 ? constants[2] : 1;
  if (base < Limits::min() || base > Limits::max()) {
    return fail(Tag::D_LQUANT_BASEVAL, at[0], "lquantize( ) argument #1 must be a 32-bit quantity");
  }
  if (limit < Limits::min() || limit > Limits::max()) {
    return fail(Tag::D_LQUANT_LIMVAL, at[1], "lquantize( ) argument #2 must be a 32-bit quantity");
  }
  if (limit <= base) {
    return fail(Tag::D_LQUANT_MISMATCH, at[0], "lquantize( ) base (argument #1) must be less than limit (argument #2)");
  }
  if (step <= 0) {
    return fail(Tag::D_LQUANT_STEPTYPE, at[2], "lquantize( ) argument #3 must be a non-zero positive integer constant");
  }
  if (step > 0xffff) return fail(Tag::D_LQUANT_STEPVAL, at[2], "lquantize( ) argument #3 must be a 16-bit quantity");
  int64_t levels = (limit - base) / step;
  if (levels == 0) {
    return fail(Tag::D_LQUANT_STEPLARGE, at[2],
                "lquantize( ) step (argument #3) too large: must have at least one quantization level");
  }
  if (levels > 0xffff) {
    return fail(Tag::D_LQUANT_STEPSMALL, at.back(),
                "lquantize( ) step (argument #3) too small: number of quantization levels must be a 16-bit quantity");
  }
  return dif::encode_lquantize(
      {static_cast<int32_t>(base), static_cast<uint16_t>(levels), static_cast<uint16_t>(step)});
}

ParamResult llquantize_param(const Constants& constants, const std::vector<Pos>& at) {
  if (constants[0] < 2 || constants[0] > 0xffff) {
    return fail(Tag::D_LLQUANT_FACTORVAL, at[0],
                "llquantize( ) argument #1 must be an unsigned 16-bit quantity greater than or equal to 2");
  }
  if (constants[1] < 0 || constants[1] > 0xffff) {
    return fail(Tag::D_LLQUANT_LMAGVAL, at[1], "llquantize( ) argument #2 must be an unsigned 16-bit quantity");
  }
  if (constants[2] < constants[1] || constants[2] > 0xffff) {
    return fail(
        Tag::D_LLQUANT_HMAGVAL, at[2],
        "llquantize( ) argument #3 must be an unsigned 16-bit quantity that is not less than the low magnitude");
  }
  if (constants[3] < 1 || constants[3] > 0xffff) {
    return fail(Tag::D_LLQUANT_STEPVAL, at[3],
                "llquantize( ) argument #4 must be an unsigned 16-bit quantity greater than 0");
  }
  dif::LlquantizeParam param;
  param.factor = static_cast<uint16_t>(constants[0]);
  param.lmag = static_cast<uint16_t>(constants[1]);
  param.hmag = static_cast<uint16_t>(constants[2]);
  param.steps = param.factor;  // right by definition: what is left is the high magnitude
  if (!dif::valid_llquantize(param)) {
    return fail(Tag::D_LLQUANT_HMAGVAL, at[2],
                "llquantize( ) argument #3: the factor to the power of the high magnitude + 1 must fit in 64 bits");
  }
  param.steps = static_cast<uint16_t>(constants[3]);
  if (!dif::valid_llquantize(param)) {
    return fail(Tag::D_LLQUANT_STEPVAL, at[3], "llquantize( ) argument #4 must divide the magnitudes evenly");
  }
  return dif::encode_llquantize(param);
}

struct Call {
  const FunctionRow& row;
  const Expr& expr;
  Constants constants;
  std::vector<Pos> positions;
  uint64_t param = 0;
  size_t increment = 0;  // index into expr.args; 0: none
};

Result<void> check_counts(const FunctionRow& row, const Expr& call) {
  size_t passed = call.args.size() - 1;
  size_t least = row.values + row.least, most = row.values + row.most + (row.increment ? 1U : 0U);
  if (passed >= least && passed <= most) return {};
  // lquantize and llquantize are the functions whose "at most" DTrace states even when it is all there is.
  return count_mismatch(call.pos, fmt::format("{}( )", row.name), "arg", passed, least, most);
}

Result<void> read_constants(ActionContext& context, Call& call) {
  const std::vector<Expr>& args = call.expr.args;
  size_t first = 1U + call.row.values;
  for (size_t i = 0; i < call.row.most && first + i < args.size(); i++) {
    const ConstantRow& row = constant_row(call.row, i);
    ASSIGN_OR_RETURN(Expr value, context.sema.check_expression(args[first + i]));
    if (!value.is_constant() || !is_integer(value.type)) {
      return fail(row.not_constant, args[first + i].pos,
                  fmt::format("{}( ) argument #{} must be {}", call.row.name, i + 1, row.expected));
    }
    call.constants.push_back(static_cast<int64_t>(value.value));
    call.positions.push_back(args[first + i].pos);
  }
  if (call.row.increment && args.size() > first + call.row.most) call.increment = first + call.row.most;
  if (call.row.param == nullptr) return {};
  ASSIGN_OR_RETURN(call.param, call.row.param(call.constants, call.positions));
  if (call.row.kind == ActionKind::kLquantize && call.constants.size() == 2) call.constants.push_back(1);
  return {};
}

// The function and its constants are those of the first use.
Result<void> check_redefinition(const Aggregation& before, const Call& call, const Pos& pos) {
  if (before.function != call.row.kind) {
    return fail(
        Tag::D_AGG_REDEF, pos,
        fmt::format("aggregation redefined: @{}\n\t current: @{} = {}( )\n\tprevious: @{} = {}( ) : line {}",
                    before.name, before.name, call.row.name, before.name, before.function_name, before.pos.line));
  }
  for (size_t i = 0; i < call.constants.size(); i++) {
    if (call.constants[i] == before.constants[i]) continue;
    const ConstantRow& row = constant_row(call.row, i);
    return fail(row.mismatch, call.positions[std::min(i, call.positions.size() - 1)],
                fmt::format("{}( ) {} (argument #{}) doesn't match previous declaration: expected {}, found {}",
                            call.row.name, row.word, i + 1, before.constants[i], call.constants[i]));
  }
  return {};
}

// Generates code for the keys; `types` receives those of a first use, and is what later uses must fit.
Result<void> compile_keys(ActionContext& context, const Expr& left, bool first_use, std::vector<TypeRef>& types,
                          dif::Action& action) {
  if (!first_use && left.args.size() != types.size()) {
    return fail(Tag::D_PROTO_LEN, left.pos,
                fmt::format("@{}[ ] prototype mismatch: {} key{} passed, {} expected", left.text, left.args.size(),
                            left.args.size() == 1 ? "" : "s", types.size()));
  }
  std::string what = fmt::format("@{}[ ]", left.text);
  for (size_t i = 0; i < left.args.size(); i++) {
    const Expr& arg = left.args[i];
    TypeRef type = nullptr;
    Expr value;
    dif::Action inner;
    const ActionRow* row = stack_or_symbol(arg);
    if (row != nullptr) {
      ASSIGN_OR_RETURN(inner, stack_or_symbol_action(context, *row, arg));
      type = stack_or_symbol_type(context, inner);
      value.type = type;
      value.pos = arg.pos;
    } else {
      ASSIGN_OR_RETURN(value, context.sema.check_expression(arg));
      type = value.type;
    }
    if (is_void(type) || is_dynamic(type) || stripped(type)->kind == TypeKind::kFunction) {
      return fail(Tag::D_KEY_TYPE, arg.pos,
                  fmt::format("{} expression may not be used as aggregation index: key #{}", spell(type), i + 1));
    }
    if (first_use) types.push_back(type);
    ASSIGN_OR_RETURN(value, context.sema.argument(std::move(value), types[i], what, i + 1));
    if (row != nullptr) {
      add_argument(action, std::move(inner));
    } else {
      RETURN_IF_ERROR(add_argument(context, action, value));
    }
  }
  action.keys = static_cast<uint32_t>(left.args.size());
  return {};
}

Result<void> compile_values(ActionContext& context, const Call& call, dif::Action& action) {
  for (size_t index : {size_t{1}, call.increment}) {
    if (index == 0 || call.row.values == 0) continue;
    ASSIGN_OR_RETURN(Expr value, context.sema.check_expression(call.expr.args[index]));
    if (!is_scalar(value.type)) {
      return index == 1 ? fail(Tag::D_AGG_SCALAR, value.pos,
                               fmt::format("{}( ) argument #1 must be of scalar type", call.row.name))
                        : fail(Tag::D_PROTO_ARG, value.pos,
                               fmt::format("{}( ) increment value (argument #{}) must be of scalar type", call.row.name,
                                           index));
    }
    RETURN_IF_ERROR(add_argument(context, action, value));
  }
  return {};
}

}  // namespace

bool is_aggregating_function(std::string_view name) {
  return find_function(name) != nullptr;
}

std::vector<std::string_view> aggregating_functions() {
  std::vector<std::string_view> names;
  for (const FunctionRow& row : kFunctions) names.push_back(row.name);
  return names;
}

Result<uint32_t> aggregation_argument(ActionContext& context, std::string_view name, const Expr& arg, size_t number,
                                      Tag not_aggregation, Tag undefined) {
  if (arg.kind != ExprKind::kAgg || arg.indexed) {
    std::string have = "aggregation with keys";
    if (arg.kind != ExprKind::kAgg) {
      ASSIGN_OR_RETURN(Expr value, context.sema.check_expression(arg));
      have = spell(value.type);
    }
    return argument_mismatch(not_aggregation, arg.pos, name, number, "aggregation", have);
  }
  const Aggregation* found = context.sema.symbols().aggregation(arg.text);
  if (found != nullptr) return found->id;
  std::vector<std::string_view> names;
  for (const Aggregation& known : context.sema.symbols().aggregations()) names.push_back(known.name);
  return fail(undefined, arg.pos, fmt::format("undefined aggregation: @{}", arg.text), did_you_mean(arg.text, names));
}

Result<void> compile_aggregation(ActionContext& context, const Expr& assignment) {
  const Expr &left = assignment.args[0], &right = assignment.args[1];
  bool is_call = right.kind == ExprKind::kCall && right.args[0].kind == ExprKind::kIdent && !right.args[0].scoped;
  const FunctionRow* row = is_call ? find_function(right.args[0].text) : nullptr;
  if (row == nullptr) {
    std::string hint;
    if (is_call && function_word(right.args[0].text).empty() && dif::find_subroutine(right.args[0].text) == nullptr) {
      hint = did_you_mean(right.args[0].text, aggregating_functions());
    }
    return fail(Tag::D_AGG_FUNC, right.pos,
                fmt::format("@{} must be assigned the result of an aggregating function", left.text), hint);
  }
  if (context.order.committed) {
    return fail(Tag::D_AGG_COMM, assignment.pos, "aggregating actions may not follow commit( )");
  }
  if (context.order.speculated) {
    return fail(Tag::D_AGG_SPEC, assignment.pos, "aggregating actions may not follow speculate( )");
  }
  RETURN_IF_ERROR(check_counts(*row, right));
  Call call{*row, right, {}, {}, 0, 0};
  RETURN_IF_ERROR(read_constants(context, call));

  const Aggregation* before = context.sema.symbols().aggregation(left.text);
  std::vector<TypeRef> key_types;
  if (before != nullptr) {
    RETURN_IF_ERROR(check_redefinition(*before, call, left.pos));
    key_types = before->keys;
  }
  dif::Action action;
  action.kind = row->kind;
  action.pos = left.pos.source();
  RETURN_IF_ERROR(compile_keys(context, left, before == nullptr, key_types, action));
  RETURN_IF_ERROR(compile_values(context, call, action));

  Aggregation& aggregation = context.sema.symbols().add_aggregation(left.text);
  if (before == nullptr) {
    aggregation.function = row->kind;
    aggregation.function_name = row->name;
    aggregation.param = call.param;
    aggregation.constants = call.constants;
    aggregation.keys = std::move(key_types);
    aggregation.pos = left.pos;
  }
  action.aggs.push_back(aggregation.id);
  context.actions.push_back(std::move(action));
  context.order.aggregated = true;
  return {};
}

}  // namespace ht::d
