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

struct Row {
  std::string label;  // padded, with its final blank
  int64_t content = 0;
};

std::vector<Row> quantize_rows(std::span<const uint64_t> words) {
  std::vector<Row> rows;
  const BucketRange range = shown_buckets(words, {dif::kQuantizeZeroBucket - 1, dif::kQuantizeZeroBucket + 1});
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
  const BucketRange range = shown_buckets(words, {0, 2});
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
  BucketRange range = shown_buckets(words, {middle, middle + 2});
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

const uint64_t kAnyLlquantize = dif::encode_llquantize({.factor = 2, .lmag = 0, .hmag = 1, .steps = 2});

// The bounds of bucket `i`; those of the outermost are open.
Bucket quantize_bounds(size_t i) {
  using dif::kQuantizeZeroBucket;
  const auto label = [](size_t bucket) { return dif::quantize_label(static_cast<uint32_t>(bucket)); };
  if (i == kQuantizeZeroBucket) return {0, 0};
  if (i > kQuantizeZeroBucket) {
    return {label(i), i + 1 < dif::kQuantizeBuckets ? std::optional(label(i + 1) - 1) : std::nullopt};
  }
  return {i > 0 ? std::optional(label(i - 1) + 1) : std::nullopt, label(i)};
}

Bucket lquantize_bounds(size_t i, const dif::LquantizeParam& p) {
  const int64_t low = p.base + (static_cast<int64_t>(i) - 1) * p.step;
  if (i == 0) return {std::nullopt, int64_t{p.base} - 1};
  if (i > p.levels) return {low, std::nullopt};
  return {low, low + p.step - 1};
}

Bucket llquantize_bounds(size_t i, size_t middle, const LlquantizeBins& bins) {
  const auto bound = [&](size_t distance) { return static_cast<int64_t>(bins.lower(distance)); };
  const size_t distance = i > middle ? i - middle : middle - i;
  if (distance == 0) return {1 - bound(1), bound(1) - 1};
  std::optional<int64_t> far;
  size_t next = distance + 1;
  while (bins.ghost(next)) ++next;
  if (!bins.overflow(distance)) far = bound(next) - 1;
  if (i > middle) return {bound(distance), far};
  return {far ? std::optional(-*far) : std::nullopt, -bound(distance)};
}

}  // namespace

std::vector<Bucket> filled_buckets(const Tally& tally) {
  std::vector<Bucket> buckets;
  const bool linear = tally.function == ActionKind::kLquantize;
  const bool log_linear = tally.function == ActionKind::kLlquantize;
  if (log_linear && tally.words.size() != dif::llquantize_bins(dif::decode_llquantize(tally.param))) return {};
  const dif::LquantizeParam lquantize = dif::decode_lquantize(tally.param);
  const LlquantizeBins bins(log_linear ? tally.param : kAnyLlquantize);
  for (size_t i = 0; i < tally.words.size(); ++i) {
    if (tally.words[i] == 0) continue;
    Bucket bucket = linear       ? lquantize_bounds(i, lquantize)
                    : log_linear ? llquantize_bounds(i, tally.words.size() / 2, bins)
                                 : quantize_bounds(i);
    bucket.count = static_cast<int64_t>(tally.words[i]);
    buckets.push_back(bucket);
  }
  return buckets;
}

std::string distribution(const Tally& tally) {
  std::vector<Row> rows;
  if (!tally.words.empty()) {
    if (tally.function == ActionKind::kQuantize) rows = quantize_rows(tally.words);
    if (tally.function == ActionKind::kLquantize) rows = lquantize_rows(tally.words, tally.param);
    if (tally.function == ActionKind::kLlquantize) rows = llquantize_rows(tally.words, tally.param);
  }
  Bars bars(tally.bars, tally.normal);
  for (const Row& row : rows) bars.add(row.content);
  std::string text =
      fmt::format("\n{:>16} {:>41} {:<9}\n", "value", "------------- Distribution -------------", "count");
  for (const Row& row : rows) text += row.label + bars.draw(row.content);
  return text;
}

}  // namespace ht::consumer
