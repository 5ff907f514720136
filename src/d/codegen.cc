// Code generation (reference, section 12; the shapes of code are DTrace's where that matters to a reader of -S).
//
// A value is held in a 64-bit register, or is the address of what it is: strings, structs, arrays. Where a type says
// that a value is narrower, it is cut when it is stored, passed, cast or returned (Expr::narrow tells which need it
// not).
#include "d/codegen.h"

#include <fmt/format.h>

#include <algorithm>

#include "d/actions.h"
#include "d/emitter.h"
#include "d/generator.h"
#include "d/instructions.h"
#include "d/sema.h"

namespace ht::d {

bool by_reference(TypeRef type) {
  TypeKind kind = stripped(type)->kind;
  return kind == TypeKind::kString || kind == TypeKind::kArray || kind == TypeKind::kStruct ||
         kind == TypeKind::kUnion || kind == TypeKind::kFloat;
}

namespace {

// Whether an operator on these works on signed numbers. What is symbolic counts as int64_t.
bool is_signed_operation(TypeRef a, TypeRef b) {
  if (is_symbolic(a)) std::swap(a, b);
  if (is_symbolic(a)) return true;
  if (!is_integer(a)) return false;
  if (is_symbolic(b)) return stripped(a)->is_signed || stripped(a)->size < 8;
  return is_integer(b) && stripped(promoted(a, b))->is_signed;
}

bool is_signed_value(TypeRef type) {
  return is_symbolic(type) || stripped(type)->is_signed;
}

// Whether the value of `expr` needs no cutting to be one of type `to`.
bool fits(const Expr& expr, TypeRef to) {
  TypeRef from = stripped(expr.type), wanted = stripped(to);
  if (!is_integer(wanted) || wanted->size >= 8) return true;
  if (!expr.narrow || !is_integer(from)) return false;
  if (from->size == wanted->size) return from->is_signed == wanted->is_signed;
  return from->size < wanted->size && (!from->is_signed || wanted->is_signed);
}

// Whether something in it is of a type that only the linker knows.
bool has_symbolic(const Expr& expr) {
  return is_symbolic(expr.type) || is_address_of_unknown(expr.type) ||
         std::any_of(expr.args.begin(), expr.args.end(), has_symbolic);
}

// How the linker is to see what a cast makes of such a value, if the type is one that it does not find in the kernel's.
std::string_view stated_type(TypeRef to) {
  TypeRef type = stripped(to);
  if (is_integer(type)) return type->size != 8 ? "" : type->is_signed ? "int64_t" : "uint64_t";
  if (!is_pointer(type)) return "";
  TypeRef target = stripped(pointee(type));
  return is_integer(target) && target->size == 1 ? "char *" : "void *";
}

bool uses_tuple(const Expr& expr) {
  if (expr.ref == Ref::kSubroutine || expr.kind == ExprKind::kSnapshot ||
      (expr.kind == ExprKind::kIndex && expr.ref == Ref::kVariable))
    return true;
  return std::any_of(expr.args.begin(), expr.args.end(), uses_tuple);
}

}  // namespace

Result<Reg> Generator::value(const Expr& expr) {
  out_.at(expr.pos);
  if (expr.memory) {
    ASSIGN_OR_RETURN(Reg reg, address(expr));
    RETURN_IF_ERROR(load(reg, expr));
    return reg;
  }
  switch (expr.kind) {
    case ExprKind::kInt: {
      ASSIGN_OR_RETURN(Reg reg, out_.take());
      RETURN_IF_ERROR(out_.integer(expr.value, reg));
      return reg;
    }
    case ExprKind::kString: {
      ASSIGN_OR_RETURN(Reg reg, out_.take());
      RETURN_IF_ERROR(out_.text(Op::kSets, expr.text, reg));
      return reg;
    }
    case ExprKind::kRelocation: {
      ASSIGN_OR_RETURN(Reg reg, out_.take());
      RETURN_IF_ERROR(out_.text(Op::kUsetx, expr.text, reg));
      return reg;
    }
    case ExprKind::kIdent:
      return variable(expr);
    case ExprKind::kIndex:
      return expr.ref == Ref::kBuiltinArray ? builtin_element(expr) : variable(expr);
    case ExprKind::kUnary:
      return unary(expr);
    case ExprKind::kPrefix:
    case ExprKind::kPostfix:
      return step(expr);
    case ExprKind::kBinary:
      return binary(expr);
    case ExprKind::kAssign:
      return assignment(expr);
    case ExprKind::kCond:
      return conditional(expr);
    case ExprKind::kComma: {
      ASSIGN_OR_RETURN(Reg ignored, value(expr.args[0]));
      out_.give(ignored);
      return value(expr.args[1]);
    }
    case ExprKind::kCall:
      return call(expr);
    case ExprKind::kCast:
      return cast(expr);
    case ExprKind::kStringof: {
      ASSIGN_OR_RETURN(Reg reg, value(expr.args[0]));
      // Whatever it is, if stringof() is written there; otherwise the linker sees to it that it is one.
      if (expr.value != 0 && has_symbolic(expr.args[0])) RETURN_IF_ERROR(out_.text(Op::kTypecast, "string", reg));
      return reg;
    }
    case ExprKind::kAgg:
      return fail(Tag::D_CG_DYN, expr.pos, "expression cannot evaluate to result of dynamic type");
    case ExprKind::kTranslate:
      return translate(expr);
    case ExprKind::kSymbol:
      return kernel_symbol(expr);
    case ExprKind::kSnapshot:
      return snapshot(expr);
    default:
      break;
  }
  return fail(Tag::D_UNKNOWN, expr.pos, "internal error -- no code for this expression");
}

Result<Reg> Generator::variable(const Expr& expr) {
  if (expr.ref == Ref::kTranslatorInput) {
    ASSIGN_OR_RETURN(Reg reg, out_.take());
    out_.move(inputs_[expr.id], reg);
    return reg;
  }
  const VariableOps& ops = ops_of(expr.scope);
  if (expr.is_array) RETURN_IF_ERROR(push_all(expr.args));
  out_.at(expr.pos);
  ASSIGN_OR_RETURN(Reg reg, out_.take());
  out_.indexed(expr.is_array ? ops.load_element : ops.load, expr.id, reg);
  return reg;
}

Result<Reg> Generator::kernel_symbol(const Expr& expr) {
  ASSIGN_OR_RETURN(Reg reg, out_.take());
  RETURN_IF_ERROR(out_.text(Op::kUsetx, fmt::format("sym({})", expr.text), reg));
  if (std::string stated = symbolic_name(expr.type); !stated.empty()) {
    RETURN_IF_ERROR(out_.text(Op::kTypecast, stated, reg));
  }
  return reg;
}

Result<Reg> Generator::builtin_element(const Expr& expr) {
  ASSIGN_OR_RETURN(Reg reg, out_.take());
  RETURN_IF_ERROR(out_.integer(expr.value, reg));
  out_.three(Op::kLdga, expr.id, reg, reg);
  return reg;
}

// The address of an lvalue in memory.
Result<Reg> Generator::address(const Expr& expr) {
  if (expr.kind == ExprKind::kUnary) return value(expr.args[0]);
  const Expr& base = expr.args[0];
  Result<Reg> object = expr.arrow || !base.memory ? value(base) : address(base);
  if (!object.ok()) return object;
  out_.at(expr.member_pos);
  if (expr.member != nullptr && expr.member->offset == 0) return *object;
  ASSIGN_OR_RETURN(Reg offset, out_.take());
  if (expr.member != nullptr) {
    RETURN_IF_ERROR(out_.integer(expr.member->offset, offset));
  } else {
    RETURN_IF_ERROR(out_.text(Op::kUsetx, expr.text, offset));
  }
  out_.three(Op::kAdd, *object, offset, *object);
  out_.give(offset);
  return *object;
}

// What is at the address in `reg`, into `reg`.
Result<void> Generator::load(Reg reg, const Expr& expr) {
  TypeRef type = stripped(expr.type);
  if (by_reference(type) || type->kind == TypeKind::kFunction) return {};
  if (type->kind == TypeKind::kSymbolic) {
    out_.three(expr.user ? Op::kUuload : Op::kUload, reg, 0, reg);
    return {};
  }
  bool bits = expr.member != nullptr && expr.member->bits != 0;
  uint64_t size = bits ? expr.member->unit : type->size;
  out_.three(load_op(size, type->is_signed && !bits, expr.user), reg, 0, reg);
  if (!bits) return {};
  unsigned above = 64 - expr.member->bit_offset - expr.member->bits;
  RETURN_IF_ERROR(shift_by(Op::kSll, reg, above));
  return shift_by(type->is_signed ? Op::kSra : Op::kSrl, reg, 64U - expr.member->bits);
}

Result<void> Generator::shift_by(Op op, Reg reg, unsigned count) {
  if (count == 0) return {};
  ASSIGN_OR_RETURN(Reg amount, out_.take());
  RETURN_IF_ERROR(out_.integer(count, amount));
  out_.three(op, reg, amount, reg);
  out_.give(amount);
  return {};
}

Result<void> Generator::cut_to(Reg reg, const Expr& from, TypeRef to) {
  return fits(from, to) ? Result<void>() : cut_always(reg, to);
}

Result<void> Generator::cut_always(Reg reg, TypeRef to) {
  TypeRef type = stripped(to);
  if (!is_integer(type) || type->size >= 8) return {};
  ASSIGN_OR_RETURN(Reg amount, out_.take());
  RETURN_IF_ERROR(out_.integer(64 - type->size * 8, amount));
  out_.three(Op::kSll, reg, amount, reg);
  out_.three(type->is_signed ? Op::kSra : Op::kSrl, reg, amount, reg);
  out_.give(amount);
  return {};
}

// After a comparison: 1 into `reg` if the branch is taken, else 0.
Result<void> Generator::boolean(Reg reg, Op true_branch) {
  Label yes, end;
  out_.jump(true_branch, yes);
  out_.move(0, reg);
  out_.jump(Op::kBa, end);
  out_.here(yes);
  RETURN_IF_ERROR(out_.integer(1, reg));
  out_.here(end);
  return {};
}

Result<Reg> Generator::unary(const Expr& expr) {
  if (expr.op == Tok::kAmp) return address(expr.args[0]);
  ASSIGN_OR_RETURN(Reg reg, value(expr.args[0]));
  out_.at(expr.pos);
  if (expr.op == Tok::kMinus) {
    out_.three(Op::kSub, 0, reg, reg);
  } else if (expr.op == Tok::kTilde) {
    out_.three(Op::kNot, reg, 0, reg);
  } else if (expr.op == Tok::kNot) {
    out_.three(Op::kTst, reg, 0, 0);
    RETURN_IF_ERROR(boolean(reg, Op::kBe));
  }
  return reg;
}

Result<void> Generator::scale(Reg reg, TypeRef pointer) {
  TypeRef element = pointee(pointer);
  uint64_t size = element == nullptr ? 1 : stripped(element)->size;  // a string counts as char *
  const bool symbolic = element != nullptr && is_symbolic(element);
  if (size <= 1 && !symbolic) return {};
  ASSIGN_OR_RETURN(Reg factor, out_.take());
  RETURN_IF_ERROR(symbolic ? out_.text(Op::kUsetx, "[]", factor) : out_.integer(size, factor));
  out_.three(Op::kMul, reg, factor, reg);
  out_.give(factor);
  return {};
}

Result<void> Generator::arithmetic(Tok op, Reg left, TypeRef left_type, Reg right, TypeRef right_type, Reg into) {
  bool is_signed = is_signed_operation(left_type, right_type);
  bool pointer_left = !is_arithmetic(left_type), pointer_right = !is_arithmetic(right_type);
  switch (op) {
    case Tok::kPlus:
      if (pointer_left) RETURN_IF_ERROR(scale(right, left_type));
      if (pointer_right) RETURN_IF_ERROR(scale(left, right_type));
      out_.three(Op::kAdd, left, right, into);
      return {};
    case Tok::kMinus: {
      if (pointer_left && !pointer_right) RETURN_IF_ERROR(scale(right, left_type));
      out_.three(Op::kSub, left, right, into);
      TypeRef element = pointer_left && pointer_right ? pointee(left_type) : nullptr;
      // Two values of the kernel's types may turn out to be pointers, too.
      const bool symbolic =
          element != nullptr ? is_symbolic(element)
                             : is_symbolic(left_type) && (is_symbolic(right_type) || is_address_of_unknown(right_type));
      if (!symbolic && (element == nullptr || stripped(element)->size <= 1)) return {};
      RETURN_IF_ERROR(symbolic ? out_.text(Op::kUsetx, "[]", right) : out_.integer(stripped(element)->size, right));
      out_.three(Op::kSdiv, into, right, into);
      return {};
    }
    case Tok::kStar:
      out_.three(Op::kMul, left, right, into);
      return {};
    case Tok::kSlash:
      out_.three(is_signed ? Op::kSdiv : Op::kUdiv, left, right, into);
      return {};
    case Tok::kPercent:
      out_.three(is_signed ? Op::kSrem : Op::kUrem, left, right, into);
      return {};
    case Tok::kAmp:
      out_.three(Op::kAnd, left, right, into);
      return {};
    case Tok::kCaret:
      out_.three(Op::kXor, left, right, into);
      return {};
    case Tok::kBar:
      out_.three(Op::kOr, left, right, into);
      return {};
    case Tok::kShl:
      out_.three(Op::kSll, left, right, into);
      return {};
    default:
      out_.three(is_signed_value(left_type) ? Op::kSra : Op::kSrl, left, right, into);
      return {};
  }
}

Result<Reg> Generator::binary(const Expr& expr) {
  if (is_comparison(expr.op)) return comparison(expr);
  if (expr.op == Tok::kAndAnd || expr.op == Tok::kOrOr) return logical(expr);
  if (expr.op == Tok::kXorXor) return exclusive_or(expr);
  ASSIGN_OR_RETURN(Reg left, value(expr.args[0]));
  ASSIGN_OR_RETURN(Reg right, value(expr.args[1]));
  out_.at(expr.pos);
  RETURN_IF_ERROR(arithmetic(expr.op, left, expr.args[0].type, right, expr.args[1].type, left));
  out_.give(right);
  return left;
}

Result<Reg> Generator::comparison(const Expr& expr) {
  const Expr &a = expr.args[0], &b = expr.args[1];
  bool strings = (is_string(a.type) || is_string(b.type)) && !is_zero(a) && !is_zero(b);
  bool is_signed = strings || is_signed_operation(a.type, b.type);
  ASSIGN_OR_RETURN(Reg left, value(a));
  if (is_zero(b) && (expr.op == Tok::kEq || expr.op == Tok::kNe)) {
    out_.at(expr.pos);
    out_.three(Op::kTst, left, 0, 0);
    RETURN_IF_ERROR(boolean(left, branch_op(expr.op, is_signed)));
    return left;
  }
  ASSIGN_OR_RETURN(Reg right, value(b));
  out_.at(expr.pos);
  out_.three(strings ? Op::kScmp : Op::kCmp, left, right, 0);
  out_.give(right);
  RETURN_IF_ERROR(boolean(left, branch_op(expr.op, is_signed)));
  return left;
}

// && and ||: the right side is evaluated only when the left does not decide.
Result<Reg> Generator::logical(const Expr& expr) {
  bool is_and = expr.op == Tok::kAndAnd;
  Label decided, end;
  ASSIGN_OR_RETURN(Reg left, value(expr.args[0]));
  out_.at(expr.pos);
  out_.three(Op::kTst, left, 0, 0);
  out_.jump(is_and ? Op::kBe : Op::kBne, decided);
  out_.give(left);
  ASSIGN_OR_RETURN(Reg right, value(expr.args[1]));
  out_.at(expr.pos);
  out_.three(Op::kTst, right, 0, 0);
  out_.jump(is_and ? Op::kBe : Op::kBne, decided);
  RETURN_IF_ERROR(out_.integer(is_and ? 1 : 0, right));
  out_.jump(Op::kBa, end);
  out_.here(decided);
  RETURN_IF_ERROR(out_.integer(is_and ? 0 : 1, right));
  out_.here(end);
  return right;
}

Result<Reg> Generator::exclusive_or(const Expr& expr) {
  ASSIGN_OR_RETURN(Reg left, value(expr.args[0]));
  out_.at(expr.pos);
  out_.three(Op::kTst, left, 0, 0);
  RETURN_IF_ERROR(boolean(left, Op::kBne));
  ASSIGN_OR_RETURN(Reg right, value(expr.args[1]));
  out_.at(expr.pos);
  out_.three(Op::kTst, right, 0, 0);
  RETURN_IF_ERROR(boolean(right, Op::kBne));
  out_.three(Op::kXor, left, right, left);
  out_.give(right);
  return left;
}

Result<Reg> Generator::conditional(const Expr& expr) {
  Label otherwise, end;
  ASSIGN_OR_RETURN(Reg condition, value(expr.args[0]));
  out_.at(expr.pos);
  out_.three(Op::kTst, condition, 0, 0);
  out_.jump(Op::kBe, otherwise);
  out_.give(condition);
  ASSIGN_OR_RETURN(Reg result, value(expr.args[1]));
  out_.jump(Op::kBa, end);
  out_.give(result);
  out_.here(otherwise);
  ASSIGN_OR_RETURN(Reg second, value(expr.args[2]));
  if (second != result) {
    RETURN_IF_ERROR(out_.take(result));
    out_.move(second, result);
    out_.give(second);
  }
  out_.here(end);
  return result;
}

Result<Reg> Generator::cast(const Expr& expr) {
  const Expr& arg = expr.args[0];
  ASSIGN_OR_RETURN(Reg reg, value(arg));
  out_.at(expr.pos);
  RETURN_IF_ERROR(cut_to(reg, arg, expr.type));
  std::string stated = symbolic_name(expr.type);
  if (stated.empty() && !is_symbolic(expr.type) && !is_address_of_unknown(expr.type) && has_symbolic(arg)) {
    stated = stated_type(expr.type);
  }
  if (!stated.empty()) RETURN_IF_ERROR(out_.text(Op::kTypecast, stated, reg));
  return reg;
}

Result<void> Generator::push(const Expr& arg, Reg reg) {
  TypeRef type = stripped(arg.type);
  if (is_string(type)) {
    out_.three(Op::kPushtr, dif::kTypeString, 0, reg);
  } else if (by_reference(type)) {
    ASSIGN_OR_RETURN(Reg size, out_.take());
    RETURN_IF_ERROR(out_.integer(type->size, size));
    out_.three(Op::kPushtr, dif::kTypeD, size, reg);
    out_.give(size);
  } else {
    out_.three(Op::kPushtv, dif::kTypeD, 0, reg);
  }
  return {};
}

// Fills the tuple stack. There is one such stack: arguments that use it themselves are all evaluated before the first
// push; others are pushed one by one, which takes one register however many there are.
Result<void> Generator::push_all(const std::vector<Expr>& args) {
  Pos where = out_.pos();
  std::vector<Reg> ready;
  if (std::any_of(args.begin(), args.end(), uses_tuple)) {
    for (const Expr& arg : args) {
      ASSIGN_OR_RETURN(Reg reg, value(arg));
      ready.push_back(reg);
    }
  }
  out_.at(where);
  out_.three(Op::kFlushts, 0, 0, 0);
  for (size_t i = 0; i < args.size(); i++) {
    Reg reg = 0;
    if (ready.empty()) {
      ASSIGN_OR_RETURN(reg, value(args[i]));
    } else {
      reg = ready[i];
    }
    out_.at(args[i].pos);
    RETURN_IF_ERROR(push(args[i], reg));
    out_.give(reg);
  }
  out_.at(where);
  return {};
}

Result<Reg> Generator::call(const Expr& expr) {
  RETURN_IF_ERROR(push_all(expr.args));
  ASSIGN_OR_RETURN(Reg reg, out_.take());
  out_.indexed(Op::kCall, expr.id, reg);
  if (expr.id == static_cast<uint16_t>(dif::Subr::kCopyout) ||
      expr.id == static_cast<uint16_t>(dif::Subr::kCopyoutstr)) {
    out_.mark_destructive();
  }
  return reg;
}

// Pushes the keys of an element first.
Result<void> Generator::store_variable(const Expr& left, Reg reg) {
  const VariableOps& ops = ops_of(left.scope);
  if (left.is_array) RETURN_IF_ERROR(push_all(left.args));
  out_.indexed(left.is_array ? ops.store_element : ops.store, left.id, reg);
  return {};
}

// The value in `from` to the address in `to`.
Result<void> Generator::store_memory(TypeRef type, Reg from, Reg to) {
  TypeRef base = stripped(type);
  if (!by_reference(base)) {
    out_.three(store_op(base->size), from, 0, to);
    return {};
  }
  if (is_string(base)) return store_string(from, to);
  ASSIGN_OR_RETURN(Reg size, out_.take());
  RETURN_IF_ERROR(out_.integer(base->size, size));
  out_.three(Op::kCopys, from, size, to);
  out_.give(size);
  return {};
}

// A string may be shorter than its type, or longer, so it is first cut to that: strjoin(from, ""). Then it is copied up
// to and with its NUL.
Result<void> Generator::store_string(Reg from, Reg to) {
  ASSIGN_OR_RETURN(Reg text, out_.take());
  ASSIGN_OR_RETURN(Reg size, out_.take());
  RETURN_IF_ERROR(out_.text(Op::kSets, "", text));
  out_.three(Op::kFlushts, 0, 0, 0);
  out_.three(Op::kPushtr, dif::kTypeString, 0, from);
  out_.three(Op::kPushtr, dif::kTypeString, 0, text);
  out_.indexed(Op::kCall, static_cast<unsigned>(dif::Subr::kStrjoin), text);
  out_.three(Op::kFlushts, 0, 0, 0);
  out_.three(Op::kPushtr, dif::kTypeString, 0, text);
  out_.indexed(Op::kCall, static_cast<unsigned>(dif::Subr::kStrlen), size);
  ASSIGN_OR_RETURN(Reg one, out_.take());
  RETURN_IF_ERROR(out_.integer(1, one));
  out_.three(Op::kAdd, size, one, size);
  out_.three(Op::kCopys, text, size, to);
  out_.give(one);
  out_.give(size);
  out_.give(text);
  return {};
}

// Into a bit-field: the unit around it is read, changed, written.
Result<void> Generator::store_field(const Member& field, Reg from, Reg to) {
  uint64_t size = field.unit;
  uint64_t mask = field.bits >= 64 ? UINT64_MAX : (uint64_t{1} << field.bits) - 1;
  ASSIGN_OR_RETURN(Reg unit, out_.take());
  ASSIGN_OR_RETURN(Reg value, out_.take());
  ASSIGN_OR_RETURN(Reg scratch, out_.take());
  out_.three(load_op(size, false, false), to, 0, unit);
  RETURN_IF_ERROR(out_.integer(~(mask << field.bit_offset), scratch));
  out_.three(Op::kAnd, unit, scratch, unit);
  RETURN_IF_ERROR(out_.integer(mask, scratch));
  out_.three(Op::kAnd, from, scratch, value);
  RETURN_IF_ERROR(shift_by(Op::kSll, value, field.bit_offset));
  out_.three(Op::kOr, unit, value, unit);
  out_.three(store_op(size), unit, 0, to);
  out_.give(scratch);
  out_.give(value);
  out_.give(unit);
  return {};
}

Result<void> Generator::store(const Expr& left, Reg from, Reg to) {
  bool field = left.member != nullptr && left.member->bits != 0;
  return field ? store_field(*left.member, from, to) : store_memory(left.type, from, to);
}

// A value as it reads back from where it was stored.
Result<void> Generator::cut_to_bits(Reg reg, const Expr& left) {
  if (left.member == nullptr || left.member->bits == 0) return {};
  unsigned above = 64U - left.member->bits;
  RETURN_IF_ERROR(shift_by(Op::kSll, reg, above));
  return shift_by(stripped(left.type)->is_signed ? Op::kSra : Op::kSrl, reg, above);
}

Result<Reg> Generator::assignment(const Expr& expr) {
  const Expr &left = expr.args[0], &right = expr.args[1];
  ASSIGN_OR_RETURN(Reg reg, value(right));
  out_.at(expr.pos);
  Tok op = operator_of_assignment(expr.op);
  if (op != Tok::kEnd) return update(left, op, reg, right.type, false);
  RETURN_IF_ERROR(cut_to(reg, right, left.type));
  if (!left.memory) {
    RETURN_IF_ERROR(store_variable(left, reg));
    return reg;
  }
  ASSIGN_OR_RETURN(Reg to, address(left));
  out_.at(expr.pos);
  RETURN_IF_ERROR(store(left, reg, to));
  out_.give(to);
  RETURN_IF_ERROR(cut_to_bits(reg, left));
  return reg;
}

Result<Reg> Generator::step(const Expr& expr) {
  const Expr& left = expr.args[0];
  ASSIGN_OR_RETURN(Reg amount, out_.take());
  RETURN_IF_ERROR(out_.integer(1, amount));
  Tok op = expr.op == Tok::kIncrement ? Tok::kPlus : Tok::kMinus;
  // The 1 is of a type that changes nothing about the operation; pointers scale it.
  TypeRef one = is_pointer(left.type) ? nullptr : left.type;
  if (one == nullptr) {
    RETURN_IF_ERROR(out_.integer(expr.value, amount));
    one = left.type;
  }
  return update(left, op, amount, one, expr.kind == ExprKind::kPostfix);
}

Result<Reg> Generator::update(const Expr& left, Tok op, Reg right, TypeRef right_type, bool want_old) {
  Pos where = out_.pos();
  Reg place = 0, reg = 0;
  if (left.memory) {
    ASSIGN_OR_RETURN(place, address(left));
    ASSIGN_OR_RETURN(reg, out_.take());
    out_.move(place, reg);
    RETURN_IF_ERROR(load(reg, left));
  } else {
    ASSIGN_OR_RETURN(reg, variable(left));
  }
  out_.at(where);
  Reg result = reg;
  if (want_old) {
    ASSIGN_OR_RETURN(result, out_.take());
  }
  bool prescaled = is_pointer(left.type) && is_pointer(right_type);
  if (prescaled) {
    out_.three(op == Tok::kPlus ? Op::kAdd : Op::kSub, reg, right, result);
  } else {
    RETURN_IF_ERROR(arithmetic(op, reg, left.type, right, right_type, result));
  }
  out_.give(right);
  RETURN_IF_ERROR(cut_always(result, left.type));
  if (left.memory) {
    RETURN_IF_ERROR(store(left, result, place));
    RETURN_IF_ERROR(cut_to_bits(result, left));
    out_.give(place);
  } else if (left.is_array && std::any_of(left.args.begin(), left.args.end(), has_side_effects)) {
    // The keys are still on the tuple stack; evaluating them again would do twice what they do.
    out_.indexed(ops_of(left.scope).store_element, left.id, result);
  } else {
    RETURN_IF_ERROR(store_variable(left, result));
  }
  if (!want_old) return result;
  out_.give(result);
  return reg;
}

Result<dif::Difo> generate(const Expr& checked, Use use, std::vector<std::string>& files, Sema& sema) {
  if (is_translated(checked.type)) {
    return fail(Tag::D_CG_DYN, checked.pos, "expression cannot evaluate to result of dynamic type");
  }
  Emitter out(files, sema.symbols(), sema.types());
  Generator generator(out);
  ASSIGN_OR_RETURN(Reg reg, generator.value(checked));
  out.at(checked.pos);
  if (use == Use::kEffect) return out.finish(0, dif::Type::none());
  RETURN_IF_ERROR(generator.cut_to(reg, checked, checked.type));
  return out.finish(reg, to_dif(checked.type));
}

}  // namespace ht::d
