// Declarations: specifiers, declarators, struct and enum bodies (reference, sections 2.1, 2.4, 2.5).
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "d/parser.h"

namespace ht::d {
namespace {

struct StorageWord {
  Kw keyword;
  Storage storage;
};
constexpr StorageWord kStorage[] = {
    {Kw::kAuto, Storage::kAuto},     {Kw::kRegister, Storage::kRegister}, {Kw::kStatic, Storage::kStatic},
    {Kw::kExtern, Storage::kExtern}, {Kw::kTypedef, Storage::kTypedef},   {Kw::kSelf, Storage::kSelf},
    {Kw::kThis, Storage::kThis},
};

struct TypeWord {
  Kw keyword;
  unsigned Specifiers::*count;
};
constexpr TypeWord kTypeWords[] = {
    {Kw::kVoid, &Specifiers::voids},     {Kw::kChar, &Specifiers::chars},     {Kw::kShort, &Specifiers::shorts},
    {Kw::kInt, &Specifiers::ints},       {Kw::kLong, &Specifiers::longs},     {Kw::kFloat, &Specifiers::floats},
    {Kw::kDouble, &Specifiers::doubles}, {Kw::kSigned, &Specifiers::signeds}, {Kw::kUnsigned, &Specifiers::unsigneds},
    {Kw::kString, &Specifiers::strings},
};

struct QualifierWord {
  Kw keyword;
  bool Specifiers::*flag;  // null: restrict, which means nothing here
};
constexpr QualifierWord kQualifiers[] = {
    {Kw::kConst, &Specifiers::is_const},
    {Kw::kVolatile, &Specifiers::is_volatile},
    {Kw::kUserland, &Specifiers::is_userland},
    {Kw::kRestrict, nullptr},
};

template <typename Table>
auto find_word(const Table& table, const Token& token) -> decltype(std::begin(table)) {
  if (token.kind != Tok::kKeyword) return nullptr;
  for (const auto& entry : table) {
    if (entry.keyword == token.keyword) return &entry;
  }
  return nullptr;
}

bool is_tag_keyword(const Token& token) {
  return token.is(Kw::kStruct) || token.is(Kw::kUnion) || token.is(Kw::kEnum);
}

}  // namespace

bool Parser::at_type() const {
  if (find_word(kTypeWords, token_) != nullptr || find_word(kQualifiers, token_) != nullptr) return true;
  if (is_tag_keyword(token_)) return true;
  bool parameter = std::find(parameters_.begin(), parameters_.end(), token_.text) != parameters_.end();
  return token_.is(Tok::kIdent) && !parameter && rules_.is_type(token_.text);
}

// At a word where a type or, with the type int understood, the declared name may stand: "self x;", "unsigned x".
Result<bool> Parser::at_declared_name() {
  if (rules_.is_type(token_.text)) return false;
  Place before = place();
  RETURN_IF_ERROR(advance());
  bool result =
      token_.is(Tok::kSemicolon) || token_.is(Tok::kComma) || token_.is(Tok::kLBracket) || token_.is(Tok::kAssign);
  go_back(std::move(before));
  return result;
}

Result<Specifiers> Parser::specifiers(StorageRule rule) {
  Specifiers result;
  result.pos = token_.pos;
  bool any = false;
  for (;; any = true) {
    if (const StorageWord* storage = find_word(kStorage, token_)) {
      bool variable_class = storage->storage == Storage::kSelf || storage->storage == Storage::kThis;
      if (rule == StorageRule::kNone || (rule == StorageRule::kParameter && variable_class && !any)) {
        return syntax_error();
      }
      if (rule == StorageRule::kParameter) {
        return fail(Tag::D_DECL_PARMCLASS, token_.pos,
                    "inappropriate storage class for function or associative array parameter");
      }
      if (result.storage != Storage::kNone) {
        return fail(Tag::D_DECL_CLASS, token_.pos, "only one storage class allowed in a declaration");
      }
      result.storage = storage->storage;
    } else if (const TypeWord* word = find_word(kTypeWords, token_)) {
      (result.*word->count)++;
    } else if (const QualifierWord* qualifier = find_word(kQualifiers, token_)) {
      if (qualifier->flag != nullptr) result.*qualifier->flag = true;
    } else if (is_tag_keyword(token_)) {
      if (result.tagged.has_value()) return fail(Tag::D_DECL_COMBO, token_.pos, "invalid type combination");
      RETURN_IF_ERROR(tagged_type(result));
      continue;
    } else if (token_.is(Tok::kIdent) && (!result.has_type() || result.has_only_attributes())) {
      bool name = false;
      if (result.has_only_attributes()) {
        // "unsigned pid_t x" is wrong for its own reason; "unsigned x" declares x.
        ASSIGN_OR_RETURN(name, at_attributed_name());
      } else if (any) {
        ASSIGN_OR_RETURN(name, at_declared_name());
      }
      if (name) return result;
      // A word where a type must stand is one, known or not: an unknown one is reported with its name.
      result.type_word = token_.text;
    } else {
      return result;
    }
    RETURN_IF_ERROR(advance());
  }
}

// At a word after signed, unsigned, short or long alone: the declared name, unless it is a type and a name follows.
Result<bool> Parser::at_attributed_name() {
  if (!rules_.is_type(token_.text)) return true;
  Place before = place();
  RETURN_IF_ERROR(advance());
  bool type = token_.is(Tok::kIdent) || token_.is(Tok::kStar) || token_.is(Tok::kRParen);
  go_back(std::move(before));
  return !type;
}

Result<void> Parser::tagged_type(Specifiers& result) {
  Level level(depth_);
  if (depth_ > kMaxDepth) return too_deep();
  result.tagged = token_.is(Kw::kStruct)  ? TypeKind::kStruct
                  : token_.is(Kw::kUnion) ? TypeKind::kUnion
                                          : TypeKind::kEnum;
  RETURN_IF_ERROR(advance(Context::kMember));
  bool named = token_.is(Tok::kIdent);
  if (named) {
    result.tag = token_.text;
    RETURN_IF_ERROR(advance());
  }
  if (!token_.is(Tok::kLBrace)) return named ? Result<void>() : syntax_error("syntax error", "expected a tag or {");
  RETURN_IF_ERROR(advance());
  result.has_body = true;
  if (*result.tagged == TypeKind::kEnum) {
    ASSIGN_OR_RETURN(result.enumerators, enumerators());
  } else {
    ASSIGN_OR_RETURN(result.members, members());
  }
  return expect(Tok::kRBrace);
}

Result<std::vector<MemberDecl>> Parser::members() {
  std::vector<MemberDecl> list;
  do {
    MemberDecl member;
    ASSIGN_OR_RETURN(member.specifiers, specifiers(StorageRule::kNone));
    if (!member.specifiers.has_any()) return syntax_error("syntax error", "expected a type");
    while (!token_.is(Tok::kSemicolon)) {
      MemberDecl::Item item;
      item.declarator.pos = token_.pos;
      if (!token_.is(Tok::kColon)) {
        ASSIGN_OR_RETURN(item.declarator, declarator(false));
      }
      if (token_.is(Tok::kColon)) {
        RETURN_IF_ERROR(advance());
        ASSIGN_OR_RETURN(Expr bits, conditional());
        item.bits = std::move(bits);
      }
      member.items.push_back(std::move(item));
      if (!token_.is(Tok::kComma)) break;
      RETURN_IF_ERROR(advance());
    }
    RETURN_IF_ERROR(expect(Tok::kSemicolon));
    list.push_back(std::move(member));
  } while (!token_.is(Tok::kRBrace));
  return list;
}

Result<std::vector<Enumerator>> Parser::enumerators() {
  std::vector<Enumerator> list;
  for (;;) {
    if (!token_.is(Tok::kIdent)) return syntax_error("syntax error", "expected an enumerator");
    Enumerator enumerator;
    enumerator.name = token_.text;
    enumerator.pos = token_.pos;
    RETURN_IF_ERROR(advance());
    if (token_.is(Tok::kAssign)) {
      RETURN_IF_ERROR(advance());
      ASSIGN_OR_RETURN(Expr value, conditional());
      enumerator.value = std::move(value);
    }
    list.push_back(std::move(enumerator));
    if (!token_.is(Tok::kComma)) return list;
    RETURN_IF_ERROR(advance());
  }
}

// Steps are collected innermost first: what is nearest to the name applies last to the base type.
Result<Declarator> Parser::declarator(bool may_be_abstract) {
  Level level(depth_);
  if (depth_ > kMaxDepth) return too_deep();
  Declarator result;
  result.pos = token_.pos;
  std::vector<TypeStep> pointers;
  while (token_.is(Tok::kStar)) {
    if (pointers.size() >= kMaxDepth) return too_deep();
    pointers.push_back({TypeStep::kPointer, token_.pos, {}, {}, false});
    RETURN_IF_ERROR(advance());
    while (find_word(kQualifiers, token_) != nullptr) RETURN_IF_ERROR(advance());
  }
  std::vector<TypeStep> inner;
  if (token_.is(Tok::kIdent)) {
    result.name = token_.text;
    result.pos = token_.pos;
    RETURN_IF_ERROR(advance());
  } else if (token_.is(Tok::kLParen)) {
    Place before = place();
    RETURN_IF_ERROR(advance());
    // An abstract "(" followed by a type or ")" is a parameter list.
    if (may_be_abstract && (token_.is(Tok::kRParen) || at_type())) {
      go_back(std::move(before));
    } else {
      ASSIGN_OR_RETURN(Declarator nested, declarator(may_be_abstract));
      RETURN_IF_ERROR(expect(Tok::kRParen));
      result.name = std::move(nested.name);
      result.pos = nested.pos;
      inner = std::move(nested.steps);
    }
  } else if (!may_be_abstract) {
    return syntax_error("syntax error", "expected a name");
  }
  std::vector<TypeStep> after;
  RETURN_IF_ERROR(suffixes(after));
  result.steps = std::move(pointers);
  std::move(after.rbegin(), after.rend(), std::back_inserter(result.steps));
  std::move(inner.begin(), inner.end(), std::back_inserter(result.steps));
  return result;
}

Result<void> Parser::suffixes(std::vector<TypeStep>& steps) {
  while (token_.is(Tok::kLBracket) || token_.is(Tok::kLParen)) {
    if (steps.size() >= kMaxDepth) return too_deep();
    TypeStep step;
    step.pos = token_.pos;
    if (token_.is(Tok::kLParen)) {
      RETURN_IF_ERROR(advance());
      ASSIGN_OR_RETURN(step, parameter_step(TypeStep::kFunction, Tok::kRParen));
    } else {
      RETURN_IF_ERROR(advance());
      step.kind = TypeStep::kArray;
      if (at_type() || at_parameter_class() || token_.is(Tok::kEllipsis)) {
        ASSIGN_OR_RETURN(step, parameter_step(TypeStep::kTuple, Tok::kRBracket));
      } else if (token_.is(Tok::kRBracket)) {
        RETURN_IF_ERROR(advance());
      } else {
        ASSIGN_OR_RETURN(Expr dimension, conditional());
        step.dimension = std::move(dimension);
        RETURN_IF_ERROR(expect(Tok::kRBracket));
      }
    }
    steps.push_back(std::move(step));
  }
  return {};
}

// A storage class that may begin a parameter's declaration, to be refused there.
bool Parser::at_parameter_class() const {
  return find_word(kStorage, token_) != nullptr && !token_.is(Kw::kSelf) && !token_.is(Kw::kThis);
}

Result<TypeStep> Parser::parameter_step(TypeStep::Kind kind, Tok closer) {
  TypeStep step;
  step.kind = kind;
  step.pos = token_.pos;
  while (!token_.is(closer)) {
    if (token_.is(Tok::kEllipsis)) {
      step.variadic = true;
      RETURN_IF_ERROR(advance());
      break;
    }
    Parameter parameter;
    ASSIGN_OR_RETURN(parameter.specifiers, specifiers(StorageRule::kParameter));
    if (!parameter.specifiers.has_any()) return syntax_error("syntax error", "expected a type");
    ASSIGN_OR_RETURN(parameter.declarator, declarator(true));
    step.parameters.push_back(std::move(parameter));
    if (!token_.is(Tok::kComma)) break;
    RETURN_IF_ERROR(advance());
  }
  RETURN_IF_ERROR(expect(closer));
  return step;
}

Result<TypeName> Parser::type_name() {
  TypeName result;
  ASSIGN_OR_RETURN(result.specifiers, specifiers(StorageRule::kNone));
  if (!result.specifiers.has_any()) return syntax_error("syntax error", "expected a type");
  ASSIGN_OR_RETURN(result.declarator, declarator(true));
  if (!result.declarator.name.empty()) return syntax_error();
  return result;
}

Result<External> Parser::declaration() {
  if (token_.is(Kw::kTranslator)) return translator_definition();
  if (token_.is(Kw::kProvider)) return provider_definition();
  if (token_.is(Kw::kCounter) || token_.is(Kw::kImport)) {
    return syntax_error("syntax error", fmt::format("{} is a reserved word", token_.text));
  }
  if (token_.is(Kw::kInline)) {
    Pos pos = token_.pos;
    RETURN_IF_ERROR(advance());
    ASSIGN_OR_RETURN(Specifiers words, specifiers(StorageRule::kAllowed));
    words.pos = pos;
    return inline_definition(std::move(words));
  }
  Declaration result;
  ASSIGN_OR_RETURN(result.specifiers, specifiers(StorageRule::kAllowed));
  while (!token_.is(Tok::kSemicolon)) {
    ASSIGN_OR_RETURN(Declarator next_one, declarator(false));
    result.declarators.push_back(std::move(next_one));
    if (!token_.is(Tok::kComma)) break;
    RETURN_IF_ERROR(advance());
  }
  if (!token_.is(Tok::kSemicolon)) {
    return syntax_error("syntax error", token_.is(Tok::kAssign) ? "variables are assigned in a clause, not where they "
                                                                  "are declared"
                                                                : "expected ;");
  }
  context_ = Context::kOuter;
  RETURN_IF_ERROR(advance());
  return External(std::move(result));
}

Result<External> Parser::inline_definition(Specifiers words) {
  InlineDefinition result;
  result.specifiers = std::move(words);
  if (token_.is(Tok::kAssign) || token_.is(Tok::kSemicolon)) {
    return fail(Tag::D_DECL_USELESS, token_.pos, "inline declaration requires a name");
  }
  ASSIGN_OR_RETURN(result.declarator, declarator(false));
  for (const TypeStep& step : result.declarator.steps) {
    for (const Parameter& parameter : step.parameters) parameters_.push_back(parameter.declarator.name);
  }
  RETURN_IF_ERROR(expect(Tok::kAssign));
  ASSIGN_OR_RETURN(result.value, assignment());
  parameters_.clear();
  if (!token_.is(Tok::kSemicolon)) return syntax_error("syntax error", "expected ;");
  context_ = Context::kOuter;
  RETURN_IF_ERROR(advance());
  return External(std::move(result));
}

}  // namespace ht::d
