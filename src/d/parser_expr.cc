// Expressions by precedence climbing (reference, section 2.2).
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "d/parser.h"

namespace ht::d {
namespace {

struct Precedence {
  Tok op;
  unsigned level;  // higher binds tighter; all are left associative
};
constexpr Precedence kBinary[] = {
    {Tok::kStar, 12}, {Tok::kSlash, 12}, {Tok::kPercent, 12}, {Tok::kPlus, 11}, {Tok::kMinus, 11},
    {Tok::kShl, 10},  {Tok::kShr, 10},   {Tok::kLt, 9},       {Tok::kLe, 9},    {Tok::kGt, 9},
    {Tok::kGe, 9},    {Tok::kEq, 8},     {Tok::kNe, 8},       {Tok::kAmp, 7},   {Tok::kCaret, 6},
    {Tok::kBar, 5},   {Tok::kAndAnd, 4}, {Tok::kXorXor, 3},   {Tok::kOrOr, 2},
};
constexpr unsigned kLowest = 2;

unsigned level_of(Tok op) {
  for (const Precedence& entry : kBinary) {
    if (entry.op == op) return entry.level;
  }
  return 0;
}

constexpr Tok kAssignments[] = {Tok::kAssign,    Tok::kAddAssign, Tok::kSubAssign, Tok::kMulAssign,
                                Tok::kDivAssign, Tok::kModAssign, Tok::kAndAssign, Tok::kXorAssign,
                                Tok::kOrAssign,  Tok::kShlAssign, Tok::kShrAssign};
constexpr Tok kUnary[] = {Tok::kAmp, Tok::kStar, Tok::kPlus, Tok::kMinus, Tok::kTilde, Tok::kNot};

template <size_t N>
bool one_of(const Tok (&list)[N], Tok op) {
  return std::find(std::begin(list), std::end(list), op) != std::end(list);
}

}  // namespace

Expr Parser::start(ExprKind kind) const {
  Expr expr;
  expr.kind = kind;
  expr.op = token_.kind;
  expr.pos = token_.pos;
  return expr;
}

Result<Expr> Parser::finish(Expr expr) const {
  unsigned deepest = 0;
  for (const Expr& arg : expr.args) deepest = std::max<unsigned>(deepest, arg.depth);
  if (deepest >= kMaxDepth) return too_deep();
  expr.depth = static_cast<uint16_t>(deepest + 1);
  return expr;
}

Result<Expr> Parser::expression() {
  ASSIGN_OR_RETURN(Expr left, assignment());
  while (token_.is(Tok::kComma)) {
    Expr comma = start(ExprKind::kComma);
    RETURN_IF_ERROR(advance());
    ASSIGN_OR_RETURN(Expr right, assignment());
    comma.args.push_back(std::move(left));
    comma.args.push_back(std::move(right));
    ASSIGN_OR_RETURN(left, finish(std::move(comma)));
  }
  return left;
}

Result<Expr> Parser::assignment() {
  Level level(depth_);
  if (depth_ > kMaxDepth) return too_deep();
  ASSIGN_OR_RETURN(Expr left, conditional());
  if (!one_of(kAssignments, token_.kind)) return left;
  if (!unary_form_) return syntax_error();
  Expr result = start(ExprKind::kAssign);
  RETURN_IF_ERROR(advance());
  ASSIGN_OR_RETURN(Expr right, assignment());
  result.args.push_back(std::move(left));
  result.args.push_back(std::move(right));
  return finish(std::move(result));
}

Result<Expr> Parser::conditional() {
  ASSIGN_OR_RETURN(Expr condition, binary(kLowest));
  if (!token_.is(Tok::kQuestion)) return condition;
  unary_form_ = false;
  Level level(depth_);
  if (depth_ > kMaxDepth) return too_deep();
  Expr result = start(ExprKind::kCond);
  RETURN_IF_ERROR(advance());
  ASSIGN_OR_RETURN(Expr yes, expression());
  RETURN_IF_ERROR(expect(Tok::kColon));
  ASSIGN_OR_RETURN(Expr no, conditional());
  result.args.push_back(std::move(condition));
  result.args.push_back(std::move(yes));
  result.args.push_back(std::move(no));
  unary_form_ = false;
  return finish(std::move(result));
}

Result<Expr> Parser::binary(unsigned lowest) {
  ASSIGN_OR_RETURN(Expr left, cast());
  for (unsigned level = level_of(token_.kind); level >= lowest && level != 0; level = level_of(token_.kind)) {
    Expr result = start(ExprKind::kBinary);
    RETURN_IF_ERROR(advance());
    ASSIGN_OR_RETURN(Expr right, binary(level + 1));
    result.args.push_back(std::move(left));
    result.args.push_back(std::move(right));
    unary_form_ = false;
    ASSIGN_OR_RETURN(left, finish(std::move(result)));
  }
  return left;
}

// At a word in parentheses: can it be a type's name, by what follows it? Asking whether it is one may mean reading the
// running kernel's types, which "(a + 1)" is not worth.
Result<bool> Parser::shaped_like_a_type() {
  if (!token_.is(Tok::kIdent)) return true;
  Place before = place();
  RETURN_IF_ERROR(advance());
  const bool pointer = token_.is(Tok::kStar);
  while (token_.is(Tok::kStar)) RETURN_IF_ERROR(advance());
  bool result = token_.is(Tok::kRParen) || token_.is(Kw::kConst) || token_.is(Kw::kVolatile) ||
                token_.is(Kw::kRestrict) || (!pointer && (token_.is(Tok::kIdent) || token_.kind == Tok::kKeyword));
  if (token_.is(Tok::kLParen)) {  // a pointer to a function, not a call
    RETURN_IF_ERROR(advance());
    result = token_.is(Tok::kStar);
  }
  go_back(std::move(before));
  return result;
}

// At "(": does a cast begin here? A known type says so; so does an unknown word in a shape that no expression has:
// "(word *)" and "(word) operand". Those are types that only the kernel knows.
Result<bool> Parser::at_cast() {
  Place before = place();
  RETURN_IF_ERROR(advance());
  ASSIGN_OR_RETURN(const bool shaped, shaped_like_a_type());
  bool result = shaped && at_type();
  if (!result && rules_.unknown_types && token_.is(Tok::kIdent) && !rules_.is_variable(token_.text)) {
    RETURN_IF_ERROR(advance());
    if (token_.is(Tok::kStar)) {
      while (token_.is(Tok::kStar)) RETURN_IF_ERROR(advance());
      result = token_.is(Tok::kRParen);
    } else if (token_.is(Tok::kRParen)) {
      RETURN_IF_ERROR(advance());
      result = token_.is(Tok::kIdent) || token_.is(Tok::kInt) || token_.is(Tok::kString) || token_.is(Kw::kSelf) ||
               token_.is(Kw::kThis) || token_.is(Kw::kSizeof) || token_.is(Kw::kStringof);
    }
  }
  go_back(std::move(before));
  return result;
}

Result<Expr> Parser::cast() {
  if (!token_.is(Tok::kLParen)) return unary();
  ASSIGN_OR_RETURN(bool is_cast, at_cast());
  if (!is_cast) return unary();
  Level level(depth_);
  if (depth_ > kMaxDepth) return too_deep();
  Expr result = start(ExprKind::kCast);
  RETURN_IF_ERROR(advance());
  ASSIGN_OR_RETURN(TypeName name, type_name());
  RETURN_IF_ERROR(expect(Tok::kRParen));
  ASSIGN_OR_RETURN(Expr operand, cast());
  result.type_name = std::make_shared<const TypeName>(std::move(name));
  result.args.push_back(std::move(operand));
  unary_form_ = false;
  return finish(std::move(result));
}

Result<Expr> Parser::unary() {
  Result<Expr> result = unary_expression();
  unary_form_ = true;
  return result;
}

Result<Expr> Parser::unary_expression() {
  Level level(depth_);
  if (depth_ > kMaxDepth) return too_deep();
  ExprKind kind = ExprKind::kInt;
  if (token_.is(Tok::kIncrement) || token_.is(Tok::kDecrement)) kind = ExprKind::kPrefix;
  if (one_of(kUnary, token_.kind)) kind = ExprKind::kUnary;
  if (token_.is(Kw::kStringof)) kind = ExprKind::kStringof;
  if (token_.is(Kw::kSizeof)) return sizeof_expression();
  if (kind == ExprKind::kInt) {
    ASSIGN_OR_RETURN(Expr base, primary());
    return postfix(std::move(base));
  }
  Expr result = start(kind);
  RETURN_IF_ERROR(advance());
  Result<Expr> operand = kind == ExprKind::kUnary ? cast() : unary();
  if (!operand.ok()) return operand;
  result.args.push_back(std::move(*operand));
  return finish(std::move(result));
}

Result<Expr> Parser::sizeof_expression() {
  Expr result = start(ExprKind::kSizeof);
  RETURN_IF_ERROR(advance());
  if (token_.is(Tok::kLParen)) {
    Place before = place();
    RETURN_IF_ERROR(advance());
    if (at_type()) {
      ASSIGN_OR_RETURN(TypeName name, type_name());
      RETURN_IF_ERROR(expect(Tok::kRParen));
      result.type_name = std::make_shared<const TypeName>(std::move(name));
      return result;
    }
    go_back(std::move(before));
  }
  ASSIGN_OR_RETURN(Expr operand, unary());
  result.args.push_back(std::move(operand));
  return finish(std::move(result));
}

Result<std::vector<Expr>> Parser::arguments(Tok closer) {
  std::vector<Expr> list;
  while (!token_.is(closer)) {
    ASSIGN_OR_RETURN(Expr argument, assignment());
    list.push_back(std::move(argument));
    if (!token_.is(Tok::kComma)) break;
    RETURN_IF_ERROR(advance());
    if (token_.is(closer)) return syntax_error();
  }
  RETURN_IF_ERROR(expect(closer));
  return list;
}

Result<Expr> Parser::postfix(Expr base) {
  for (;;) {
    Expr result = start(ExprKind::kInt);
    if (token_.is(Tok::kLBracket) || token_.is(Tok::kLParen)) {
      bool call = token_.is(Tok::kLParen);
      result.kind = call ? ExprKind::kCall : ExprKind::kIndex;
      result.pos = base.pos;
      RETURN_IF_ERROR(advance());
      ASSIGN_OR_RETURN(std::vector<Expr> list, arguments(call ? Tok::kRParen : Tok::kRBracket));
      if (!call && list.empty()) return syntax_error("syntax error", "expected an index");
      if (base.kind == ExprKind::kAgg && !call) {
        if (base.indexed) {
          return fail(Tag::D_AGG_MDIM, base.pos,
                      fmt::format("improper attempt to reference @{} as a multi-dimensional array", base.text));
        }
        base.indexed = true;
        base.args = std::move(list);
        ASSIGN_OR_RETURN(base, finish(std::move(base)));
        continue;
      }
      result.args.push_back(std::move(base));
      std::move(list.begin(), list.end(), std::back_inserter(result.args));
    } else if (token_.is(Tok::kDot) || token_.is(Tok::kArrow)) {
      result.kind = ExprKind::kMember;
      result.arrow = token_.is(Tok::kArrow);
      std::string op = token_.text;
      RETURN_IF_ERROR(advance(Context::kMember));
      if (!token_.is(Tok::kIdent)) {
        return fail(Tag::D_OP_IDENT, token_.pos, fmt::format("operator {} must be followed by an identifier", op));
      }
      result.member_pos = token_.pos;
      result.text = token_.text;
      RETURN_IF_ERROR(advance());
      result.args.push_back(std::move(base));
    } else if (token_.is(Tok::kIncrement) || token_.is(Tok::kDecrement)) {
      result.kind = ExprKind::kPostfix;
      RETURN_IF_ERROR(advance());
      result.args.push_back(std::move(base));
    } else {
      return base;
    }
    ASSIGN_OR_RETURN(base, finish(std::move(result)));
  }
}

Result<Expr> Parser::primary() {
  Expr result = start(ExprKind::kInt);
  if (token_.is(Kw::kSelf) || token_.is(Kw::kThis)) return scoped_variable();
  if (token_.is(Kw::kOffsetof) || token_.is(Kw::kXlate)) return type_operator();
  if (token_.is(Tok::kLParen)) {
    RETURN_IF_ERROR(advance());
    ASSIGN_OR_RETURN(Expr inner, expression());
    RETURN_IF_ERROR(expect(Tok::kRParen));
    return inner;
  }
  switch (token_.kind) {
    case Tok::kInt:
      result.value = token_.value;
      result.int_kind = token_.int_kind;
      break;
    case Tok::kString:
      result.kind = ExprKind::kString;
      break;
    case Tok::kIdent:
      result.kind = ExprKind::kIdent;
      break;
    case Tok::kAgg:
      result.kind = ExprKind::kAgg;
      break;
    default:
      return syntax_error();
  }
  if (token_.is(Tok::kIdent) && token_.text == "defined") {
    Place before = place();
    ASSIGN_OR_RETURN(std::optional<Expr> test, existence_test());
    if (test.has_value()) return std::move(*test);
    go_back(std::move(before));
  }
  result.text = token_.text;
  RETURN_IF_ERROR(advance());
  return result;
}

// defined(type), defined(type, member). Anything else that is called "defined" is a name like others.
Result<std::optional<Expr>> Parser::existence_test() {
  Expr result = start(ExprKind::kDefined);
  RETURN_IF_ERROR(advance());
  if (!token_.is(Tok::kLParen)) return std::optional<Expr>();
  RETURN_IF_ERROR(advance());
  if (!at_type()) return std::optional<Expr>();
  ASSIGN_OR_RETURN(TypeName name, type_name());
  result.type_name = std::make_shared<const TypeName>(std::move(name));
  if (token_.is(Tok::kComma)) {
    RETURN_IF_ERROR(advance(Context::kMember));
    if (!token_.is(Tok::kIdent)) return syntax_error("syntax error", "expected a member's name");
    result.member_pos = token_.pos;
    result.text = token_.text;
    RETURN_IF_ERROR(advance());
  }
  RETURN_IF_ERROR(expect(Tok::kRParen));
  ASSIGN_OR_RETURN(Expr finished, finish(std::move(result)));
  return std::optional<Expr>(std::move(finished));
}

// self->name, this->name.
Result<Expr> Parser::scoped_variable() {
  Expr result = start(ExprKind::kIdent);
  result.scoped = true;
  result.scope = token_.is(Kw::kSelf) ? dif::Scope::kThread : dif::Scope::kLocal;
  std::string word = token_.text;
  RETURN_IF_ERROR(advance());
  if (!token_.is(Tok::kArrow)) return syntax_error("syntax error", fmt::format("expected {}->name", word));
  RETURN_IF_ERROR(advance(Context::kMember));
  if (!token_.is(Tok::kIdent)) {
    return fail(Tag::D_OP_IDENT, token_.pos, "operator -> must be followed by an identifier");
  }
  result.text = token_.text;
  RETURN_IF_ERROR(advance());
  return result;
}

// offsetof(type, member), xlate<type>(e).
Result<Expr> Parser::type_operator() {
  Level level(depth_);
  if (depth_ > kMaxDepth) return too_deep();
  bool is_offsetof = token_.is(Kw::kOffsetof);
  Expr result = start(is_offsetof ? ExprKind::kOffsetof : ExprKind::kXlate);
  RETURN_IF_ERROR(advance());
  RETURN_IF_ERROR(expect(is_offsetof ? Tok::kLParen : Tok::kLt));
  ASSIGN_OR_RETURN(TypeName name, type_name());
  result.type_name = std::make_shared<const TypeName>(std::move(name));
  if (is_offsetof) {
    if (!token_.is(Tok::kComma)) return syntax_error("syntax error", "expected ,");
    RETURN_IF_ERROR(advance(Context::kMember));
    if (!token_.is(Tok::kIdent)) return syntax_error("syntax error", "expected a member's name");
    result.member_pos = token_.pos;
    result.text = token_.text;
    RETURN_IF_ERROR(advance());
  } else {
    RETURN_IF_ERROR(expect(Tok::kGt));
    RETURN_IF_ERROR(expect(Tok::kLParen));
    ASSIGN_OR_RETURN(Expr operand, expression());
    result.args.push_back(std::move(operand));
  }
  RETURN_IF_ERROR(expect(Tok::kRParen));
  return finish(std::move(result));
}

}  // namespace ht::d
