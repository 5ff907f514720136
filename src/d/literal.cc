// Constants (reference, sections 1.4 to 1.6 and 3.3).
#include "d/literal.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace ht::d {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

struct Limit {
  IntKind kind;
  uint64_t largest;
  bool is_unsigned;
  unsigned longs;
};
// In the order of C99 6.4.4.1.
constexpr Limit kLimits[] = {
    {IntKind::kInt, std::numeric_limits<int32_t>::max(), false, 0},
    {IntKind::kUnsigned, std::numeric_limits<uint32_t>::max(), true, 0},
    {IntKind::kLong, std::numeric_limits<int64_t>::max(), false, 1},
    {IntKind::kUnsignedLong, std::numeric_limits<uint64_t>::max(), true, 1},
    {IntKind::kLongLong, std::numeric_limits<int64_t>::max(), false, 2},
    {IntKind::kUnsignedLongLong, std::numeric_limits<uint64_t>::max(), true, 2},
};

const Limit* smallest(uint64_t value, bool decimal, bool is_unsigned, unsigned longs) {
  for (const Limit& limit : kLimits) {
    if (limit.longs < longs || value > limit.largest) continue;
    if (is_unsigned ? !limit.is_unsigned : decimal && limit.is_unsigned) continue;
    return &limit;
  }
  return nullptr;
}

// One escape after its backslash; advances `at` past it. Returns how many bytes it put into `out` (2 when unknown).
void escape(std::string_view text, size_t& at, std::string& out) {
  static constexpr std::string_view kLetters = "abfnrtv\\\"";
  static constexpr char kBytes[] = {7, 8, 12, 10, 13, 9, 11, '\\', '"'};
  char c = text[at];
  if (size_t index = kLetters.find(c); index != std::string_view::npos) {
    out += kBytes[index];
    at++;
  } else if (c >= '0' && c <= '7') {
    unsigned value = 0;
    for (int digits = 0; digits < 3 && at < text.size() && text[at] >= '0' && text[at] <= '7'; digits++, at++) {
      value = value * 8 + static_cast<unsigned>(text[at] - '0');
    }
    out += static_cast<char>(value);
  } else if (c == 'x' && at + 1 < text.size() && hex_value(text[at + 1]) >= 0) {
    unsigned value = 0;
    for (at++; at < text.size() && hex_value(text[at]) >= 0; at++) {
      value = (value << 4 | static_cast<unsigned>(hex_value(text[at]))) & 0xff;
    }
    out += static_cast<char>(value);
  } else {
    out += '\\';
    out += c;
    at++;
  }
}

}  // namespace

size_t integer_length(std::string_view text) {
  auto at = [text](size_t i) { return i < text.size() ? text[i] : '\0'; };
  size_t size = 0;
  if (text[0] == '0' && (at(1) == 'x' || at(1) == 'X') && hex_value(at(2)) >= 0) {
    size = 2;
    while (size < text.size() && hex_value(text[size]) >= 0) size++;
  } else {
    while (is_digit(at(size))) size++;
  }
  if (at(size) == 'u' || at(size) == 'U') size++;
  for (int longs = 0; longs < 2 && (at(size) == 'l' || at(size) == 'L'); longs++) size++;
  return size;
}

size_t floating_length(std::string_view text) {
  auto at = [text](size_t i) { return i < text.size() ? text[i] : '\0'; };
  size_t size = 0;
  while (is_digit(at(size))) size++;
  if (at(size) == '.') size++;
  while (is_digit(at(size))) size++;
  if (at(size) == 'e' || at(size) == 'E') {
    size_t exponent = size + 1;
    if (at(exponent) == '+' || at(exponent) == '-') exponent++;
    if (is_digit(at(exponent))) size = exponent;
    while (is_digit(at(size))) size++;
  }
  constexpr std::string_view kSuffixes = "fFlL";
  if (size < text.size() && kSuffixes.find(text[size]) != std::string_view::npos) size++;
  return size;
}

IntKind decimal_kind(uint64_t value) {
  const Limit* limit = smallest(value, true, false, 0);
  return limit != nullptr ? limit->kind : IntKind::kUnsignedLongLong;
}

Result<Token> integer_constant(std::string_view text, const Pos& pos) {
  Token token;
  token.kind = Tok::kInt;
  token.pos = pos;
  unsigned base = 10;
  size_t at = 0;
  if (text.size() > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
    base = 16;
    at = 2;
  } else if (text.size() > 1 && text[0] == '0' && is_digit(text[1])) {
    base = 8;
    at = 1;
  }
  for (; at < text.size() && hex_value(text[at]) >= 0 && (base == 16 || is_digit(text[at])); at++) {
    unsigned digit = static_cast<unsigned>(hex_value(text[at]));
    if (digit >= base) {
      return fail(Tag::D_INT_DIGIT, pos, fmt::format("constant {} contains invalid digit {}", text, text[at]));
    }
    if (__builtin_mul_overflow(token.value, uint64_t{base}, &token.value) ||
        __builtin_add_overflow(token.value, uint64_t{digit}, &token.value)) {
      return fail(Tag::D_INT_OFLOW, pos, fmt::format("constant {} results in integer overflow", text));
    }
  }
  bool is_unsigned = at < text.size() && (text[at] == 'u' || text[at] == 'U');
  if (is_unsigned) at++;
  unsigned longs = 0;
  for (; at < text.size() && longs < 2 && (text[at] == 'l' || text[at] == 'L'); at++) longs++;
  if (at != text.size()) {
    return fail(Tag::D_INT_DIGIT, pos, fmt::format("constant {} contains invalid digit {}", text, text[at]));
  }
  const Limit* limit = smallest(token.value, base == 10, is_unsigned, longs);
  if (limit == nullptr) {
    return fail(Tag::D_INT_OFLOW, pos,
                fmt::format("integer constant 0x{:x} cannot be represented in any built-in integral type", token.value),
                "an unsigned constant ends in u");
  }
  token.int_kind = limit->kind;
  return token;
}

std::string unescape(std::string_view text, bool stop_at_nul) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '\\' && at + 1 < text.size()) {
      escape(text, ++at, out);
    } else {
      out += text[at++];
    }
    if (stop_at_nul && out.back() == '\0') {
      out.pop_back();
      break;
    }
  }
  return out;
}

Result<Token> character_constant(std::string_view text, const Pos& pos) {
  // In a character constant \' is the quote itself: there is no other way to write it.
  std::string raw;
  for (size_t at = 0; at < text.size(); at++) {
    if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == '\'') continue;
    raw += text[at];
    if (text[at] == '\\' && at + 1 < text.size()) raw += text[++at];
  }
  std::string bytes = unescape(raw, false);
  if (bytes.empty()) return fail(Tag::D_CHR_NULL, pos, "empty character constant");
  if (bytes.size() > 8) return fail(Tag::D_CHR_OFLOW, pos, "character constant is too long");
  Token token;
  token.kind = Tok::kInt;
  token.pos = pos;
  for (char c : bytes) token.value = token.value << 8 | static_cast<unsigned char>(c);
  token.int_kind = decimal_kind(token.value);
  return token;
}

}  // namespace ht::d
