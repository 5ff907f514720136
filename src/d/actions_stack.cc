// stack(), ustack() and the symbol actions: statements, aggregation keys and printf arguments alike.
#include <fmt/format.h>

#include <algorithm>

#include "d/actions_shared.h"

namespace ht::d {
namespace {

using dif::ActionKind;

constexpr uint64_t kMostFrames = 1024;

bool is_stack(ActionKind kind) {
  return kind == ActionKind::kStack || kind == ActionKind::kUstack;
}

bool is_symbol(ActionKind kind) {
  return kind == ActionKind::kSym || kind == ActionKind::kMod || kind == ActionKind::kUsym ||
         kind == ActionKind::kUmod || kind == ActionKind::kUaddr;
}

// The option's number, or `otherwise`.
uint64_t option_number(const std::map<std::string, std::string>& options, const char* name, uint64_t otherwise) {
  auto found = options.find(name);
  if (found == options.end() || found->second.empty()) return otherwise;
  uint64_t value = 0;
  for (char c : found->second) {
    if (c < '0' || c > '9' || value > kMostFrames) return otherwise;
    value = value * 10 + static_cast<uint64_t>(c - '0');
  }
  return value == 0 ? otherwise : value;
}

Result<uint64_t> frames_of(ActionContext& context, const Expr& call, ActionKind kind) {
  bool user = kind == ActionKind::kUstack;
  const uint64_t most = std::min(option_number(context.options, "maxframes", kMostFrames), kMostFrames);
  if (call.args.size() < 2) {
    uint64_t frames =
        user ? option_number(context.options, "ustackframes", 100) : option_number(context.options, "stackframes", 20);
    return std::min(frames, most);
  }
  ASSIGN_OR_RETURN(Expr count, context.sema.check_expression(call.args[1]));
  if (!count.is_constant() || !is_integer(count.type) || static_cast<int64_t>(count.value) <= 0) {
    return fail(
        user ? Tag::D_USTACK_FRAMES : Tag::D_STACK_SIZE, count.pos,
        fmt::format("{}( ) argument #1 must be a non-zero positive integer constant", user ? "ustack" : "stack"));
  }
  return std::min(count.value, most);
}

Result<uint64_t> string_size_of(ActionContext& context, const Expr& call) {
  if (call.args.size() < 3) return uint64_t{0};
  constexpr uint64_t kMost = 64 * 1024;
  ASSIGN_OR_RETURN(Expr size, context.sema.check_expression(call.args[2]));
  if (!size.is_constant() || !is_integer(size.type) || static_cast<int64_t>(size.value) < 0 || size.value > kMost) {
    return fail(Tag::D_USTACK_STRSIZE, size.pos, "ustack( ) argument #2 must be a positive integer constant");
  }
  return size.value;
}

}  // namespace

const ActionRow* stack_or_symbol(const Expr& expr) {
  if (expr.kind != ExprKind::kCall || expr.args[0].kind != ExprKind::kIdent || expr.args[0].scoped) return nullptr;
  const ActionRow* row = find_action(expr.args[0].text);
  return row != nullptr && (is_stack(row->kind) || is_symbol(row->kind)) ? row : nullptr;
}

Result<dif::Action> stack_or_symbol_action(ActionContext& context, const ActionRow& row, const Expr& call) {
  dif::Action action;
  action.kind = row.kind;
  action.pos = call.pos.source();
  size_t passed = call.args.size() - 1;
  if (passed < row.least || passed > row.most) {
    return count_mismatch(call.pos, fmt::format("{}( )", row.name), "arg", passed, row.least, row.most);
  }
  if (is_stack(row.kind)) {
    ASSIGN_OR_RETURN(uint64_t frames, frames_of(context, call, row.kind));
    ASSIGN_OR_RETURN(uint64_t string_size, string_size_of(context, call));
    action.param = frames | string_size << 32;
    return action;
  }
  Sema& sema = context.sema;
  ASSIGN_OR_RETURN(Expr address, sema.check_expression(call.args[1]));
  // uintptr_t; a pointer will do, since that is what symbols have.
  if (!is_pointer(address.type)) {
    ASSIGN_OR_RETURN(address, sema.argument(std::move(address), sema.types().integer("uintptr_t"),
                                            fmt::format("{}( )", row.name), 1));
  }
  RETURN_IF_ERROR(add_argument(context, action, address));
  return action;
}

TypeRef stack_or_symbol_type(ActionContext& context, const dif::Action& action) {
  TypeTable& types = context.sema.types();
  if (action.kind == ActionKind::kStack || action.kind == ActionKind::kUstack) {
    return types.stack_type((action.param & 0xffffffff) * 8 + (action.param >> 32));
  }
  return action.kind == ActionKind::kSym || action.kind == ActionKind::kMod ? types.symaddr_type()
                                                                            : types.usymaddr_type();
}

void add_argument(dif::Action& action, dif::Action argument) {
  if (argument.args.empty()) {
    action.args.emplace_back();  // a stack is not computed
    action.args.back().rtype = dif::Type::none();
  } else {
    action.args.push_back(std::move(argument.args[0]));
  }
  action.arg_kinds.push_back(argument.kind);
  action.arg_params.push_back(argument.param);
}

}  // namespace ht::d
