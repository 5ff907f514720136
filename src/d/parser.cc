// The outer level: clauses and their statements (reference, sections 2.1 and 2.3).
#include "d/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "d/description.h"

namespace ht::d {

Result<void> Parser::advance() {
  return advance(context_);
}

Result<void> Parser::advance(Context context) {
  ASSIGN_OR_RETURN(token_, lexer_.next(context));
  return {};
}

Result<void> Parser::expect(Tok kind) {
  if (!token_.is(kind)) return syntax_error("syntax error", fmt::format("expected {}", punctuation(kind)));
  return advance();
}

void Parser::go_back(Place place) {
  lexer_.set_state(place.state);
  token_ = std::move(place.token);
}

Error Parser::syntax_error(std::string_view text, std::string hint) const {
  std::string near = "end of input";
  if (!token_.is(Tok::kEnd)) {
    std::string_view word = lexer_.text(token_.begin, token_.end);
    word = word.substr(0, word.find('\n'));
    near = fmt::format("\"{}\"", word.substr(0, 64));
  }
  return fail(Tag::D_SYNTAX, token_.pos, fmt::format("{} near {}", text, near), std::move(hint));
}

Error Parser::too_deep() const {
  return fail(Tag::D_SYNTAX, token_.pos, fmt::format("expression is nested more than {} levels deep", kMaxDepth));
}

// At the outer level: a word that declares something, or the name of a probe?
bool Parser::starts_declaration() const {
  if (token_.kind == Tok::kKeyword) return true;
  if (token_.kind != Tok::kDescription) return false;
  const std::string& text = token_.text;
  if (text.find_first_of(":-.?!`") != std::string::npos) return false;
  if (text == "BEGIN" || text == "END" || text == "ERROR") return false;
  std::string_view word = std::string_view(text).substr(0, text.find_first_of("*["));
  const KeywordInfo* keyword = find_keyword(word);
  if (keyword != nullptr && keyword->declares) return true;
  return rules_.is_file && !rules_.pspec && rules_.is_type(word);
}

Result<std::optional<External>> Parser::next() {
  context_ = Context::kOuter;
  region_ = Region::kNone;
  lexer_.reset_brackets();
  if (!started_) {
    started_ = true;
    RETURN_IF_ERROR(advance());
  }
  if (token_.is(Tok::kEnd)) return std::optional<External>();
  if (starts_declaration()) {
    // The same characters again, as words of an expression.
    Lexer::State state = lexer_.state();
    state.offset = token_.begin;
    lexer_.set_state(state);
    context_ = Context::kExpression;
    RETURN_IF_ERROR(advance());
    ASSIGN_OR_RETURN(External result, declaration());
    return std::optional<External>(std::move(result));
  }
  ASSIGN_OR_RETURN(External result, clause());
  return std::optional<External>(std::move(result));
}

Result<std::vector<dif::ProbeDesc>> Parser::descriptions() {
  std::vector<dif::ProbeDesc> probes;
  for (;;) {
    if (token_.is(Tok::kInt)) {
      ASSIGN_OR_RETURN(dif::ProbeDesc desc, read_probe_id(token_.value, rules_.context, token_.pos));
      probes.push_back(std::move(desc));
    } else if (token_.is(Tok::kDescription)) {
      ASSIGN_OR_RETURN(dif::ProbeDesc desc,
                       read_description(token_.text, rules_.context, rules_.hypertrace, token_.pos, &macros_));
      probes.push_back(std::move(desc));
    } else {
      return syntax_error("syntax error", "expected a probe description");
    }
    RETURN_IF_ERROR(advance());
    if (!token_.is(Tok::kComma)) return probes;
    RETURN_IF_ERROR(advance());
  }
}

Result<External> Parser::clause() {
  ClauseSyntax result;
  result.pos = token_.pos;
  ASSIGN_OR_RETURN(result.probes, descriptions());
  if (token_.is(Tok::kSlash)) {
    region_ = Region::kPredicate;
    context_ = Context::kPredicate;
    RETURN_IF_ERROR(advance());
    ASSIGN_OR_RETURN(Expr predicate, expression());
    result.predicate = std::move(predicate);
    if (!token_.is(Tok::kPredicateEnd)) return syntax_error("syntax error", "expected / at the end of the predicate");
    context_ = Context::kOuter;
    RETURN_IF_ERROR(advance());
    if (!token_.is(Tok::kLBrace)) {
      return fail(Tag::D_SYNTAX, result.predicate->pos,
                  "expected actions { } following probe description and predicate");
    }
  }
  if (!token_.is(Tok::kLBrace)) {
    if (rules_.is_file) {
      return fail(Tag::D_SYNTAX, result.pos, "expected predicate and/or actions following probe description");
    }
    return External(std::move(result));
  }
  region_ = Region::kActions;
  context_ = Context::kExpression;
  RETURN_IF_ERROR(advance());
  ASSIGN_OR_RETURN(result.statements, statements());
  if (!token_.is(Tok::kRBrace)) return syntax_error("syntax error", "expected ; or }");
  context_ = Context::kOuter;
  lexer_.reset_brackets();
  RETURN_IF_ERROR(advance());
  return External(std::move(result));
}

// Up to the closing brace, which stays.
Result<std::vector<Statement>> Parser::statements() {
  Level level(depth_);
  if (depth_ > kMaxDepth) return too_deep();
  std::vector<Statement> list;
  while (!token_.is(Tok::kRBrace) && !token_.is(Tok::kEnd)) {
    if (token_.is(Tok::kSemicolon)) {
      RETURN_IF_ERROR(advance());
      continue;
    }
    bool is_if = token_.is(Kw::kIf);
    RETURN_IF_ERROR(statement_into(list));
    if (is_if || token_.is(Tok::kSemicolon) || token_.is(Tok::kRBrace)) continue;
    return syntax_error("syntax error", "expected ; or }");
  }
  return list;
}

// One statement without its semicolon; an `if` with its parts.
Result<void> Parser::statement_into(std::vector<Statement>& list) {
  Statement statement;
  statement.pos = token_.pos;
  if (!token_.is(Kw::kIf)) {
    ASSIGN_OR_RETURN(statement.expression, expression());
    list.push_back(std::move(statement));
    return {};
  }
  statement.is_if = true;
  RETURN_IF_ERROR(advance());
  RETURN_IF_ERROR(expect(Tok::kLParen));
  ASSIGN_OR_RETURN(statement.expression, expression());
  RETURN_IF_ERROR(expect(Tok::kRParen));
  ASSIGN_OR_RETURN(statement.then_part, if_body());
  if (token_.is(Kw::kElse)) {
    RETURN_IF_ERROR(advance());
    ASSIGN_OR_RETURN(statement.else_part, if_body());
  }
  list.push_back(std::move(statement));
  return {};
}

Result<std::vector<Statement>> Parser::if_body() {
  Level level(depth_);
  if (depth_ > kMaxDepth) return too_deep();
  std::vector<Statement> list;
  if (token_.is(Tok::kLBrace)) {
    RETURN_IF_ERROR(advance());
    ASSIGN_OR_RETURN(list, statements());
    RETURN_IF_ERROR(expect(Tok::kRBrace));
    return list;
  }
  if (token_.is(Tok::kSemicolon)) {
    RETURN_IF_ERROR(advance());
    return list;
  }
  bool is_if = token_.is(Kw::kIf);
  RETURN_IF_ERROR(statement_into(list));
  if (is_if) return list;
  if (token_.is(Tok::kRBrace)) return list;  // the last statement of a body needs no semicolon
  RETURN_IF_ERROR(expect(Tok::kSemicolon));
  return list;
}

}  // namespace ht::d
