// The scanner's rules (reference, section 1).
#include "d/lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "d/literal.h"
#include "d/pragma.h"

namespace ht::d {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_word(char c) {
  return is_alpha(c) || is_digit(c) || c == '`';
}
bool is_blank(char c) {
  return c == ' ' || c == '\f' || c == '\r' || c == '\t' || c == '\v';
}

// Of LM1` and the like, which say in which link map a module is.
size_t link_map_length(std::string_view text) {
  if (!text.starts_with("LM")) return 0;
  const size_t end = text.find_first_not_of("0123456789abcdefABCDEF", 2);
  return end != std::string_view::npos && end > 2 && text[end] == '`' ? end + 1 : 0;
}

// The length of a scoped name whose module has dots in its name (lib.so.1`name), if there is one here; else 0.
size_t dotted_module_length(std::string_view text) {
  size_t size = link_map_length(text), ticks = 0;
  bool dotted = false;
  for (char before = '.'; size < text.size(); before = text[size++]) {
    if (text[size] == '.') {
      if (before == '.' || ticks > 0) break;
      dotted = true;
    } else if (!is_word(text[size])) {
      break;
    } else if (text[size] == '`') {
      if (before == '.') return 0;
      ticks++;
    }
  }
  return dotted && ticks > 0 ? size : 0;
}

std::string printable(char c) {
  auto u = static_cast<unsigned char>(c);
  return u >= ' ' && u < 0x7f ? std::string(1, c) : fmt::format("\\x{:02x}", u);
}

struct Punctuation {
  Tok token;
  std::string_view text;
};
constexpr Punctuation kPunctuation[] = {
#define X(name, text) {Tok::name, text},
    HT_D_PUNCTUATION(X)
#undef X
};

}  // namespace

const KeywordInfo* find_keyword(std::string_view word) {
  for (const KeywordInfo& info : kKeywords) {
    if (info.text == word) return &info;
  }
  return nullptr;
}

std::string_view punctuation(Tok token) {
  for (const Punctuation& p : kPunctuation) {
    if (p.token == token) return p.text;
  }
  return {};
}

bool is_description_char(char c) {
  return is_word(c) || std::string_view("-$:.?*\\[]!").find(c) != std::string_view::npos;
}

Lexer::Lexer(std::string_view text, std::string_view file, FileNames& files, MacroTable& macros, Controls controls)
    : text_(text), files_(files), macros_(macros), controls_(controls) {
  state_.file = &*files_.emplace(file).first;
}

Pos Lexer::pos() const {
  return {state_.file, state_.line, static_cast<uint32_t>(state_.offset - state_.line_begin + 1), state_.header_depth};
}

void Lexer::newline() {
  state_.offset++;
  state_.line++;
  state_.line_begin = state_.offset;
  state_.fresh_line = true;
}

Result<void> Lexer::skip_comment() {
  Pos start = pos();
  advance(2);
  while (!at_end()) {
    if (peek() == '*' && peek(1) == '/') {
      advance(2);
      return {};
    }
    if (peek() == '/' && peek(1) == '*') {
      return fail(Tag::D_SYNTAX, pos(), "/* encountered inside a comment",
                  fmt::format("the comment begins in line {}", start.line));
    }
    if (peek() == '\n') {
      newline();
    } else {
      advance(1);
    }
  }
  return fail(Tag::D_SYNTAX, pos(), "end-of-file encountered before matching */",
              fmt::format("the comment begins in line {}", start.line));
}

// Consumes the line up to its newline, which stays.
Result<void> Lexer::control_line() {
  Pos start = pos();
  size_t end = std::min(text_.find('\n', state_.offset), text_.size());
  std::string_view line = text_.substr(state_.offset + 1, end - state_.offset - 1);
  state_.offset = end;
  if (!line.empty() && line[0] == '!') return {};
  ASSIGN_OR_RETURN(std::optional<LineMark> mark, run_control_line(line, start, controls_));
  if (!mark.has_value()) return {};
  if (mark->enters && state_.header_depth < UINT32_MAX) state_.header_depth++;
  if (mark->leaves && state_.header_depth > 0) state_.header_depth--;
  state_.line = mark->line - 1;  // of the newline that ends this line; may wrap to the largest, and back
  if (!mark->file.empty() && mark->file != "/dev/stdin") state_.file = &*files_.insert(mark->file).first;
  return {};
}

