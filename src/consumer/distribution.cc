// Distributions of quantize, lquantize and llquantize as bars (reference, section 6.6).
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "consumer/aggregation.h"
#include "dif/layout.h"

namespace ht::consumer {
namespace {

using dif::ActionKind;
using Wide = unsigned __int128;

constexpr unsigned kBarWidth = 40;
constexpr unsigned kHalfBarWidth = 20;  // when there are contents of both signs

struct Row {
  std::string label;  // padded, with its final blank
  int64_t content = 0;
};

struct Range {
  size_t first = 0, last = 0;  // inclusive
};

// From one before the first bucket that is not empty to one after the last; `empty` when all are.
Range shown(std::span<const uint64_t> words, Range empty) {
  const auto full = [](uint64_t word) { return word != 0; };
  const auto first = std::find_if(words.begin(), words.end(), full);
  const size_t top = words.size() - 1;
  if (first == words.end()) return {std::min(empty.first, top), std::min(empty.last, top)};
  const auto last = std::find_if(words.rbegin(), words.rend(), full);
  const auto low = static_cast<size_t>(first - words.begin());
  const auto high = top - static_cast<size_t>(last - words.rbegin());
  return {low == 0 ? 0 : low - 1, std::min(high + 1, top)};
}

std::string bar(int64_t content, long double total, bool positives, bool negatives, int64_t normal) {
  const unsigned width = positives && negatives ? kHalfBarWidth : kBarWidth;
  const long double size = content < 0 ? -static_cast<long double>(content) : static_cast<long double>(content);
  unsigned length = 0;
  if (positives && total > 0) length = std::min(width, static_cast<unsigned>(size * width / total + 0.5L));
  const std::string at(length, '@');
  const std::string blank(width - length, ' ');
  const int64_t number =
      normal == 0 ? 0 : static_cast<int64_t>(static_cast<__int128>(content) / static_cast<__int128>(normal));
  if (!negatives) return fmt::format("|{}{} {:<9}\n", at, blank, number);
  if (!positives) return fmt::format("{}{}| {:<9}\n", blank, at, number);
  const std::string other(kHalfBarWidth, ' ');
  if (content <= 0) return fmt::format("{}{}|{} {:<9}\n", blank, at, other, number);
  return fmt::format("{}|{}{} {:<9}\n", other, at, blank, number);
}

std::vector<Row> quantize_rows(std::span<const uint64_t> words) {
  std::vector<Row> rows;
  const Range range = shown(words, {dif::kQuantizeZeroBucket - 1, dif::kQuantizeZeroBucket + 1});
  for (size_t i = range.first; i <= range.last; ++i) {
    rows.push_back(
        {fmt::format("{:>16} ", dif::quantize_label(static_cast<uint32_t>(i))), static_cast<int64_t>(words[i])});
  }
  return rows;
}

std::vector<Row> lquantize_rows(std::span<const uint64_t> words, uint64_t param) {
  const dif::LquantizeParam p = dif::decode_lquantize(param);
  const int64_t limit = p.base + int64_t{p.levels} * p.step;
  std::vector<Row> rows;
  const Range range = shown(words, {0, 2});
  for (size_t i = range.first; i <= range.last; ++i) {
    std::string label = std::to_string(p.base + (static_cast<int64_t>(i) - 1) * p.step);
    if (i == 0) label = "< " + std::to_string(p.base);
    if (i == words.size() - 1) label = ">= " + std::to_string(limit);
    rows.push_back({fmt::format("{:>16} ", label), static_cast<int64_t>(words[i])});
  }
  return rows;
}

// The bins of llquantize as distances from the middle one: 0 underflow, 1 to `last` the bins proper, then overflow.
class LlquantizeBins {
 public:
  explicit LlquantizeBins(uint64_t param) : p_(dif::decode_llquantize(param)) {
    per_order_ = p_.steps - p_.steps / p_.factor;
    last_ = (p_.hmag - p_.lmag + 1u) * per_order_;
  }

  // With factor^lmag 1 and more steps than numbers, some bins of the first order can hold nothing; they are not shown.
  bool ghost(size_t distance) const {
    if (distance == 0 || distance > last_ || p_.lmag != 0 || distance > per_order_) return false;
    return index(distance) * p_.factor % p_.steps != 0;
  }
  Wide lower(size_t distance) const {
    if (distance == 0) return power(p_.lmag);
    if (distance > last_) return power(p_.hmag + 1u);
    const unsigned order = p_.lmag + static_cast<unsigned>((distance - 1) / per_order_);
    return std::max(power(order), Wide{index(distance)} * power(order + 1) / p_.steps);
  }
  bool overflow(size_t distance) const { return distance > last_; }

 private:
  size_t index(size_t distance) const { return (distance - 1) % per_order_ + p_.steps / p_.factor; }
  Wide power(unsigned exponent) const {
    Wide result = 1;
    for (unsigned i = 0; i < exponent; ++i) result *= p_.factor;
    return result;
  }
  dif::LlquantizeParam p_;
  uint32_t per_order_ = 1, last_ = 1;
};

std::vector<Row> llquantize_rows(std::span<const uint64_t> words, uint64_t param) {
  if (words.size() != dif::llquantize_bins(dif::decode_llquantize(param))) return {};
  const LlquantizeBins bins(param);
  const size_t middle = words.size() / 2;
  const auto distance = [&](size_t bin) { return bin > middle ? bin - middle : middle - bin; };
  Range range = shown(words, {middle, middle + 2});
  // A row that would begin or end the display on a bin that cannot hold anything moves on to one that can.
  while (range.first > 0 && bins.ghost(distance(range.first))) --range.first;
  while (range.last + 1 < words.size() && bins.ghost(distance(range.last))) ++range.last;
  std::vector<Row> rows;
  for (size_t i = range.first; i <= range.last; ++i) {
    if (bins.ghost(distance(i))) continue;
    const std::string bound = fmt::format("{}", bins.lower(distance(i)));
    std::string label = bound;
    if (i == middle) {
      label = bound == "1" ? "0" : (range.first < middle ? "abs() < " : "< ") + bound;
    } else if (i > middle) {
      if (bins.overflow(distance(i))) label = ">= " + bound;
    } else {
      label = (bins.overflow(distance(i)) ? "<= -" : "-") + bound;
    }
    rows.push_back({fmt::format("{:>16} ", label), static_cast<int64_t>(words[i])});
  }
  return rows;
}

}  // namespace

std::string distribution(const Tally& tally) {
  std::vector<Row> rows;
  if (!tally.words.empty()) {
    if (tally.function == ActionKind::kQuantize) rows = quantize_rows(tally.words);
    if (tally.function == ActionKind::kLquantize) rows = lquantize_rows(tally.words, tally.param);
    if (tally.function == ActionKind::kLlquantize) rows = llquantize_rows(tally.words, tally.param);
  }
  long double total = 0;
  bool positives = false;
  bool negatives = false;
  for (const Row& row : rows) {
    total += row.content < 0 ? -static_cast<long double>(row.content) : static_cast<long double>(row.content);
    positives |= row.content > 0;
    negatives |= row.content < 0;
  }
  std::string text =
      fmt::format("\n{:>16} {:>41} {:<9}\n", "value", "------------- Distribution -------------", "count");
  for (const Row& row : rows) text += row.label + bar(row.content, total, positives, negatives, tally.normal);
  return text;
}

}  // namespace ht::consumer
