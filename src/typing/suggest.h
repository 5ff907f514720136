// "did you mean": the nearest of some names, if one is near.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "types/type_file.h"

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

// The nearest of all enumerators, of which a kernel has some ten thousand: people get the beginning right, or the rest.
inline std::string nearest_enumerator(const types::TypeFile& types, std::string_view wanted) {
  std::vector<std::string_view> names;
  const std::string_view head = wanted.substr(0, 1);
  const std::string_view tail = wanted.substr(wanted.size() - std::min<size_t>(wanted.size(), 3));
  for (types::TypeId id = 1; id < types.count(); ++id) {
    if (types.kind(id) != types::Kind::kEnum && types.kind(id) != types::Kind::kEnum64) continue;
    for (const auto& one : types.enumerators(id)) {
      const size_t apart = std::max(one.name.size(), wanted.size()) - std::min(one.name.size(), wanted.size());
      if (apart <= wanted.size() / 3 + 1 && (one.name.starts_with(head) || one.name.ends_with(tail))) {
        names.push_back(one.name);
      }
    }
  }
  return nearest(wanted, names);
}

}  // namespace ht::typing
