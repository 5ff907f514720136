// DTrace's glob patterns, as used in every field of a probe description: * any run, ? any one, [set], [!set], ranges,
// backslash quotes. Runs in time linear in pattern times text (no recursion): patterns come from outside.
#pragma once

#include <string_view>

namespace ht {

bool is_glob(std::string_view pattern);                            // has any of * ? [ backslash
bool glob_match(std::string_view pattern, std::string_view text);  // an empty pattern matches only the empty text
// As in a probe description: an empty field matches anything.
inline bool field_match(std::string_view pattern, std::string_view text) {
  return pattern.empty() || glob_match(pattern, text);
}

}  // namespace ht
