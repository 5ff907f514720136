// Macro variables and arguments.
#include "d/macro.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "d/literal.h"

namespace ht::d {
namespace {

bool is_number(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

size_t argument_index(std::string_view number) {
  size_t index = 0;
  for (char c : number) index = std::min<size_t>(index * 10 + static_cast<size_t>(c - '0'), size_t{1} << 30);
  return index;
}

bool looks_like_identifier(std::string_view text) {
  auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '`'; };
  return !text.empty() && word(text[0]) && !(text[0] >= '0' && text[0] <= '9') &&
         std::all_of(text.begin(), text.end(), word);
}

// An integer with an optional sign that is the whole text.
bool looks_like_integer(std::string_view text) {
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  if (text.empty() || text[0] < '0' || text[0] > '9') return false;
  bool hex = text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
  if (hex) text.remove_prefix(2);
  while (!text.empty() && std::string_view("uUlL").find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  return !text.empty() && std::all_of(text.begin(), text.end(), [hex](char c) {
    auto u = static_cast<unsigned char>(c);
    return hex ? std::isxdigit(u) != 0 : std::isdigit(u) != 0;
  });
}

Token string_token(std::string text, const Pos& pos) {
  Token token;
  token.kind = Tok::kString;
  token.text = std::move(text);
  token.pos = pos;
  token.macro_string = true;
  return token;
}

Result<Token> integer_argument(std::string_view name, std::string_view text, const Pos& pos) {
  bool negative = text[0] == '-';
  std::string_view digits = text[0] == '-' || text[0] == '+' ? text.substr(1) : text;
  auto token = integer_constant(digits, pos);
  if (!token.ok()) {
    // Not the constant that fits 64 bits and yet no type: that is no overflow.
    bool overflow = token.error().tag == tag_name(Tag::D_INT_OFLOW) && token.error().message.starts_with("constant");
    if (!overflow) return token;
    return fail(Tag::D_MACRO_OFLOW, pos,
                fmt::format("macro argument ${} constant {} results in integer overflow", name, digits));
  }
  if (negative) token->value = 0 - token->value;
  return token;
}

}  // namespace

Result<Token> MacroTable::expand_argument(size_t index, std::string_view name, bool quoted, const Pos& pos,
                                          bool defaults) {
  if (index >= options_.macro_arguments.size()) {
    if (!defaults) {
      return fail(Tag::D_MACRO_UNDEF, pos, fmt::format("macro argument ${}{} is not defined", quoted ? "$" : "", name),
                  fmt::format("the command was given {} argument(s); -x defaultargs makes missing ones 0 or \"\"",
                              options_.macro_arguments.empty() ? 0 : options_.macro_arguments.size() - 1));
    }
    if (quoted) return string_token("", pos);
    return integer_constant("0", pos);
  }
  referenced_[index] = true;
  const std::string& text = options_.macro_arguments[index];
  if (quoted) return string_token(text, pos);
  if (looks_like_integer(text)) return integer_argument(name, text, pos);
  if (looks_like_identifier(text)) {
    Token token;
    token.kind = Tok::kIdent;
    token.text = text;
    token.pos = pos;
    return token;
  }
  std::string_view inner = text;
  if (inner.size() >= 2 && inner.front() == '"' && inner.back() == '"') inner = inner.substr(1, inner.size() - 2);
  return string_token(unescape(inner, true), pos);
}

Result<Token> MacroTable::expand(std::string_view name, bool quoted, const Pos& pos, bool default_arguments) {
  bool defaults = default_arguments || options_.defaultargs;
  if (is_number(name)) {
    return expand_argument(argument_index(name), name, quoted, pos, defaults);
  }
  auto value = options_.macro_values.find(std::string(name));
  if (value == options_.macro_values.end()) {
    std::vector<std::string_view> known;
    for (const auto& entry : options_.macro_values) known.push_back(entry.first);
    return fail(Tag::D_MACRO_UNDEF, pos, fmt::format("macro variable ${}{} is not defined", quoted ? "$" : "", name),
                did_you_mean(name, known));
  }
  if (quoted) return string_token(std::to_string(value->second), pos);
  return integer_constant(std::to_string(value->second) + (value->second > INT64_MAX ? "u" : ""), pos);
}

std::optional<std::string> MacroTable::expand_text(std::string_view name) {
  if (is_number(name)) {
    size_t index = argument_index(name);
    if (index >= options_.macro_arguments.size()) return std::nullopt;
    referenced_[index] = true;
    return options_.macro_arguments[index];
  }
  auto value = options_.macro_values.find(std::string(name));
  if (value == options_.macro_values.end()) return std::nullopt;
  return std::to_string(value->second);
}

Result<void> MacroTable::check_all_referenced(const Pos& pos) const {
  for (size_t i = 1; i < referenced_.size(); i++) {
    if (!referenced_[i]) {
      return fail(Tag::D_MACRO_UNUSED, pos,
                  fmt::format("extraneous argument '{}' (${} is not referenced)", options_.macro_arguments[i], i));
    }
  }
  return {};
}

}  // namespace ht::d
