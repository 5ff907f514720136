// Binary operators, ?:, comma and assignment (reference, sections 2.8, 3.4, 3.6).
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "d/actions.h"
#include "d/sema.h"

namespace ht::d {
namespace {

enum class OpClass : uint8_t { kAdditive, kArithmetic, kIntegral, kShift, kComparison, kLogical };

struct OpRow {
  Tok op;
  OpClass rule;
  Tok compound;  // the assignment operator made of it
};
constexpr OpRow kOps[] = {
    {Tok::kPlus, OpClass::kAdditive, Tok::kAddAssign},    {Tok::kMinus, OpClass::kAdditive, Tok::kSubAssign},
    {Tok::kStar, OpClass::kArithmetic, Tok::kMulAssign},  {Tok::kSlash, OpClass::kArithmetic, Tok::kDivAssign},
    {Tok::kPercent, OpClass::kIntegral, Tok::kModAssign}, {Tok::kAmp, OpClass::kIntegral, Tok::kAndAssign},
    {Tok::kCaret, OpClass::kIntegral, Tok::kXorAssign},   {Tok::kBar, OpClass::kIntegral, Tok::kOrAssign},
    {Tok::kShl, OpClass::kShift, Tok::kShlAssign},        {Tok::kShr, OpClass::kShift, Tok::kShrAssign},
    {Tok::kLt, OpClass::kComparison, Tok::kEnd},          {Tok::kLe, OpClass::kComparison, Tok::kEnd},
    {Tok::kGt, OpClass::kComparison, Tok::kEnd},          {Tok::kGe, OpClass::kComparison, Tok::kEnd},
    {Tok::kEq, OpClass::kComparison, Tok::kEnd},          {Tok::kNe, OpClass::kComparison, Tok::kEnd},
    {Tok::kAndAnd, OpClass::kLogical, Tok::kEnd},         {Tok::kOrOr, OpClass::kLogical, Tok::kEnd},
    {Tok::kXorXor, OpClass::kLogical, Tok::kEnd},
};

OpClass class_of(Tok op) {
  for (const OpRow& row : kOps) {
    if (row.op == op) return row.rule;
  }
  return OpClass::kArithmetic;
}

Error incompatible(const Expr& result, std::string_view op) {
  return fail(Tag::D_OP_INCOMPAT, result.pos,
              fmt::format("operands have incompatible types: \"{}\" {} \"{}\"", spell(result.args[0].type), op,
                          spell(result.args[1].type)));
}

Error origin_mismatch(const Expr& at) {
  return fail(Tag::D_ALLOCA_INCOMPAT, at.pos,
              fmt::format("{}: cannot reuse the same identifier for both alloca and non-alloca allocations",
                          at.text.empty() ? "expression" : at.text),
              "keep pointers into scratch memory in a variable of their own");
}

// The identifier of "name" or "name[keys]"; else the expression itself.
const Expr& name_of(const Expr& expr) {
  bool indexed = expr.kind == ExprKind::kIndex && expr.args[0].kind == ExprKind::kIdent;
  return indexed ? expr.args[0] : expr;
}

// What a conditional chooses is a value, not a place.
Expr value_of(Expr expr) {
  expr.writable = false;
  return expr;
}

bool is_action_call(const Expr& expr) {
  return expr.kind == ExprKind::kCall && expr.args[0].kind == ExprKind::kIdent &&
         dif::find_subroutine(expr.args[0].text) == nullptr && !function_word(expr.args[0].text).empty();
}

Error not_lvalue(const Pos& pos, std::string_view op) {
  return fail(Tag::D_OP_LVAL, pos, fmt::format("operator {} requires modifiable lvalue as an operand", op));
}

}  // namespace

Tok operator_of_assignment(Tok assignment) {
  for (const OpRow& row : kOps) {
    if (row.compound == assignment) return row.op;
  }
  return Tok::kEnd;
}

Result<uint64_t> fold_binary(Tok op, uint64_t a, uint64_t b, bool is_signed, const Pos& pos) {
  auto sa = static_cast<int64_t>(a), sb = static_cast<int64_t>(b);
  if ((op == Tok::kSlash || op == Tok::kPercent) && b == 0) {
    return fail(Tag::D_DIV_ZERO, pos, "expression contains division by zero");
  }
  bool minimum = sa == INT64_MIN && sb == -1;  // whose quotient does not fit
  switch (op) {
    case Tok::kPlus:
      return a + b;
    case Tok::kMinus:
      return a - b;
    case Tok::kStar:
      return a * b;
    case Tok::kSlash:
      return !is_signed ? a / b : minimum ? a : static_cast<uint64_t>(sa / sb);
    case Tok::kPercent:
      return !is_signed ? a % b : minimum ? 0 : static_cast<uint64_t>(sa % sb);
    case Tok::kAmp:
      return a & b;
    case Tok::kCaret:
      return a ^ b;
    case Tok::kBar:
      return a | b;
    case Tok::kShl:
      return b < 64 ? a << b : 0;
    case Tok::kShr:
      return b < 64 ? a >> b : 0;
    case Tok::kLt:
      return uint64_t{is_signed ? sa < sb : a < b};
    case Tok::kLe:
      return uint64_t{is_signed ? sa <= sb : a <= b};
    case Tok::kGt:
      return uint64_t{is_signed ? sa > sb : a > b};
    case Tok::kGe:
      return uint64_t{is_signed ? sa >= sb : a >= b};
    case Tok::kEq:
      return uint64_t{a == b};
    case Tok::kNe:
      return uint64_t{a != b};
    case Tok::kAndAnd:
      return uint64_t{a != 0 && b != 0};
    case Tok::kOrOr:
      return uint64_t{a != 0 || b != 0};
    case Tok::kXorXor:
      return uint64_t{(a != 0) != (b != 0)};
    default:
      return fail(Tag::D_UNKNOWN, pos, "internal error -- operator is not binary");
  }
}

Result<void> check_divisions(const Expr& expr) {
  bool assigns = expr.kind == ExprKind::kAssign;
  Tok op = assigns ? operator_of_assignment(expr.op) : expr.op;
  if ((assigns || expr.kind == ExprKind::kBinary) && (op == Tok::kSlash || op == Tok::kPercent) &&
      is_zero(expr.args[1])) {
    return fail(Tag::D_DIV_ZERO, expr.args[1].pos, "expression contains division by zero");
  }
  for (const Expr& arg : expr.args) RETURN_IF_ERROR(check_divisions(arg));
  return {};
}

Result<Expr> Sema::binary(const Expr& expr) {
  Expr result = shell(expr);
  ASSIGN_OR_RETURN(Expr first, check(expr.args[0]));
  std::optional<Expr> tag;
  if (class_of(expr.op) == OpClass::kComparison) {
    ASSIGN_OR_RETURN(tag, enum_tag(expr, first));
  }
  result.args.push_back(std::move(first));
  if (!tag.has_value()) {
    ASSIGN_OR_RETURN(tag, check(expr.args[1]));
  }
  result.args.push_back(std::move(*tag));
  ASSIGN_OR_RETURN(result.type, binary_type(result));
  if (class_of(expr.op) == OpClass::kAdditive) {
    ASSIGN_OR_RETURN(result.origin, sum_origin(result));
  }
  const Expr &left = result.args[0], &right = result.args[1];
  bool division = expr.op == Tok::kSlash || expr.op == Tok::kPercent;
  if (division && is_zero(right)) {
    return fail(Tag::D_DIV_ZERO, right.pos, "expression contains division by zero");
  }
  if (left.is_constant() && right.is_constant()) {
    bool is_signed = stripped(promoted(left.type, right.type))->is_signed;
    ASSIGN_OR_RETURN(uint64_t value, fold_binary(expr.op, left.value, right.value, is_signed, expr.pos));
    return integer_constant_expr(value, result.type, expr.args[0].pos);
  }
  OpClass rule = class_of(expr.op);
  result.narrow = rule == OpClass::kComparison || rule == OpClass::kLogical || stripped(result.type)->size >= 8;
  if (rule != OpClass::kComparison) return result;
  // One side a string: the other is compared as one, unless it is NULL.
  for (size_t i = 0; i < 2; i++) {
    Expr& other = result.args[1 - i];
    if (is_string(result.args[i].type) && is_symbolic(other.type)) {
      ASSIGN_OR_RETURN(other, as_string(std::move(other)));
    }
  }
  return result;
}

Result<TypeRef> Sema::binary_type(const Expr& result) {
  const Expr &left = result.args[0], &right = result.args[1];
  std::string_view op = punctuation(result.op);
  bool symbolic_left = is_symbolic(left.type), symbolic_right = is_symbolic(right.type);
  bool arithmetic = is_arithmetic(left.type) && is_arithmetic(right.type);
  auto common = [&]() -> TypeRef {
    if (symbolic_left && symbolic_right) return types_.unknown();
    if (symbolic_left || symbolic_right) return types_.integer("int64_t");
    return promoted(left.type, right.type);
  };
  switch (class_of(result.op)) {
    case OpClass::kAdditive:
      if (arithmetic) return common();
      return additive_type(result);
    case OpClass::kArithmetic:
      if (arithmetic) return common();
      return fail(Tag::D_OP_ARITH, result.pos, fmt::format("operator {} requires operands of arithmetic type", op));
    case OpClass::kIntegral:
    case OpClass::kShift:
      if (!arithmetic) {
        return fail(Tag::D_OP_INT, result.pos, fmt::format("operator {} requires operands of integral type", op));
      }
      if (class_of(result.op) == OpClass::kIntegral) return common();
      return symbolic_left ? types_.integer("int64_t") : left.type;
    case OpClass::kComparison:
      return comparison_type(result);
    case OpClass::kLogical:
      if (!is_scalar(left.type) || !is_scalar(right.type)) {
        return fail(Tag::D_OP_SCALAR, result.pos, fmt::format("operator {} requires operands of scalar type", op),
                    is_string(left.type) || is_string(right.type) ? "compare a string with NULL or \"\"" : "");
      }
      return types_.int_type();
  }
  return types_.int_type();
}

// Of what a sum or a difference gives; both sides of a difference must be of one origin.
Result<Origin> Sema::sum_origin(const Expr& result) const {
  Origin a = result.args[0].origin, b = result.args[1].origin;
  if (a == Origin::kNone || b == Origin::kNone || a == b) return a == Origin::kNone ? b : a;
  return origin_mismatch(result.args[0]);
}

// A variable holds pointers of one origin.
Result<void> Sema::check_origin(const Expr& left, const Expr& right) {
  if (left.ref != Ref::kVariable || right.origin == Origin::kNone || right.origin == left.origin) return {};
  if (left.origin != Origin::kNone || right.origin == Origin::kBoth) return origin_mismatch(left);
  symbols_.set_origin(left.scope, left.text, right.origin);
  return {};
}

// Pointer plus or minus integer, integer plus pointer, pointer minus pointer.
Result<TypeRef> Sema::additive_type(const Expr& result) {
  const Expr &left = result.args[0], &right = result.args[1];
  auto as_pointer = [this](TypeRef type) -> TypeRef {
    if (is_string(type)) return types_.pointer(types_.integer("char"));
    if (is_pointer(type)) return type;
    return stripped(type)->kind == TypeKind::kArray ? types_.pointer(pointee(type)) : nullptr;
  };
  // A string stays one: what is left of it.
  if (is_string(left.type) && is_arithmetic(right.type)) return left.type;
  if (result.op == Tok::kPlus && is_string(right.type) && is_arithmetic(left.type)) return right.type;
  TypeRef a = as_pointer(left.type), b = as_pointer(right.type);
  TypeRef pointer = nullptr;
  if (a != nullptr && is_arithmetic(right.type)) pointer = a;
  if (result.op == Tok::kPlus && b != nullptr && is_arithmetic(left.type)) pointer = b;
  // From a pointer to what only the linker knows a value of which that is known no better may be such a pointer, too.
  bool open = a == nullptr && is_symbolic(left.type) && b != nullptr && is_address_of_unknown(b);
  bool difference = result.op == Tok::kMinus && b != nullptr && (open || (a != nullptr && pointers_compatible(a, b)));
  TypeRef sized = open ? b : difference ? a : pointer;
  if (sized == nullptr) return incompatible(result, punctuation(result.op));
  TypeRef element = pointee(sized);
  if (!is_symbolic(element) && stripped(element)->size == 0) return incompatible(result, punctuation(result.op));
  return difference ? types_.integer("ptrdiff_t") : pointer;
}

Result<TypeRef> Sema::comparison_type(const Expr& result) {
  const Expr &left = result.args[0], &right = result.args[1];
  TypeRef a = left.type, b = right.type;
  bool strings = (is_string(a) || is_string(b)) && is_string_compatible(a) && is_string_compatible(b);
  bool null = (is_zero(left) && (is_pointer(b) || is_string(b))) || (is_zero(right) && (is_pointer(a) || is_string(a)));
  bool symbolic = (is_symbolic(a) && is_scalar(b)) || (is_symbolic(b) && is_scalar(a));
  bool fine = (is_integer(a) && is_integer(b)) || strings || null || symbolic || pointers_compatible(a, b);
  if (!fine) return incompatible(result, punctuation(result.op));
  return types_.int_type();
}

Result<Expr> Sema::conditional(const Expr& expr) {
  for (const Expr& arg : expr.args) {
    if (is_action_call(arg)) {
      return fail(Tag::D_OP_ACT, arg.pos, "action cannot be used in a conditional context");
    }
  }
  ASSIGN_OR_RETURN(Expr condition, check(expr.args[0]));
  if (condition.is_constant()) {
    bool yes = condition.value != 0;
    RETURN_IF_ERROR(check_divisions(expr.args[yes ? 2 : 1]));
    ASSIGN_OR_RETURN(Expr chosen, check(expr.args[yes ? 1 : 2]));
    return value_of(std::move(chosen));
  }
  if (!is_scalar(condition.type)) {
    return fail(Tag::D_OP_SCALAR, expr.pos, "operator ?: expression must be of scalar type");
  }
  ASSIGN_OR_RETURN(Expr yes, check(expr.args[1]));
  ASSIGN_OR_RETURN(Expr no, check(expr.args[2]));
  TypeRef a = yes.type, b = no.type;
  if (is_dynamic(a) || is_dynamic(b)) {
    return fail(Tag::D_OP_DYN, (is_dynamic(a) ? yes : no).pos, "operator ?: operands cannot be of dynamic type");
  }
  Expr result = shell(expr);
  if (is_integer(a) && is_integer(b)) {
    result.type = promoted(a, b);
  } else if ((is_string(a) || is_string(b)) && is_string_compatible(a) && is_string_compatible(b)) {
    result.type = types_.string_type();
    ASSIGN_OR_RETURN(yes, as_string(std::move(yes)));
    ASSIGN_OR_RETURN(no, as_string(std::move(no)));
  } else if (is_symbolic(a) && is_symbolic(b)) {
    result.type = types_.unknown();
  } else if ((is_symbolic(a) && is_scalar(b)) || (is_symbolic(b) && is_scalar(a))) {
    TypeRef known = is_symbolic(a) ? b : a;
    result.type = is_integer(known) ? types_.integer("int64_t") : known;
  } else if (pointers_compatible(a, b)) {
    result.type = is_void(pointee(a)) ? b : a;
  } else if ((is_pointer(a) || is_string(a)) && is_zero(no)) {
    result.type = a;
  } else if ((is_pointer(b) || is_string(b)) && is_zero(yes)) {
    result.type = b;
  } else if (same_type(a, b)) {
    result.type = a;
  } else {
    return fail(Tag::D_OP_INCOMPAT, expr.pos, "operator ?: operands must have compatible types");
  }
  result.narrow = yes.narrow && no.narrow && yes.type == no.type;
  result.origin = yes.origin == Origin::kNone || yes.origin == no.origin ? no.origin
                  : no.origin == Origin::kNone                           ? yes.origin
                                                                         : Origin::kBoth;
  result.args.push_back(std::move(condition));
  result.args.push_back(std::move(yes));
  result.args.push_back(std::move(no));
  return result;
}

Result<Expr> Sema::comma(const Expr& expr) {
  Expr result = shell(expr);
  for (const Expr& arg : expr.args) {
    if (is_action_call(arg)) return fail(Tag::D_OP_ACT, arg.pos, "operator , operands cannot be actions");
    ASSIGN_OR_RETURN(Expr operand, check(arg));
    if (is_dynamic(operand.type)) {
      return fail(Tag::D_OP_DYN, operand.pos, "operator , operands cannot be of dynamic type");
    }
    result.args.push_back(std::move(operand));
  }
  result.type = result.args[1].type;
  result.narrow = result.args[1].narrow;
  result.origin = result.args[1].origin;
  return result;
}

Result<Expr> Sema::assignment(const Expr& expr) {
  Expr result = shell(expr);
  Tok op = operator_of_assignment(expr.op);
  std::string_view spelling = punctuation(expr.op);
  // Before the right side is looked at, which may be an aggregating function.
  if (expr.args[0].kind == ExprKind::kAssign) return not_lvalue(expr.args[0].pos, spelling);
  bool creates = creates_variable(expr.args[0]);
  if (creates) creating_.push_back(&name_of(expr.args[0]));
  Result<Expr> checked = check(expr.args[1]);
  if (creates) creating_.pop_back();
  if (!checked.ok()) return checked;
  Expr right = std::move(*checked);
  TypeRef implied = types_.integer("int64_t");
  if (op == Tok::kEnd && right.kind == ExprKind::kXlate && !right.arrow) {
    ASSIGN_OR_RETURN(right, snapshot(std::move(right)));
  }
  if (op == Tok::kEnd) {
    // The type matters only if the name is new; target() complains about it then.
    implied = right.type;
  }
  ASSIGN_OR_RETURN(Expr left, target(expr.args[0], implied, spelling));
  result.type = left.type;
  result.narrow = true;
  result.args.push_back(std::move(left));
  result.args.push_back(std::move(right));
  if (op == Tok::kEnd) {
    TypeKind kind = stripped(result.args[0].type)->kind;
    if (kind == TypeKind::kFunction || kind == TypeKind::kArray) {
      return fail(Tag::D_OP_ARRFUN, expr.pos,
                  fmt::format("operator {} may not be applied to operand of type \"{}\"", spelling,
                              spell(result.args[0].type)));
    }
    RETURN_IF_ERROR(check_assignable(result.args[0], result.args[1], expr.op));
    result.origin = result.args[1].origin;
  } else {
    RETURN_IF_ERROR(check_compound(result, op));
    result.origin = result.args[0].origin;
  }
  RETURN_IF_ERROR(check_writable(result.args[0], spelling));
  RETURN_IF_ERROR(check_origin(result.args[0], result.args[1]));
  return result;
}

Result<void> Sema::check_compound(const Expr& result, Tok op) {
  const Expr &left = result.args[0], &right = result.args[1];
  std::string_view spelling = punctuation(result.op);
  if (op == Tok::kPlus || op == Tok::kMinus) {
    if (is_string(left.type) || is_string(right.type)) return incompatible(result, spelling);
    if (is_arithmetic(left.type) && is_arithmetic(right.type)) return {};
    if (!is_pointer(left.type) || stripped(pointee(left.type))->size == 0) {
      return fail(Tag::D_OP_VFPTR, result.pos,
                  fmt::format("operator {} requires left-hand scalar operand of known size", spelling));
    }
    if (is_arithmetic(right.type)) return {};
    return incompatible(result, spelling);
  }
  if (!is_arithmetic(left.type) || !is_arithmetic(right.type)) {
    return op == Tok::kStar || op == Tok::kSlash
               ? fail(Tag::D_OP_ARITH, result.pos,
                      fmt::format("operator {} requires operands of arithmetic type", spelling))
               : fail(Tag::D_OP_INT, result.pos,
                      fmt::format("operator {} requires operands of integral type", spelling));
  }
  if ((op == Tok::kSlash || op == Tok::kPercent) && is_zero(right)) {
    return fail(Tag::D_DIV_ZERO, right.pos, "expression contains division by zero");
  }
  return {};
}

Result<void> Sema::check_assignable(const Expr& left, Expr& right, Tok op) {
  TypeRef a = left.type, b = right.type;
  // 0 deletes a thread-local variable or an element, whatever its type.
  bool deletes = is_zero(right) && left.ref == Ref::kVariable && (left.scope == dif::Scope::kThread || left.is_array);
  if (deletes || (is_integer(a) && is_integer(b))) return {};
  if (is_string(a) && is_zero(right)) return {};
  if (is_string(a) && is_string_compatible(b)) {
    ASSIGN_OR_RETURN(right, as_string(std::move(right)));
    return {};
  }
  if (is_symbolic(a) && (is_scalar(b) || is_string_compatible(b))) return {};
  if (is_symbolic(b) && is_scalar(a)) return {};
  if (is_pointer(a) && (pointers_compatible(a, b) || is_zero(right))) return {};
  if (is_pointer(a) && is_string_compatible(a) && is_string_compatible(b)) return {};
  bool by_value = is_struct(a) || is_float(a);
  if (by_value && same_type(a, b)) return {};
  return fail(Tag::D_OP_INCOMPAT, right.pos,
              fmt::format("operands have incompatible types: \"{}\" {} \"{}\"", spell(a), punctuation(op), spell(b)));
}

Result<Expr> Sema::target(const Expr& left, TypeRef implied, std::string_view op) {
  if (creates_variable(left)) {
    ASSIGN_OR_RETURN(TypeRef type, storable(implied, op, left.pos));
    return create_variable(left, type);
  }
  return check(left);
}

bool Sema::creates_variable(const Expr& left) const {
  const Expr& name = name_of(left);
  if (name.kind != ExprKind::kIdent || symbols_.variable(name.scope, name.text) != nullptr) return false;
  if (name.scoped) return true;
  return frame_ == nullptr && symbols_.kind_of(name.text).empty() && function_word(name.text).empty() &&
         dif::find_subroutine(name.text) == nullptr && name.text.find('`') == std::string::npos;
}

Result<void> Sema::check_writable(const Expr& target, std::string_view op) const {
  if (target.writable) return {};
  if (target.ref == Ref::kBuiltin || target.ref == Ref::kBuiltinArray || target.memory) {
    return fail(Tag::D_OP_WRITE, target.pos, fmt::format("operator {} can only be applied to a writable variable", op));
  }
  return not_lvalue(target.pos, op);
}

// The type of a variable that a value of `type` creates.
Result<TypeRef> Sema::storable(TypeRef type, std::string_view op, const Pos& pos) {
  while (type->kind == TypeKind::kQualified) type = type->target;
  TypeKind kind = stripped(type)->kind;
  if (kind == TypeKind::kArray && is_string_compatible(type)) return types_.string_type();
  if (kind == TypeKind::kArray || kind == TypeKind::kFunction) {
    return fail(Tag::D_OP_ARRFUN, pos,
                fmt::format("operator {} may not be applied to operand of type \"{}\"", op, spell(type)));
  }
  if (kind == TypeKind::kVoid || is_dynamic(type)) {
    return fail(Tag::D_OP_INCOMPAT, pos,
                fmt::format("operands have incompatible types: \"{}\" {} \"{}\"", spell(type), op, spell(type)));
  }
  return type;
}

Result<Expr> Sema::create_variable(const Expr& left, TypeRef type) {
  bool indexed = left.kind == ExprKind::kIndex;
  const Expr& name = indexed ? left.args[0] : left;
  Variable variable;
  variable.name = name.text;
  variable.scope = name.scope;
  variable.type = type;
  variable.pos = name.pos;
  variable.is_array = indexed;
  if (indexed && name.scope == dif::Scope::kLocal) {
    return fail(Tag::D_ARR_LOCAL, left.pos,
                fmt::format("local variables may not be used as associative arrays: {}", name.text));
  }
  for (size_t i = 1; indexed && i < left.args.size(); i++) {
    ASSIGN_OR_RETURN(Expr key, check(left.args[i]));
    if (is_void(key.type) || is_dynamic(key.type) || stripped(key.type)->kind == TypeKind::kFunction) {
      return fail(Tag::D_KEY_TYPE, key.pos,
                  fmt::format("{} expression may not be used as associative array index: key #{}", spell(key.type), i));
    }
    ASSIGN_OR_RETURN(TypeRef key_type, storable(key.type, "[]", key.pos));
    variable.keys.push_back(key_type);
  }
  static constexpr size_t kMostKeys = dif::kTupleRegisters;
  if (variable.keys.size() > kMostKeys) {
    return fail(Tag::D_NOREG, left.pos, "Insufficient tuple registers to generate code",
                fmt::format("an array has at most {} keys", kMostKeys));
  }
  // The keys may have created it.
  if (symbols_.variable(name.scope, name.text) == nullptr) {
    ASSIGN_OR_RETURN(const Variable* added, symbols_.add_variable(std::move(variable)));
    if (!indexed) return variable_reference(left, *added);
  }
  return check(left);
}

}  // namespace ht::d
