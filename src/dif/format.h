// printf format strings, parsed once for the compiler that checks them and the consumer that applies them
// (reference, section 7.3).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ht::dif {

struct Conversion {
  std::string literal;           // text before the conversion, %% already replaced
  bool is_literal_only = false;  // the text after the last conversion
  unsigned number = 0;           // the #N of messages: from 1, %% counts
  bool alternate = false, zero = false, minus = false, plus = false, space = false, group = false;
  bool agg = false;  // %@
  bool star_width = false, star_precision = false;
  int width = 0;
  int precision = -1;
  std::string size;    // "", "h", "l", "ll", "L", "w"
  std::string letter;  // "d", "Y", ...
  std::string name() const { return size + letter; }
};

struct FormatString {
  std::vector<Conversion> parts;
  size_t conversions() const;  // those that take an argument
};

// The error's message is the reference's text ("format conversion #%u is undefined: %%%s"); tag D_SYNTAX.
Result<FormatString> parse_format(std::string_view text);

}  // namespace ht::dif
