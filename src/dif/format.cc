// printf format strings: one pass over the text, one row per known conversion.
#include "dif/format.h"

#include <algorithm>
#include <array>

namespace ht::dif {
namespace {

// Every defined conversion, size prefix and letter.
constexpr std::array<std::string_view, 50> kConversions = {
    "a",  "A",  "c",  "C",  "d",  "i",   "e",   "E",   "f",   "g",   "G",   "I",  "k",  "o",  "u",  "x",  "X",
    "p",  "P",  "s",  "S",  "T",  "Y",   "hd",  "hi",  "ho",  "hu",  "hx",  "hX", "lc", "ls", "ld", "li", "lo",
    "lu", "lx", "lX", "wc", "ws", "lld", "lli", "llo", "llu", "llx", "llX", "Le", "LE", "Lf", "Lg", "LG",
};

// Wider than any sensible column; a width beyond it would only serve to exhaust the printer.
constexpr int kMaxNumber = 65536;

constexpr int kPointerWidth = 16;  // of the ? flag, LP64

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<FormatString> parse() {
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c != '%') {
        literal_ += c;
      } else if (at_ < text_.size() && text_[at_] == '%') {
        literal_ += '%';
        ++at_;
        ++number_;
      } else {
        RETURN_IF_ERROR(conversion());
      }
    }
    if (!literal_.empty()) {
      Conversion tail;
      tail.literal = std::move(literal_);
      tail.is_literal_only = true;
      format_.parts.push_back(std::move(tail));
    }
    return std::move(format_);
  }

 private:
  Error error(const std::string& what) const {
    Error result("format conversion #" + std::to_string(number_) + " " + what);
    result.tag = "D_SYNTAX";
    return result;
  }

  // A run of digits starting at at_, clamped.
  int digits() {
    int value = 0;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      value = std::min(kMaxNumber, value * 10 + (text_[at_++] - '0'));
    }
    return value;
  }

  Result<void> star(Conversion& out, bool dot) {
    bool& already = dot ? out.star_precision : out.star_width;
    if (already) {
      return error(std::string("has more than one '*' specified for the output ") + (dot ? "precision" : "width"));
    }
    already = true;
    return {};
  }

  // Everything between % and the letter: flags and sizes may stand anywhere among it, and of 0 and - the last one
  // holds. A 0 is a flag until there was a digit.
  Result<void> modifiers(Conversion& out) {
    bool dot = false, digit = false;
    for (; at_ < text_.size(); ++at_) {
      switch (text_[at_]) {
        case '#':
          out.alternate = true;
          break;
        case '-':
          out.minus = true;
          out.zero = false;
          break;
        case '+':
          out.plus = true;
          break;
        case ' ':
          out.space = true;
          break;
        case '\'':
          out.group = true;
          break;
        case '@':
          out.agg = true;
          break;
        case '?':
          out.width = kPointerWidth;
          break;
        case '$':
          return error("uses unsupported positional format (%n$)");
        case '%':
          return error("cannot be combined with other format flags: %%");
        case '*':
          RETURN_IF_ERROR(star(out, dot));
          break;
        case '.':
          if (dot) return error("has more than one '.' specified");
          dot = true;
          out.precision = 0;
          break;
        case 'h':
        case 'l':
        case 'L':
        case 'w':
          out.size += text_[at_];
          break;
        case '0':
          if (!dot && !digit) {
            out.zero = true;
            out.minus = false;
            break;
          }
          [[fallthrough]];
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case '7':
        case '8':
        case '9':
          digit = true;
          (dot ? out.precision : out.width) = digits();
          --at_;  // the loop steps over the last digit
          break;
        default:
          return {};
      }
    }
    return error("name expected before end of format string");
  }

  Result<void> conversion() {
    Conversion out;
    out.number = ++number_;
    RETURN_IF_ERROR(modifiers(out));
    out.letter = text_[at_++];
    if (std::find(kConversions.begin(), kConversions.end(), out.name()) == kConversions.end()) {
      return error("is undefined: %" + out.name());
    }
    out.literal = std::move(literal_);
    literal_.clear();
    format_.parts.push_back(std::move(out));
    return {};
  }

  std::string_view text_;
  size_t at_ = 0;
  unsigned number_ = 0;
  std::string literal_;
  FormatString format_;
};

}  // namespace

size_t FormatString::conversions() const {
  return static_cast<size_t>(
      std::count_if(parts.begin(), parts.end(), [](const Conversion& part) { return !part.is_literal_only; }));
}

Result<FormatString> parse_format(std::string_view text) {
  return Parser(text).parse();
}

}  // namespace ht::dif
