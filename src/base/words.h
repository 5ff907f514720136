// Lines of a text and words of a line, one after the other.
#pragma once

#include <algorithm>
#include <string_view>

namespace ht {

// Takes the next word and the blanks before it off `line`; empty if there is none.
inline std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(" \t\n"));
  line.remove_prefix(word.size());
  return word;
}

// Every line of `text`, without its end: visit(line).
template <typename Visit>
void for_each_line(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    visit(line);
    text.remove_prefix(line.size() == text.size() ? text.size() : line.size() + 1);
  }
}

}  // namespace ht
