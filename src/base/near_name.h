// Spelling suggestions: which of the known names somebody who wrote an unknown one meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ht {

// The candidate nearest to `word` by edit distance; empty if none is near.
std::string_view nearest_name(std::string_view word, const std::vector<std::string_view>& candidates);

// 'did you mean "execname"?' for it, or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace ht
