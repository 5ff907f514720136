// Identifiers, unary operators, members, casts.
#include "d/sema.h"

#include <fmt/format.h>

#include <algorithm>

#include "d/actions.h"
#include "d/parser.h"

namespace ht::d {
namespace {

// Expansion of inlines can make a large tree out of a small program; this many nodes are enough for one expression.
constexpr unsigned kMaxNodes = 1 << 15;

constexpr std::string_view kIntKindNames[] = {"int",           "unsigned int", "long",
                                              "unsigned long", "long long",    "unsigned long long"};

}  // namespace

Expr shell(const Expr& expr) {
  Expr result;
  result.kind = expr.kind;
  result.op = expr.op;
  result.arrow = expr.arrow;
  result.scoped = expr.scoped;
  result.scope = expr.scope;
  result.depth = expr.depth;
  result.value = expr.value;
  result.pos = expr.pos;
  result.member_pos = expr.member_pos;
  result.text = expr.text;
  return result;
}

TypeRef promoted(TypeRef a, TypeRef b) {
  auto rank = [](TypeRef type) {
    TypeRef base = stripped(type);
    return base->size * 8 + (base->is_signed || base->kind == TypeKind::kEnum ? 0 : 1);
  };
  if (rank(a) != rank(b)) return rank(a) > rank(b) ? a : b;
  return stripped(a)->order >= stripped(b)->order ? a : b;
}

bool is_zero(const Expr& expr) {
  return expr.is_constant() && expr.value == 0;
}

Expr integer_constant_expr(uint64_t value, TypeRef type, const Pos& pos) {
  Expr result;
  result.kind = ExprKind::kInt;
  result.value = value;
  result.type = type;
  result.pos = pos;
  result.narrow = cut(value, stripped(type)->size, stripped(type)->is_signed) == value;
  return result;
}

uint64_t cut(uint64_t value, uint64_t size, bool is_signed) {
  if (size == 0 || size >= 8) return value;
  unsigned shift = 64 - static_cast<unsigned>(size) * 8;
  value <<= shift;
  return is_signed ? static_cast<uint64_t>(static_cast<int64_t>(value) >> shift) : value >> shift;
}

bool has_side_effects(const Expr& checked) {
  if (checked.kind == ExprKind::kAssign || checked.kind == ExprKind::kPrefix || checked.kind == ExprKind::kPostfix ||
      checked.kind == ExprKind::kCall) {
    return true;
  }
  return std::any_of(checked.args.begin(), checked.args.end(), has_side_effects);
}

bool is_writable_pointer(const Expr& checked) {
  if (checked.writable) return true;
  switch (checked.kind) {
    case ExprKind::kCast:
      return is_pointer(checked.type);
    case ExprKind::kPrefix:
    case ExprKind::kPostfix:
    case ExprKind::kAssign:
      return true;
    case ExprKind::kBinary:
      return std::any_of(checked.args.begin(), checked.args.end(),
                         [](const Expr& arg) { return !is_arithmetic(arg.type) && is_writable_pointer(arg); });
    default:
      return false;
  }
}

Result<Expr> Sema::check_expression(const Expr& expr) {
  nodes_ = 0;
  next_slot_ = 0;
  ASSIGN_OR_RETURN(Expr checked, check(expr));
  if (interfaces_ != nullptr) RETURN_IF_ERROR(interfaces_->use(checked));
  return checked;
}

Result<Expr> Sema::check(const Expr& expr) {
  struct Level {
    explicit Level(unsigned& d) : depth(d) { depth++; }
    ~Level() { depth--; }
    unsigned& depth;
  } level(depth_);
  // The parser bounds the depth of what is written; inlines add to it.
  if (depth_ > kMaxDepth + 64 || ++nodes_ > kMaxNodes) {
    return fail(Tag::D_SYNTAX, expr.pos, "expression is too large after the expansion of inlines");
  }
  switch (expr.kind) {
    case ExprKind::kInt: {
      std::string_view type = kIntKindNames[static_cast<size_t>(expr.int_kind)];
      // The scanner knows 64-bit longs only.
      if (types_.ilp32() && type == "long" && expr.value > INT32_MAX) type = "long long";
      if (types_.ilp32() && type == "unsigned long" && expr.value > UINT32_MAX) type = "unsigned long long";
      return integer_constant_expr(expr.value, types_.integer(type), expr.pos);
    }
    case ExprKind::kString: {
      Expr result = shell(expr);
      result.type = types_.string_type();
      return result;
    }
    case ExprKind::kIdent:
      return identifier(expr);
    case ExprKind::kAgg: {
      Expr result = shell(expr);
      result.type = types_.aggregation_type();
      return result;
    }
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
    case ExprKind::kComma:
      return comma(expr);
    case ExprKind::kCall:
      return call(expr);
    case ExprKind::kIndex:
      return index(expr);
    case ExprKind::kMember:
      return member(expr);
    case ExprKind::kCast:
      return cast(expr);
    case ExprKind::kSizeof:
      return size_of(expr);
    case ExprKind::kOffsetof:
      return offset_of(expr);
    case ExprKind::kDefined:
      return defined(expr);
    case ExprKind::kStringof:
      return string_of(expr);
    case ExprKind::kXlate:
      return xlate(expr);
    case ExprKind::kTranslate:
    case ExprKind::kRelocation:
    case ExprKind::kSymbol:
    case ExprKind::kSnapshot:
      break;  // never in a tree as parsed
  }
  return fail(Tag::D_UNKNOWN, expr.pos, "internal error -- unknown expression");
}

Error Sema::undefined(const Expr& ident) const {
  std::string hint = visible(ident.text) ? did_you_mean(ident.text, symbols_.identifiers(ident.scope)) : std::string();
  if (ident.scoped || is_being_created(ident)) {
    return fail(Tag::D_VAR_UNDEF, ident.pos,
                fmt::format("{}{} has not yet been declared or assigned", scope_prefix(ident.scope), ident.text), hint);
  }
  bool symbol = ident.text.find('`') != std::string::npos;
  return fail(Tag::D_IDENT_UNDEF, ident.pos,
              fmt::format("failed to resolve {}: Unknown {} name", ident.text, symbol ? "symbol" : "variable"), hint);
}

bool Sema::is_being_created(const Expr& ident) const {
  return std::any_of(creating_.begin(), creating_.end(), [&](const Expr* name) {
    return name->scoped == ident.scoped && name->scope == ident.scope && name->text == ident.text;
  });
}

Result<Expr> Sema::variable_reference(const Expr& expr, const Variable& variable) {
  Expr result = shell(expr);
  result.kind = ExprKind::kIdent;
  result.text = variable.name;
  result.type = variable.type;
  result.ref = Ref::kVariable;
  result.scope = variable.scope;
  result.id = variable.id;
  result.is_array = variable.is_array;
  result.origin = variable.origin;
  result.writable = result.narrow = true;
  return result;
}

Result<Expr> Sema::identifier(const Expr& expr) {
  if (!expr.scoped && frame_ != nullptr && frame_->translator != nullptr) {
    if (frame_->translator->parameter == expr.text) {
      Expr input = *frame_->input;
      input.pos = expr.pos;
      return input;
    }
  } else if (!expr.scoped && frame_ != nullptr) {
    const std::vector<InlineParameter>& parameters = frame_->definition->parameters;
    for (size_t i = 0; i < parameters.size(); i++) {
      if (parameters[i].name != expr.text) continue;
      const Frame* inner = frame_;
      frame_ = inner->outer;
      Result<Expr> value = check(*(*inner->arguments)[i]);
      frame_ = inner;
      if (!value.ok()) return value;
      Result<Expr> given =
          argument(std::move(*value), parameters[i].type, inner->definition->name + "[ ]", i + 1, "key");
      if (!given.ok()) return given;
      // 0 for a pointer, which fits one but is none.
      if (is_pointer(parameters[i].type) && is_integer(given->type)) {
        *given = converted(std::move(*given), parameters[i].type);
      }
      given->from_argument = true;
      return given;
    }
  }
  if (!expr.scoped && expr.text.find('`') != std::string::npos) return scoped_symbol(expr);
  if (const Variable* variable = symbols_.variable(expr.scope, expr.text)) {
    if (variable->is_array) {
      return fail(Tag::D_IDENT_BADREF, expr.pos,
                  fmt::format("associative array '{}' may not be referenced as scalar", expr.text));
    }
    return variable_reference(expr, *variable);
  }
  if (expr.scoped) return undefined(expr);
  if (std::shared_ptr<const Inline> found = symbols_.find_inline(expr.text); found != nullptr && visible(expr.text)) {
    if (found->is_array) {
      return fail(Tag::D_IDENT_BADREF, expr.pos,
                  fmt::format("inline '{}' may not be referenced without its arguments", expr.text));
    }
    return expand_inline(*found, {}, expr.pos);
  }
  if (expr.text == "NULL") return integer_constant_expr(0, types_.integer("long"), expr.pos);
  if (const int64_t* value = symbols_.enumerator(expr.text)) {
    return integer_constant_expr(static_cast<uint64_t>(*value), types_.int_type(), expr.pos);
  }
  const dif::VariableInfo* builtin = visible(expr.text) ? find_builtin(expr.text) : nullptr;
  if (builtin != nullptr && builtin->id == dif::kVarIpl) {
    return fail(Tag::D_UNKNOWN, expr.pos, "ipl is not implemented (yet)", "Linux has no interrupt priority levels");
  }
  if (builtin != nullptr && builtin->id < 0x100) {
    return fail(Tag::D_IDENT_BADREF, expr.pos, fmt::format("array '{}' may not be referenced as scalar", expr.text),
                fmt::format("{}[n] is one of its elements", expr.text));
  }
  if (builtin != nullptr) {
    Expr result = shell(expr);
    result.ref = Ref::kBuiltin;
    result.id = builtin->id;
    result.type = types_.from_spelling(builtin->type);
    result.narrow = true;
    if (is_pointer(result.type)) result.origin = Origin::kOther;
    return result;
  }
  std::string_view word = dif::find_subroutine(expr.text) != nullptr ? "function" : function_word(expr.text);
  if (!word.empty() && visible(expr.text)) {
    return fail(Tag::D_IDENT_BADREF, expr.pos,
                fmt::format("{} '{}' may not be referenced as variable", word, expr.text),
                fmt::format("a call is written {}()", expr.text));
  }
  if (const ExternSymbol* symbol = symbols_.extern_symbol(expr.text)) return extern_reference(expr, *symbol);
  return undefined(expr);
}

Result<Expr> Sema::expand_inline(const Inline& definition, const std::vector<const Expr*>& arguments, const Pos& pos) {
  Frame frame{&definition, &arguments, frame_, nullptr, nullptr};
  const Frame* before = frame_;
  frame_ = &frame;
  Result<Expr> body = check(definition.body);
  frame_ = before;
  if (!body.ok()) return body;
  if (is_translated(body->type)) {
    body->pos = pos;
    return body;
  }
  Expr value = converted(std::move(*body), definition.type);
  value.writable = value.memory = false;
  value.pos = pos;
  value.inlined = &definition;
  return value;
}

// The expression as a value of integer, pointer or string type `to`.
Expr Sema::converted(Expr expr, TypeRef to) const {
  if (expr.is_constant() && is_integer(to)) {
    TypeRef base = stripped(to);
    return integer_constant_expr(cut(expr.value, base->size, base->is_signed), to, expr.pos);
  }
  bool exact = !is_integer(to) || stripped(to)->size >= 8 || expr.narrow;
  if (expr.type == to && exact) return expr;
  Expr result;
  result.kind = is_string(to) ? ExprKind::kStringof : ExprKind::kCast;
  result.pos = expr.pos;
  result.type = to;
  result.narrow = true;
  result.depth = expr.depth;
  result.args.push_back(std::move(expr));
  return result;
}

Result<Expr> Sema::as_string(Expr checked) {
  if (is_string(checked.type)) return checked;
  return converted(std::move(checked), types_.string_type());
}

Result<Expr> Sema::unary(const Expr& expr) {
  Expr result = shell(expr);
  std::string_view op = punctuation(expr.op);
  ASSIGN_OR_RETURN(Expr operand, check(expr.args[0]));
  TypeRef type = operand.type;
  result.args.push_back(std::move(operand));
  if (expr.op == Tok::kStar) return dereference(std::move(result));
  if (expr.op == Tok::kAmp) return address_of(std::move(result));
  const Expr& arg = result.args[0];
  if (expr.op == Tok::kNot) {
    if (!is_scalar(type)) {
      return fail(Tag::D_OP_SCALAR, expr.pos, fmt::format("operator {} requires an operand of scalar type", op));
    }
    if (arg.is_constant()) return integer_constant_expr(arg.value == 0 ? 1 : 0, types_.int_type(), expr.pos);
    result.type = types_.int_type();
    result.narrow = true;
    return result;
  }
  if (!is_arithmetic(type)) {
    return expr.op == Tok::kTilde
               ? fail(Tag::D_OP_INT, expr.pos, fmt::format("operator {} requires an operand of integral type", op))
               : fail(Tag::D_OP_ARITH, expr.pos, fmt::format("operator {} requires an operand of arithmetic type", op));
  }
  if (arg.is_constant()) {
    TypeRef base = stripped(type);
    uint64_t value = expr.op == Tok::kMinus ? 0 - arg.value : expr.op == Tok::kTilde ? ~arg.value : arg.value;
    if (expr.op == Tok::kMinus && !base->is_signed) value = cut(value, base->size, false);
    return integer_constant_expr(value, type, expr.pos);
  }
  result.type = type;
  result.narrow = expr.op == Tok::kPlus && arg.narrow;
  return result;
}

Result<Expr> Sema::dereference(Expr result) {
  Expr& arg = result.args[0];
  if (is_translated_pointer(arg)) {
    return translated_data(arg.translator, std::move(arg.args[0]), false, result.pos);
  }
  result.memory = result.narrow = true;
  if (is_symbolic(arg.type)) {
    result.type = types_.unknown();
    result.user = is_userland(arg.type);
    return result;
  }
  TypeRef target = is_string(arg.type) ? types_.integer("char") : pointee(arg.type);
  if (target == nullptr) return fail(Tag::D_DEREF_NONPTR, result.pos, "cannot dereference non-pointer type");
  if (is_void(target)) return fail(Tag::D_DEREF_VOID, result.pos, "cannot dereference pointer to void");
  if (stripped(target)->kind == TypeKind::kFunction) {
    return fail(Tag::D_DEREF_FUNC, result.pos, "cannot dereference pointer to function");
  }
  result.type = target;
  result.user = is_userland(target);
  result.writable = !is_symbolic(target) && !result.user && is_writable_pointer(arg);
  return result;
}

Result<Expr> Sema::address_of(Expr result) {
  Expr& arg = result.args[0];
  if (arg.kind == ExprKind::kXlate && !arg.arrow) {
    return translated_data(arg.translator, std::move(arg.args[0]), true, result.pos);
  }
  if (is_translated(arg.type)) {
    return fail(Tag::D_ADDROF_VAR, result.pos, "cannot take address of dynamic object");
  }
  bool variable = arg.ref == Ref::kVariable || arg.ref == Ref::kBuiltin || arg.ref == Ref::kBuiltinArray;
  if (variable || arg.kind == ExprKind::kAgg) {
    return fail(Tag::D_ADDROF_VAR, result.pos, "cannot take address of dynamic variable");
  }
  if (!arg.memory) return fail(Tag::D_ADDROF_LVAL, result.pos, "unacceptable operand for unary & operator");
  if (arg.member != nullptr && arg.member->bits != 0) {
    return fail(Tag::D_ADDROF_BITFIELD, result.pos, "cannot take address of bit-field");
  }
  result.type = types_.pointer(arg.type);
  result.origin = arg.args.empty() ? Origin::kNone : arg.args[0].origin;
  result.narrow = true;
  return result;
}

Result<Expr> Sema::step(const Expr& expr) {
  std::string_view op = punctuation(expr.op);
  Expr result = shell(expr);
  ASSIGN_OR_RETURN(Expr operand, target(expr.args[0], types_.integer("int64_t"), op));
  TypeRef type = operand.type;
  result.origin = operand.origin;
  if (!is_scalar(type)) {
    return fail(Tag::D_OP_SCALAR, expr.pos, fmt::format("operator {} requires an operand of scalar type", op));
  }
  result.value = 1;
  if (is_pointer(type)) {
    result.value = stripped(pointee(type))->size;
    if (result.value == 0) {
      return fail(Tag::D_OP_VFPTR, expr.pos, fmt::format("operator {} requires an operand of known size", op));
    }
  }
  RETURN_IF_ERROR(check_writable(operand, op));
  result.type = type;
  result.narrow = true;
  result.args.push_back(std::move(operand));
  return result;
}

TypeRef Sema::known_struct(TypeRef type) {
  TypeRef base = stripped(type);
  if (base->kind == TypeKind::kSymbolic) {
    // Mentioned before it was declared.
    std::string_view name = base->name;
    size_t blank = name.find(' ');
    if (blank == std::string_view::npos) return nullptr;
    TypeKind kind = name.starts_with("struct ") ? TypeKind::kStruct : TypeKind::kUnion;
    return types_.find_tag(kind, name.substr(blank + 1));
  }
  return is_struct(base) ? base : nullptr;
}

Result<Expr> Sema::member(const Expr& expr) {
  Expr result = shell(expr);
  std::string_view op = expr.arrow ? "->" : ".";
  ASSIGN_OR_RETURN(Expr base, check(expr.args[0]));
  if (base.kind == ExprKind::kXlate) return translated_member(expr, std::move(base));
  TypeRef object = base.type;
  result.user = base.user;
  bool unknown_object = is_symbolic(object);
  if (expr.arrow && !unknown_object) {
    object = pointee(object);
    if (object == nullptr)
      return fail(Tag::D_OP_PTR, expr.pos, fmt::format("operator {} must be applied to a pointer", op));
    unknown_object = is_symbolic(object);
  }
  if (expr.arrow) result.user = is_userland(object);
  TypeRef known = known_struct(object);
  result.memory = result.narrow = true;
  // A variable may hold a guest's struct by value: the linker finds out.
  const bool held = base.ref == Ref::kVariable && (base.kind == ExprKind::kIdent || base.kind == ExprKind::kIndex);
  if (unknown_object && known == nullptr && (expr.arrow || base.memory || held)) {
    result.type = types_.unknown();
    result.args.push_back(std::move(base));
    return result;
  }
  if (known == nullptr) {
    return fail(Tag::D_OP_SOU, expr.pos,
                expr.arrow
                    ? fmt::format("operator -> cannot be applied to pointer to type \"{}\"; must be applied to a "
                                  "struct or union pointer",
                                  spell(object))
                    : fmt::format("operator {} cannot be applied to type \"{}\"; must be applied to a struct or "
                                  "union",
                                  op, spell(object)));
  }
  if (!known->complete) {
    return fail(Tag::D_OP_INCOMPLETE, expr.pos,
                fmt::format("operator {} cannot be applied to a forward declaration: no {} definition is available", op,
                            spell(known)),
                missing_types_hint());
  }
  result.member = find_member(known, expr.text);
  if (result.member == nullptr) {
    std::vector<std::string_view> names;
    for (const Member& m : members_of(known)) names.push_back(m.name);
    return fail(Tag::D_TYPE_MEMBER, expr.member_pos, fmt::format("{} is not a member of {}", expr.text, spell(known)),
                did_you_mean(expr.text, names));
  }
  result.type = result.member->type;
  result.writable = (expr.arrow ? is_writable_pointer(base) : base.writable) && !result.user;
  result.origin = expr.arrow ? Origin::kNone : base.origin;
  result.args.push_back(std::move(base));
  return result;
}

Result<Expr> Sema::cast(const Expr& expr) {
  ASSIGN_OR_RETURN(TypeRef to, type_of(*expr.type_name));
  if (is_symbolic(to) && stripped(to)->name.starts_with("enum ")) {
    if (std::optional<Expr> value = kernel_enumerator(expr.args[0])) return std::move(*value);
  }
  ASSIGN_OR_RETURN(Expr operand, check(expr.args[0]));
  TypeRef from = operand.type;
  TypeRef source = stripped(from);
  bool array = source->kind == TypeKind::kArray || source->kind == TypeKind::kString;
  bool allowed = is_void(to) || (is_scalar(to) && (is_scalar(from) || source->kind == TypeKind::kFunction)) ||
                 (is_pointer(to) && array) || (is_string(to) && (is_scalar(from) || is_string_compatible(from))) ||
                 (!is_struct(to) && same_type(to, from));
  if (!allowed) {
    return fail(Tag::D_CAST_INVAL, expr.pos,
                fmt::format("invalid cast expression: \"{}\" to \"{}\"", spell(from), spell(to)));
  }
  if (operand.is_constant() && is_integer(to)) return converted(std::move(operand), to);
  Expr result = shell(expr);
  result.type = to;
  result.narrow = true;
  result.origin = operand.origin;
  if (is_pointer(to) && operand.origin == Origin::kNone && !is_zero(operand)) result.origin = Origin::kOther;
  result.args.push_back(std::move(operand));
  return result;
}

Result<Expr> Sema::size_of(const Expr& expr) {
  TypeRef type = nullptr;
  uint64_t size = 0;
  std::optional<Expr> symbolic;
  if (expr.type_name != nullptr) {
    ASSIGN_OR_RETURN(type, type_of(*expr.type_name));
    size = stripped(type)->size;
    if (is_symbolic(type)) symbolic = symbolic_size(expr, nullptr, type);
  } else {
    // Not evaluated, so the names in it need not have been assigned for good: what it would create is forgotten.
    SymbolTable::Mark before(symbols_);
    ASSIGN_OR_RETURN(Expr operand, check(expr.args[0]));
    before.take_back();
    type = operand.type;
    if (is_symbolic(type)) symbolic = symbolic_size(expr, &operand, type);
    size = operand.kind == ExprKind::kString ? operand.text.size() + 1 : stripped(type)->size;
    if (operand.member != nullptr && operand.member->bits != 0) {
      return fail(Tag::D_SIZEOF_BITFIELD, expr.pos, "cannot apply sizeof to a bit-field");
    }
  }
  if (symbolic.has_value()) return std::move(*symbolic);
  if (size == 0 || is_symbolic(type)) {
    return fail(Tag::D_SIZEOF_TYPE, expr.pos, "cannot apply sizeof to an operand of unknown size");
  }
  return integer_constant_expr(size, types_.integer("size_t"), expr.pos);
}

Result<Expr> Sema::offset_of(const Expr& expr) {
  ASSIGN_OR_RETURN(TypeRef type, type_of(*expr.type_name));
  TypeRef known = known_struct(type);
  if (known == nullptr && is_symbolic(type) && !stripped(type)->name.empty()) {
    return relocation(expr, fmt::format("offsetof({}, {})", stripped(type)->name, expr.text), types_.int_type());
  }
  if (known == nullptr || !known->complete) {
    return fail(Tag::D_OFFSETOF_TYPE, expr.pos, "offsetof operand must be a struct or union type");
  }
  const Member* found = find_member(known, expr.text);
  if (found == nullptr) {
    return fail(Tag::D_TYPE_MEMBER, expr.member_pos, fmt::format("{} is not a member of {}", expr.text, spell(known)));
  }
  if (found->bits != 0) {
    return fail(Tag::D_OFFSETOF_BITFIELD, expr.pos, fmt::format("cannot take offset of a bit-field: {}", expr.text));
  }
  return integer_constant_expr(found->offset, types_.int_type(), expr.pos);
}

Result<Expr> Sema::string_of(const Expr& expr) {
  ASSIGN_OR_RETURN(Expr operand, check(expr.args[0]));
  if (!is_scalar(operand.type) && !is_string_compatible(operand.type)) {
    return fail(Tag::D_STRINGOF_TYPE, expr.pos,
                fmt::format("cannot apply stringof to a value of type {}", spell(operand.type)));
  }
  Expr result = shell(expr);
  result.type = types_.string_type();
  result.value = 1;  // written so, not implied
  result.args.push_back(std::move(operand));
  return result;
}

}  // namespace ht::d
