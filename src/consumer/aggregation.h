// The values of one bin and how they are printed: columns, distributions (reference, sections 6.3 to 6.6).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dif/program.h"

namespace ht::consumer {

// An aggregation's values under one key.
struct Tally {
  dif::ActionKind function = dif::ActionKind::kCount;
  uint64_t param = 0;  // of lquantize and llquantize
  int64_t normal = 1;
  std::span<const uint64_t> words;

  bool is_distribution() const;
  // What scalar functions print; distributions have none.
  int64_t scalar() const;
};

// The value every word of a bin starts with: what clear() and an absent bin show.
uint64_t initial_word(dif::ActionKind function);
void merge_words(dif::ActionKind function, std::span<uint64_t> into, std::span<const uint64_t> from);

// <0, 0, >0: the order in which values are printed.
int compare_values(const Tally& a, const Tally& b);

// Header and rows, beginning with a newline.
std::string distribution(const Tally& tally);

// " %16lld", or the distribution.
std::string value_column(const Tally& tally);

}  // namespace ht::consumer