Result<void> Lexer::skip_blanks(Context context) {
  while (!at_end()) {
    char c = peek();
    if (c == '\n') {
      newline();
    } else if (is_blank(c)) {
      advance(1);
    } else if (c == '/' && peek(1) == '*') {
      RETURN_IF_ERROR(skip_comment());
    } else if (c == '\\' && context != Context::kOuter && (peek(1) == '\n' || (peek(1) == '\r' && peek(2) == '\n'))) {
      advance(peek(1) == '\n' ? 1 : 2);
      newline();
    } else if (c == '#' && state_.fresh_line) {
      RETURN_IF_ERROR(control_line());
    } else {
      break;
    }
  }
  state_.fresh_line = false;
  return {};
}

Result<Token> Lexer::next(Context context) {
  RETURN_IF_ERROR(skip_blanks(context));
  Token token;
  token.pos = pos();
  token.begin = token.end = state_.offset;
  if (at_end()) return token;
  char c = peek();
  if (c == '\0') return fail(Tag::D_SYNTAX, token.pos, "syntax error near end-of-input");
  Result<Token> result = [&]() -> Result<Token> {
    if (context == Context::kOuter) return scan_outer(std::move(token));
    if (c == '$') return scan_macro(std::move(token), context);
    if (is_digit(c)) return scan_number(std::move(token));
    if (is_word(c)) return scan_word(std::move(token), context);
    if (c == '"' || c == '\'') return scan_quoted(std::move(token));
    if (c == '@') return scan_aggregation(std::move(token));
    return scan_punctuation(std::move(token), context);
  }();
  if (result.ok()) result->end = state_.offset;
  return result;
}

// A description is taken as it is written: macros and fields are for description.cc.
Result<Token> Lexer::scan_outer(Token token) {
  if (is_digit(peek())) return scan_probe_id(std::move(token));
  if (!is_description_char(peek()) || peek() == '`') return scan_punctuation(std::move(token), Context::kOuter);
  size_t size = 0;
  while (is_description_char(peek(size))) {
    size += peek(size) == '\\' && peek(size + 1) > ' ' ? 2 : 1;  // a quoted character may be any
  }
  size = std::min(size, text_.size() - state_.offset);
  token.text = text_.substr(state_.offset, size);
  advance(size);
  const KeywordInfo* keyword = find_keyword(token.text);
  if (keyword != nullptr && keyword->declares) {
    token.kind = Tok::kKeyword;
    token.keyword = keyword->keyword;
  } else {
    token.kind = Tok::kDescription;
  }
  return token;
}

Result<Token> Lexer::scan_probe_id(Token token) {
  size_t size = 0;
  for (; is_digit(peek(size)); size++) {
    if (__builtin_mul_overflow(token.value, uint64_t{10}, &token.value) ||
        __builtin_add_overflow(token.value, static_cast<uint64_t>(peek(size) - '0'), &token.value)) {
      while (is_digit(peek(size))) size++;
      std::string_view digits = text_.substr(state_.offset, size);
      return fail(Tag::D_INT_OFLOW, token.pos, fmt::format("constant {} results in integer overflow", digits));
    }
  }
  token.kind = Tok::kInt;
  token.text = text_.substr(state_.offset, size);
  advance(size);
  return token;
}

Result<Token> Lexer::scan_word(Token token, Context context) {
  size_t size = 0;
  while (is_word(peek(size))) size++;
  if (context != Context::kMember) size = std::max(size, dotted_module_length(text_.substr(state_.offset)));
  token.text = text_.substr(state_.offset, size);
  advance(size);
  token.kind = Tok::kIdent;
  const KeywordInfo* keyword = context == Context::kMember ? nullptr : find_keyword(token.text);
  if (keyword != nullptr) {
    token.kind = Tok::kKeyword;
    token.keyword = keyword->keyword;
  }
  return token;
}

Result<Token> Lexer::scan_number(Token token) {
  size_t words = 0;
  while (is_word(peek(words))) words++;
  if (text_.substr(state_.offset, words).find('`') != std::string_view::npos) {
    return scan_word(std::move(token), Context::kMember);
  }
  std::string_view rest = text_.substr(state_.offset);
  size_t size = integer_length(rest);
  if (floating_length(rest) > size) {
    return fail(Tag::D_SYNTAX, token.pos, "floating-point constants are not permitted");
  }
  std::string_view word = rest.substr(0, size);
  ASSIGN_OR_RETURN(Token number, integer_constant(word, token.pos));
  number.begin = token.begin;
  number.text = word;
  advance(size);
  return number;
}

