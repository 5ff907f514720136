// print(): of a pointer, the address and what is there; of anything else, its value (reference, sections 5.5 and 7.8).
#include <fmt/format.h>

#include <algorithm>

#include "d/actions_shared.h"
#include "dif/options.h"

namespace ht::d {
namespace {

// The option printsize: how much of what a pointer leads to is recorded.
uint64_t print_size(const std::map<std::string, std::string>& options) {
  constexpr uint64_t kDefault = 8192, kMost = 65536;
  const uint64_t size = dif::option_number(options, "printsize");
  return size == 0 || size > kMost ? kDefault : size;
}

// An operand that does something is evaluated once: into a hidden variable, which stands for it from then on.
Result<Expr> kept(ActionContext& context, dif::Action& action, Expr pointer) {
  if (!has_side_effects(pointer)) {
    RETURN_IF_ERROR(add_argument(context, action, pointer));
    return pointer;
  }
  Variable hidden;
  hidden.name = fmt::format("%print{}", context.sema.symbols().variables().size());
  hidden.scope = dif::Scope::kLocal;
  hidden.type = pointer.type;
  hidden.pos = pointer.pos;
  ASSIGN_OR_RETURN(const Variable* added, context.sema.symbols().add_variable(std::move(hidden)));
  Expr variable;
  variable.kind = ExprKind::kIdent;
  variable.ref = Ref::kVariable;
  variable.scope = dif::Scope::kLocal;
  variable.id = added->id;
  variable.text = added->name;
  variable.type = pointer.type;
  variable.pos = pointer.pos;
  variable.writable = variable.narrow = true;
  Expr assignment;
  assignment.kind = ExprKind::kAssign;
  assignment.op = Tok::kAssign;
  assignment.type = pointer.type;
  assignment.pos = pointer.pos;
  assignment.narrow = true;
  assignment.args.push_back(variable);
  assignment.args.push_back(std::move(pointer));
  RETURN_IF_ERROR(add_argument(context, action, assignment));
  return variable;
}

Result<void> print_pointed(ActionContext& context, dif::Action& action, Expr pointer) {
  TypeRef target = pointee(pointer.type);
  uint64_t size = stripped(target)->size;
  if (size == 0) {
    return fail(
        Tag::D_PRINT_SIZE, pointer.pos,
        fmt::format("print( ) argument #1 reference has type '{}' with size 0; cannot print( ) it.", spell(target)));
  }
  action.param = context.sema.print_types().add(target);
  Pos pos = pointer.pos;
  ASSIGN_OR_RETURN(Expr operand, kept(context, action, std::move(pointer)));
  Expr object;
  object.kind = ExprKind::kUnary;
  object.op = Tok::kStar;
  object.type = target;
  object.memory = object.narrow = true;
  object.user = is_userland(target);
  object.pos = pos;
  object.args.push_back(std::move(operand));
  RETURN_IF_ERROR(add_argument(context, action, object));
  dif::Type& recorded = action.args.back().rtype;
  if (recorded.by_ref() && recorded.kind == dif::TypeKind::kD) {
    recorded.size = static_cast<uint32_t>(std::min<uint64_t>(recorded.size, print_size(context.options)));
  }
  return {};
}

}  // namespace

Result<void> compile_print(ActionContext& context, const ActionRow& row, const Expr& call) {
  const Expr& arg = call.args[1];
  if (arg.kind == ExprKind::kAgg) {
    return fail(Tag::D_PRINT_AGG, arg.pos, "print( ) may not be applied to an aggregation -- did you mean printa()?");
  }
  ASSIGN_OR_RETURN(Expr value, context.sema.check_expression(arg));
  if (is_void(value.type)) {
    return fail(Tag::D_PRINT_VOID, arg.pos, "print( ) may not be applied to a void expression");
  }
  if (is_translated(value.type)) {
    return fail(Tag::D_PRINT_DYN, arg.pos, "print( ) may not be applied to a dynamic expression");
  }
  dif::Action& action = append(context, row.kind, call);
  // What a pointer to a type that only the kernel knows points to has no shape here: the linker adds it.
  if (is_pointer(value.type) && !is_address_of_unknown(value.type)) {
    return print_pointed(context, action, std::move(value));
  }
  if (!is_symbolic(value.type) && !is_address_of_unknown(value.type))
    action.param = context.sema.print_types().add(value.type);
  return add_argument(context, action, value);
}

}  // namespace ht::d
