// The scanner. D's tokens depend on where they stand, so whoever asks says the context; the parser knows it:
//
//   kOuter       between clauses: probe descriptions, keywords that start a declaration, { } / , ;
//   kExpression  inside bodies, declarations: C-like tokens
//   kPredicate   as kExpression, and a slash may end the predicate (reference, section 1.8)
//   kMember      after . or ->: a word is an identifier even if it is a keyword
//
// A state can be taken and gone back to, which is how the parser looks ahead.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "d/macro.h"
#include "d/pragma.h"
#include "d/token.h"

namespace ht::d {

enum class Context : uint8_t { kOuter, kExpression, kPredicate, kMember };

// File names with stable addresses, for Pos::file.
using FileNames = std::set<std::string, std::less<>>;

class Lexer {
 public:
  struct State {
    size_t offset = 0;
    uint32_t line = 1;
    size_t line_begin = 0;
    const std::string* file = nullptr;
    bool fresh_line = true;  // nothing but blanks on this line so far
    int parens = 0, brackets = 0, braces = 0;
    uint32_t header_depth = 0;  // of #include, by the preprocessor's line markers
  };

  // Everything given must outlive the lexer. `controls` is what control lines act on.
  Lexer(std::string_view text, std::string_view file, FileNames& files, MacroTable& macros, Controls controls);

  Result<Token> next(Context context);

  // Where it stands. At the end, the line that what concerns the whole program is said of.
  Pos pos() const;

  const State& state() const { return state_; }
  void set_state(const State& state) { state_ = state; }
  // The text between two offsets, for messages.
  std::string_view text(size_t begin, size_t end) const { return text_.substr(begin, end - begin); }
  // An open bracket forgotten at the end of a predicate or clause does not count in the next.
  void reset_brackets() { state_.parens = state_.brackets = state_.braces = 0; }

 private:
  bool at_end() const { return state_.offset >= text_.size(); }
  char peek(size_t ahead = 0) const {
    return state_.offset + ahead < text_.size() ? text_[state_.offset + ahead] : '\0';
  }
  void newline();
  void advance(size_t count) { state_.offset += count; }

  Result<void> skip_blanks(Context context);
  Result<void> skip_comment();
  Result<void> control_line();
  Result<Token> scan_outer(Token token);
  Result<Token> scan_probe_id(Token token);
  Result<Token> scan_word(Token token, Context context);
  Result<Token> scan_number(Token token);
  Result<Token> scan_quoted(Token token);
  Result<Token> scan_macro(Token token, Context context);
  Result<Token> scan_aggregation(Token token);
  Result<Token> scan_punctuation(Token token, Context context);
  Result<void> count_brackets(const Token& token);
  bool slash_ends_predicate() const;

  std::string_view text_;
  FileNames& files_;
  MacroTable& macros_;
  Controls controls_;
  State state_;
};

// Characters of a probe description.
bool is_description_char(char c);

}  // namespace ht::d