Result<Token> Lexer::scan_quoted(Token token) {
  char quote = peek();
  size_t size = 1;
  while (peek(size) != quote) {
    if (state_.offset + size >= text_.size()) {
      return fail(Tag::D_SYNTAX, token.pos, fmt::format("syntax error near \"{}\"", quote),
                  fmt::format("there is no closing {}", quote));
    }
    if (peek(size) == '\n') {
      return quote == '"' ? fail(Tag::D_STR_NL, token.pos, "newline encountered in string literal")
                          : fail(Tag::D_CHR_NL, token.pos, "newline encountered in character constant");
    }
    size += peek(size) == '\\' && peek(size + 1) != '\n' ? 2 : 1;
  }
  std::string_view inner = text_.substr(state_.offset + 1, size - 1);
  if (quote == '\'') {
    ASSIGN_OR_RETURN(Token number, character_constant(inner, token.pos));
    number.begin = token.begin;
    advance(size + 1);
    return number;
  }
  advance(size + 1);
  token.kind = Tok::kString;
  token.text = unescape(inner, true);
  return token;
}

Result<Token> Lexer::scan_macro(Token token, Context context) {
  bool quoted = peek(1) == '$';
  size_t begin = quoted ? 2 : 1;
  size_t size = begin;
  if (is_digit(peek(begin))) {
    while (is_digit(peek(size))) size++;
  } else {
    while (is_alpha(peek(size)) || is_digit(peek(size))) size++;
  }
  if (size == begin) return fail(Tag::D_SYNTAX, token.pos, "syntax error near \"$\"");
  std::string_view name = text_.substr(state_.offset + begin, size - begin);
  ASSIGN_OR_RETURN(Token expanded,
                   macros_.expand(name, quoted, token.pos, option_set(controls_.options, "defaultargs")));
  advance(size);
  expanded.begin = token.begin;
  if (expanded.is(Tok::kIdent) && context != Context::kMember) {
    const KeywordInfo* keyword = find_keyword(expanded.text);
    if (keyword != nullptr) {
      expanded.kind = Tok::kKeyword;
      expanded.keyword = keyword->keyword;
    }
  }
  return expanded;
}

Result<Token> Lexer::scan_aggregation(Token token) {
  size_t size = 1;
  if (is_alpha(peek(1))) {
    while (is_alpha(peek(size)) || is_digit(peek(size))) size++;
  }
  token.kind = Tok::kAgg;
  token.text = size == 1 ? std::string_view("_") : text_.substr(state_.offset + 1, size - 1);
  advance(size);
  return token;
}

// The next non-blank after this slash decides: end of input, ; { or another slash ends the predicate.
bool Lexer::slash_ends_predicate() const {
  size_t at = state_.offset + 1;
  while (at < text_.size() && (is_blank(text_[at]) || text_[at] == '\n')) at++;
  return at >= text_.size() || text_[at] == ';' || text_[at] == '{' || text_[at] == '/';
}

Result<Token> Lexer::scan_punctuation(Token token, Context context) {
  if (context == Context::kPredicate && peek() == '/' && slash_ends_predicate()) {
    if (state_.parens > 0) return fail(Tag::D_SYNTAX, token.pos, "closing ) expected in predicate before /");
    if (state_.brackets > 0) return fail(Tag::D_SYNTAX, token.pos, "closing ] expected in predicate before /");
    token.kind = Tok::kPredicateEnd;
    advance(1);
    return token;
  }
  if (context != Context::kOuter && peek() == '.' && is_digit(peek(1))) {
    return fail(Tag::D_SYNTAX, token.pos, "floating-point constants are not permitted");
  }
  std::string_view rest = text_.substr(state_.offset);
  for (const Punctuation& p : kPunctuation) {
    if (!rest.starts_with(p.text)) continue;
    if (context == Context::kOuter && p.text.size() > 1) continue;  // "/=" there begins a predicate
    token.kind = p.token;
    token.text = p.text;
    advance(p.text.size());
    RETURN_IF_ERROR(count_brackets(token));
    return token;
  }
  return fail(Tag::D_SYNTAX, token.pos, fmt::format("syntax error near \"{}\"", printable(peek())));
}

Result<void> Lexer::count_brackets(const Token& token) {
  int* open = nullptr;
  switch (token.kind) {
    case Tok::kLParen:
      state_.parens++;
      return {};
    case Tok::kLBracket:
      state_.brackets++;
      return {};
    case Tok::kLBrace:
      state_.braces++;
      return {};
    case Tok::kRParen:
      open = &state_.parens;
      break;
    case Tok::kRBracket:
      open = &state_.brackets;
      break;
    case Tok::kRBrace:
      open = &state_.braces;
      break;
    default:
      return {};
  }
  if (*open == 0) return fail(Tag::D_SYNTAX, token.pos, fmt::format("extra {} in input stream", token.text));
  (*open)--;
  return {};
}

}  // namespace ht::d
