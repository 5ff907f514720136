// "did you mean": the nearest of some names, if one is near.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace ht::typing {

// Insertions, deletions, substitutions and swaps of neighbours that turn one into the other (optimal string alignment).
inline size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

// Empty when nothing is near enough: at most a third of the name wrong.
inline std::string nearest(std::string_view wanted, const std::vector<std::string_view>& names) {
  constexpr size_t kMostCompared = 4096;  // names come from outside
  if (wanted.size() > 64) return {};
  size_t best = std::max<size_t>(1, wanted.size() / 3) + 1;
  std::string_view found;
  for (size_t i = 0; i < std::min(names.size(), kMostCompared); ++i) {
    const std::string_view name = names[i];
    if (name.size() > wanted.size() + best || wanted.size() > name.size() + best) continue;
    if (const size_t d = edit_distance(wanted, name); d < best) {
      best = d;
      found = name;
    }
  }
  return std::string(found);
}

}  // namespace ht::typing
