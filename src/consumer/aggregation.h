// The values of one bin and how they are printed: columns, distributions (reference, sections 6.3 to 6.6).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dif/program.h"

namespace ht::consumer {

// How bars are drawn (options aggzoom and encoding).
struct BarStyle {
  bool zoom = false;  // the longest bar fills the line
  bool utf8 = false;
};

// An aggregation's values under one key.
struct Tally {
  dif::ActionKind function = dif::ActionKind::kCount;
  uint64_t param = 0;  // of lquantize and llquantize
  int64_t normal = 1;
  std::span<const uint64_t> words;
  uint32_t aggregation = 0;  // its id
  std::string_view name;     // without @
  BarStyle bars;
  // Option aggpercpu: CPU numbers, and of each the words it contributed.
  const std::map<uint32_t, std::vector<uint64_t>>* cpus = nullptr;

  bool is_distribution() const;
  // What scalar functions print; distributions have none.
  int64_t scalar() const;
};

// The value every word of a bin starts with: what clear() and an absent bin show.
uint64_t initial_word(dif::ActionKind function);
void merge_words(dif::ActionKind function, std::span<uint64_t> into, std::span<const uint64_t> from);

// <0, 0, >0: the order in which values are printed.
int compare_values(const Tally& a, const Tally& b);

// One bucket of a distribution, or one key of a histogram, as a bar with its number and a newline. What all bars of one
// display share is in Bars.
class Bars {
 public:
  Bars(BarStyle style, int64_t normal) : style_(style), normal_(normal) {}
  void add(int64_t content);
  std::string draw(int64_t content) const;  // after all were added
  long double total() const;

 private:
  std::string draw_utf8(int64_t content, int64_t number) const;
  BarStyle style_;
  int64_t normal_;
  long double sum_ = 0, largest_ = 0;
  bool positives_ = false, negatives_ = false;
};

// Buckets of `words` from `first` to `last`, inclusive.
struct BucketRange {
  size_t first = 0, last = 0;
};
// From one before the first bucket that is not empty to one after the last; `empty` when all are.
BucketRange shown_buckets(std::span<const uint64_t> words, BucketRange empty);

// A bucket of a distribution that holds something. Both bounds belong to it; an open end has none.
struct Bucket {
  std::optional<int64_t> low, high;
  int64_t count = 0;
};
std::vector<Bucket> filled_buckets(const Tally& tally);

// Header and rows, beginning with a newline.
std::string distribution(const Tally& tally);

// " %16lld", or the distribution.
std::string value_column(const Tally& tally);

}  // namespace ht::consumer
