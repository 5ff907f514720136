// The table of actions and what is special about each (reference, sections 5.2, 5.4, 5.5). printf and its relatives are
// in actions_printf.cc, aggregating functions in actions_agg.cc.
#include "d/actions.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "d/actions_shared.h"

namespace ht::d {
namespace {

using dif::ActionKind;
using dif::Libact;

Result<void> trace(ActionContext& context, const ActionRow& row, const Expr& call) {
  const Expr& arg = call.args[1];
  if (arg.kind == ExprKind::kAgg) {
    return fail(Tag::D_TRACE_AGG, arg.pos, "trace( ) may not be applied to an aggregation -- did you mean printa()?");
  }
  if (const ActionRow* inner = stack_or_symbol(arg)) {
    ASSIGN_OR_RETURN(dif::Action action, stack_or_symbol_action(context, *inner, arg));
    context.actions.push_back(std::move(action));
    return {};
  }
  ASSIGN_OR_RETURN(Expr value, check_operand(context, arg));
  if (is_void(value.type)) {
    return fail(Tag::D_TRACE_VOID, arg.pos, "trace( ) may not be applied to a void expression");
  }
  if (is_translated(value.type)) {
    return fail(Tag::D_TRACE_DYN, arg.pos, "trace( ) may not be applied to a dynamic expression");
  }
  dif::Action& action = append(context, row.kind, call);
  action.record = row.kind == ActionKind::kDifexpr;
  return add_argument(context, action, value);
}

// A number that the linker knows for each kernel: sizes, and sums, differences and products of them.
bool is_link_constant(const Expr& expr) {
  if (expr.is_constant() || expr.kind == ExprKind::kRelocation) return is_integer(expr.type);
  const bool folds =
      expr.kind == ExprKind::kBinary && (expr.op == Tok::kPlus || expr.op == Tok::kMinus || expr.op == Tok::kStar);
  return folds && std::all_of(expr.args.begin(), expr.args.end(), is_link_constant);
}

Result<void> tracemem(ActionContext& context, const ActionRow& row, const Expr& call) {
  ASSIGN_OR_RETURN(Expr address, check_operand(context, call.args[1]));
  bool is_array = stripped(address.type)->kind == TypeKind::kArray;
  if (!is_scalar(address.type) && !is_array) {
    return argument_mismatch(Tag::D_TRACEMEM_ADDR, address.pos, "tracemem", 1, "pointer or integer",
                             spell(address.type));
  }
  ASSIGN_OR_RETURN(Expr size, check_operand(context, call.args[2]));
  const bool open = !size.is_constant() && is_link_constant(size);
  if (!open && (!size.is_constant() || !is_integer(size.type) || static_cast<int64_t>(size.value) <= 0)) {
    return fail(Tag::D_TRACEMEM_SIZE, size.pos,
                "tracemem( ) argument #2 must be a non-zero positive integral constant expression");
  }
  dif::Action& action = append(context, row.kind, call);
  action.param = open ? 0 : size.value;
  if (is_array) {
    // What is wanted is the address, not the object.
    TypeTable& types = context.sema.types();
    Expr pointer = shell(call.args[1]);
    pointer.kind = ExprKind::kCast;
    pointer.type = types.pointer(types.integer("char"));
    pointer.args.push_back(std::move(address));
    address = std::move(pointer);
  }
  RETURN_IF_ERROR(add_argument(context, action, address));
  if (open) RETURN_IF_ERROR(add_argument(context, context.actions.back(), size));
  if (call.args.size() <= 3) return {};
  ASSIGN_OR_RETURN(Expr length, check_operand(context, call.args[3]));
  if (!is_scalar(length.type)) {
    return argument_mismatch(Tag::D_PROTO_ARG, length.pos, "tracemem", 3, "size_t", spell(length.type));
  }
  return add_argument(context, context.actions.back(), length);
}

Result<void> unimplemented(ActionContext&, const ActionRow& row, const Expr& call) {
  return fail(Tag::D_UNKNOWN, call.pos, fmt::format("{}() is not implemented (yet)", row.name));
}

// printm(bytes, memref(address, length)): at most `bytes` of what the pair of words describes, as tracemem shows it.
Result<void> printm(ActionContext& context, const ActionRow&, const Expr& call) {
  ASSIGN_OR_RETURN(Expr bytes, check_operand(context, call.args[1]));
  if (!bytes.is_constant() || !is_integer(bytes.type) || static_cast<int64_t>(bytes.value) <= 0) {
    return fail(Tag::D_PRINTM_SIZE, bytes.pos,
                "printm( ) argument #1 must be a non-zero positive integral constant expression");
  }
  const Expr& memref = call.args[2];
  ASSIGN_OR_RETURN(Expr pair, check_operand(context, memref));
  if (!is_pointer(pair.type) && !is_integer(pair.type) && !is_symbolic(pair.type)) {
    return argument_mismatch(Tag::D_PRINTM_ADDR, pair.pos, "printm", 2, "pointer or integer", spell(pair.type));
  }
  TypeName words;
  words.specifiers.type_word = "uint64_t";
  words.declarator.steps.emplace_back();
  Expr cast = shell(memref);
  cast.kind = ExprKind::kCast;
  cast.type_name = std::make_shared<const TypeName>(std::move(words));
  cast.args.push_back(memref);
  dif::Action& action = append(context, ActionKind::kTracemem, call);
  action.param = bytes.value;
  for (uint64_t word : {0, 1}) {
    Expr index = shell(memref);
    index.kind = ExprKind::kIndex;
    index.args.push_back(cast);
    index.args.push_back(shell(memref));
    index.args[1].kind = ExprKind::kInt;
    index.args[1].value = word;
    ASSIGN_OR_RETURN(Expr value, context.sema.check_expression(index));
    RETURN_IF_ERROR(add_argument(context, context.actions.back(), value));
  }
  return {};
}

// What is wrong with its arguments is said; an skb there is none, since no provider of this machine has one.
Result<void> pcap(ActionContext& context, const ActionRow& row, const Expr& call) {
  ASSIGN_OR_RETURN(Expr packet, check_operand(context, call.args[1]));
  if (!is_scalar(packet.type)) {
    return argument_mismatch(Tag::D_PCAP_ADDR, packet.pos, "pcap", 1, "pointer or integer", spell(packet.type));
  }
  ASSIGN_OR_RETURN(Expr protocol, check_operand(context, call.args[2]));
  if (!is_arithmetic(protocol.type)) {
    return argument_mismatch(Tag::D_PCAP_PROTO, protocol.pos, "pcap", 2, "integer", spell(protocol.type));
  }
  return unimplemented(context, row, call);
}

Result<void> stack_symbol(ActionContext& context, const ActionRow& row, const Expr& call) {
  ASSIGN_OR_RETURN(dif::Action action, stack_or_symbol_action(context, row, call));
  context.actions.push_back(std::move(action));
  return {};
}

// exit(int), raise(int), chill(int), speculate(int), commit(int), discard(int).
Result<void> integer_action(ActionContext& context, const ActionRow& row, const Expr& call) {
  Sema& sema = context.sema;
  ASSIGN_OR_RETURN(Expr value, check_operand(context, call.args[1]));
  ASSIGN_OR_RETURN(value, sema.argument(std::move(value), sema.types().int_type(), fmt::format("{}( )", row.name), 1));
  return add_argument(context, append(context, row.kind, call), value);
}

Result<void> plain_action(ActionContext& context, const ActionRow& row, const Expr& call) {
  append(context, row.kind, call);
  return {};
}

struct LibactRow {
  std::string_view name;
  Libact libact;
  Tag not_aggregation, undefined, not_scalar;
};
constexpr LibactRow kLibacts[] = {
    {"clear", Libact::kClear, Tag::D_CLEAR_AGGARG, Tag::D_CLEAR_AGGBAD, Tag::D_PROTO_ARG},
    {"trunc", Libact::kTrunc, Tag::D_TRUNC_AGGARG, Tag::D_TRUNC_AGGBAD, Tag::D_PROTO_ARG},
    {"normalize", Libact::kNormalize, Tag::D_NORMALIZE_AGGARG, Tag::D_NORMALIZE_AGGBAD, Tag::D_NORMALIZE_SCALAR},
    {"denormalize", Libact::kDenormalize, Tag::D_NORMALIZE_AGGARG, Tag::D_NORMALIZE_AGGBAD, Tag::D_PROTO_ARG},
};

// clear(@), trunc(@ [, n]), normalize(@, n), denormalize(@).
Result<void> aggregation_action(ActionContext& context, const ActionRow& row, const Expr& call) {
  const LibactRow* found = std::find_if(std::begin(kLibacts), std::end(kLibacts),
                                        [&](const LibactRow& entry) { return entry.name == row.name; });
  ASSIGN_OR_RETURN(uint32_t id,
                   aggregation_argument(context, row.name, call.args[1], 1, found->not_aggregation, found->undefined));
  dif::Action& action = append(context, row.kind, call);
  action.libact = found->libact;
  action.aggs.push_back(id);
  if (call.args.size() <= 2) return {};
  ASSIGN_OR_RETURN(Expr number, check_operand(context, call.args[2]));
  if (!is_arithmetic(number.type)) {
    if (found->not_scalar == Tag::D_PROTO_ARG) {
      return argument_mismatch(found->not_scalar, number.pos, row.name, 2, "int64_t", spell(number.type));
    }
    return fail(found->not_scalar, number.pos, fmt::format("{}( ) argument #2 must be of scalar type", row.name));
  }
  return add_argument(context, context.actions.back(), number);
}

Result<void> setopt(ActionContext& context, const ActionRow& row, const Expr& call) {
  append(context, row.kind, call).libact = Libact::kSetopt;
  Sema& sema = context.sema;
  for (size_t i = 1; i < call.args.size(); i++) {
    ASSIGN_OR_RETURN(Expr value, check_operand(context, call.args[i]));
    ASSIGN_OR_RETURN(value,
                     sema.argument(std::move(value), sema.types().from_spelling("const char *"), "setopt( )", i));
    if (is_zero(value)) {
      return argument_mismatch(Tag::D_PROTO_ARG, value.pos, "setopt", i, "const char *", spell(value.type));
    }
    ASSIGN_OR_RETURN(value, sema.as_string(std::move(value)));
    RETURN_IF_ERROR(add_argument(context, context.actions.back(), value));
  }
  return {};
}

Result<void> ftruncate_action(ActionContext& context, const ActionRow& row, const Expr& call) {
  append(context, row.kind, call).libact = Libact::kFtruncate;
  return {};
}

// name, kind, least and most arguments, does it record data, how it is compiled. Actions whose counts DTrace checks
// with messages of its own have the widest range here. By the rules of order a destructive action records nothing, even
// if it leaves its arguments for the consumer.
constexpr uint8_t kAny = 255;
constexpr ActionRow kActions[] = {
    {"breakpoint", ActionKind::kBreakpoint, 0, 0, false, unimplemented},
    {"chill", ActionKind::kChill, 1, 1, false, integer_action},
    {"clear", ActionKind::kLibact, 1, 1, true, aggregation_action},
    {"commit", ActionKind::kCommit, 1, 1, false, integer_action},
    {"denormalize", ActionKind::kLibact, 1, 1, true, aggregation_action},
    {"discard", ActionKind::kDiscard, 1, 1, false, integer_action},
    {"exit", ActionKind::kExit, 1, 1, true, integer_action},
    {"freopen", ActionKind::kFreopen, 1, kAny, false, compile_printf},
    {"ftruncate", ActionKind::kLibact, 0, 0, true, ftruncate_action},
    {"func", ActionKind::kSym, 1, 1, true, stack_symbol},
    {"jstack", ActionKind::kNone, 0, 2, true, unimplemented},
    {"mod", ActionKind::kMod, 1, 1, true, stack_symbol},
    {"normalize", ActionKind::kLibact, 2, 2, true, aggregation_action},
    {"panic", ActionKind::kPanic, 0, 0, false, unimplemented},
    {"pcap", ActionKind::kNone, 2, 2, true, pcap},
    {"print", ActionKind::kPrint, 1, 1, true, compile_print},
    {"printa", ActionKind::kPrinta, 0, kAny, true, compile_printa},
    {"printf", ActionKind::kPrintf, 1, kAny, true, compile_printf},
    {"printm", ActionKind::kTracemem, 2, 2, true, printm},
    {"raise", ActionKind::kRaise, 1, 1, false, integer_action},
    {"setopt", ActionKind::kLibact, 1, 2, true, setopt},
    {"speculate", ActionKind::kSpeculate, 1, 1, false, integer_action},
    {"stack", ActionKind::kStack, 0, 1, true, stack_symbol},
    {"stop", ActionKind::kStop, 0, 0, false, plain_action},
    {"sym", ActionKind::kSym, 1, 1, true, stack_symbol},
    {"system", ActionKind::kSystem, 1, kAny, false, compile_printf},
    {"trace", ActionKind::kDifexpr, 1, 1, true, trace},
    {"tracemem", ActionKind::kTracemem, 2, 3, true, tracemem},
    {"trunc", ActionKind::kLibact, 1, 2, true, aggregation_action},
    {"uaddr", ActionKind::kUaddr, 1, 1, true, stack_symbol},
    {"ufunc", ActionKind::kUsym, 1, 1, true, stack_symbol},
    {"umod", ActionKind::kUmod, 1, 1, true, stack_symbol},
    {"ustack", ActionKind::kUstack, 0, 2, true, stack_symbol},
    {"usym", ActionKind::kUsym, 1, 1, true, stack_symbol},
};

struct OrderRule {
  bool applies;
  bool broken;
  Tag tag;
  std::string_view text;
};

Result<void> check_order(const ClauseOrder& order, const ActionRow& row, const Pos& pos) {
  bool speculate = row.kind == ActionKind::kSpeculate, commit = row.kind == ActionKind::kCommit;
  bool data = order.recorded || order.aggregated;
  const OrderRule rules[] = {
      {speculate, order.speculated, Tag::D_SPEC_SPEC, "speculate( ) may not follow speculate( )"},
      {speculate, order.committed, Tag::D_SPEC_COMM, "speculate( ) may not follow commit( )"},
      {speculate, data, Tag::D_SPEC_DREC, "speculate( ) may not follow data-recording action(s)"},
      {commit, data, Tag::D_COMM_DREC, "commit( ) may not follow data-recording action(s)"},
      {row.kind == ActionKind::kExit, order.speculated, Tag::D_EXIT_SPEC, "exit( ) may not follow speculate( )"},
      {dif::is_destructive(row.kind), order.speculated, Tag::D_ACT_SPEC,
       "destructive actions may not follow speculate( )"},
      {row.records, order.committed, Tag::D_DREC_COMM, "data-recording actions may not follow commit( )"},
  };
  for (const OrderRule& rule : rules) {
    if (rule.applies && rule.broken) return fail(rule.tag, pos, std::string(rule.text));
  }
  return {};
}

}  // namespace

const ActionRow* find_action(std::string_view name) {
  for (const ActionRow& row : kActions) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::string_view function_word(std::string_view name) {
  if (find_action(name) != nullptr) return "tracing function";
  return is_aggregating_function(name) ? "aggregating function" : "";
}

std::vector<std::string_view> function_names() {
  std::vector<std::string_view> names = aggregating_functions();
  for (const ActionRow& row : kActions) names.push_back(row.name);
  for (const dif::SubrInfo& info : dif::kSubroutines) names.push_back(info.name);
  return names;
}

Result<Expr> check_operand(ActionContext& context, const Expr& expr) {
  static const Type kAggregationWord{.kind = TypeKind::kVoid, .name = "aggregation"};
  Expr result = shell(expr);
  if (expr.kind == ExprKind::kAgg) {
    result.type = &kAggregationWord;
    return result;
  }
  if (const ActionRow* row = stack_or_symbol(expr)) {
    ASSIGN_OR_RETURN(dif::Action action, stack_or_symbol_action(context, *row, expr));
    result.type = stack_or_symbol_type(context, action);
    return result;
  }
  bool is_call = expr.kind == ExprKind::kCall && expr.args[0].kind == ExprKind::kIdent && !expr.args[0].scoped;
  if (is_call && !function_word(expr.args[0].text).empty()) {
    result.type = context.sema.types().void_type();
    return result;
  }
  return context.sema.check_expression(expr);
}

Result<void> compile_action(ActionContext& context, const Expr& call) {
  const ActionRow* row = find_action(call.args[0].text);
  size_t passed = call.args.size() - 1;
  if (passed < row->least || passed > row->most) {
    return count_mismatch(call.pos, fmt::format("{}( )", row->name), "arg", passed, row->least, row->most);
  }
  RETURN_IF_ERROR(check_order(context.order, *row, call.pos));
  RETURN_IF_ERROR(row->compile(context, *row, call));
  if (row->kind == ActionKind::kSpeculate) context.order.speculated = true;
  if (row->kind == ActionKind::kCommit) context.order.committed = true;
  if (row->records) context.order.recorded = true;
  return {};
}

dif::Action& append(ActionContext& context, ActionKind kind, const Expr& call) {
  dif::Action& action = context.actions.emplace_back();
  action.kind = kind;
  action.pos = call.pos.source();
  return action;
}

Result<void> add_argument(ActionContext& context, dif::Action& action, const Expr& checked) {
  ASSIGN_OR_RETURN(dif::Difo difo, generate(checked, Use::kValue, context.files, context.sema));
  action.args.push_back(std::move(difo));
  action.arg_kinds.push_back(ActionKind::kDifexpr);
  action.arg_params.push_back(0);
  return {};
}

}  // namespace ht::d
