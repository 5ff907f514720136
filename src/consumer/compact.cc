// Histograms of counts and sums, and distributions packed into one line.
#include "consumer/compact.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "consumer/text.h"
#include "dif/layout.h"

namespace ht::consumer {
namespace {

using dif::ActionKind;

constexpr int kTextWidth = 16;  // of a key that is no integer
constexpr size_t kLeastLabelWidth = 4;
constexpr int kLinearMinWidth = 7, kLinearMaxWidth = 8;

// A key's column is a blank and its width.
int key_width(const Datum& key) {
  if (!key.is_integer()) return kTextWidth;
  switch (key.bytes.size()) {
    case 1:
      return 3;
    case 2:
      return 5;
    case 4:
      return 8;
    default:
      return kTextWidth;
  }
}

std::string key_text(const Datum& key, Symbols& symbols) {
  if (key.is_integer()) return std::to_string(key.extended());
  if (key.is_symbol()) return symbol_text(key, &symbols);
  return key.text();
}

int keys_width(const Row& row) {
  int width = 0;
  for (const Datum& key : row.keys) width += key_width(key) + 1;
  return width;
}

std::string key_columns(const Row& row, Symbols& symbols) {
  std::string text;
  for (const Datum& key : row.keys) text += fmt::format(" {:>{}}", key_text(key, symbols), key_width(key));
  return text;
}

// Terminals of old that know no UTF-8.
bool plain_terminal() {
  const char* term = std::getenv("TERM");
  if (term == nullptr) return false;
  const std::string name = term;
  return name == "sun" || name == "sun-color" || name == "dumb";
}

std::string bucket_mark(int64_t content, long double total, bool utf8) {
  static constexpr std::string_view kBelow = "vvvvVV", kAbove = "__xxxxXX";
  if (content == 0 || total <= 0) return " ";
  const auto step = [&](unsigned steps) {
    const long double size = content < 0 ? -static_cast<long double>(content) : static_cast<long double>(content);
    return std::min(steps, static_cast<unsigned>(size * steps / total + 0.5L));
  };
  if (content < 0) return std::string(1, kBelow[step(kBelow.size() - 1)]);
  if (!utf8) return std::string(1, kAbove[step(kAbove.size() - 1)]);
  return std::string("\xe2\x96") + static_cast<char>(0x81 + step(7));  // U+2581 and up: bars of rising height
}

std::string label(size_t bucket) {
  return std::to_string(dif::quantize_label(static_cast<uint32_t>(bucket)));
}

size_t label_width(size_t bucket) {
  return std::max(kLeastLabelWidth, label(bucket).size());
}

}  // namespace

CompactPrinter::CompactPrinter(const std::vector<Row>& rows, const Options& options, Symbols& symbols)
    : options_(options), symbols_(symbols) {
  utf8_ = options.encoding == Options::Encoding::kUtf8 ||
          (options.encoding == Options::Encoding::kUnset && !plain_terminal());
  for (const Row& row : rows) {
    if (!takes(row)) continue;
    const Tally& tally = row.tallies[0];
    auto [found, is_new] = tables_.try_emplace(tally.aggregation);
    Table& table = found->second;
    if (is_histogram(row)) {
      if (is_new) table.bars = Bars(tally.bars, tally.normal);
      table.bars.add(static_cast<int64_t>(tally.words.empty() ? 0 : tally.words[0]));
      continue;
    }
    if (tally.words.empty()) continue;
    // Of lquantize all buckets are shown: its labels are those of its ends.
    BucketRange range{0, tally.words.size() - 1};
    if (tally.function == ActionKind::kQuantize) {
      range = shown_buckets(tally.words, {dif::kQuantizeZeroBucket - 1, dif::kQuantizeZeroBucket + 1});
    }
    if (table.any_bucket) {
      range = {std::min(range.first, table.buckets.first), std::max(range.last, table.buckets.last)};
    }
    table.buckets = range;
    table.any_bucket = true;
  }
}

bool CompactPrinter::is_histogram(const Row& row) const {
  const ActionKind function = row.tallies[0].function;
  return options_.agghist && (function == ActionKind::kCount || function == ActionKind::kSum);
}

bool CompactPrinter::is_packed(const Row& row) const {
  const ActionKind function = row.tallies[0].function;
  return options_.aggpack && (function == ActionKind::kQuantize || function == ActionKind::kLquantize);
}

bool CompactPrinter::takes(const Row& row) const {
  const bool plain_keys =
      std::none_of(row.keys.begin(), row.keys.end(), [](const Datum& key) { return key.is_stack(); });
  return row.tallies.size() == 1 && plain_keys && (is_histogram(row) || is_packed(row));
}

std::string CompactPrinter::line(const Row& row) {
  const Tally& tally = row.tallies[0];
  const Table& table = tables_.at(tally.aggregation);
  std::string text;
  const bool histogram = is_histogram(row);
  if (tally.aggregation != last_) text = histogram ? histogram_header(row) : packed_header(row, table);
  last_ = tally.aggregation;
  text += key_columns(row, symbols_);
  if (!histogram) return text + packed_line(row, table);
  return text + " " + table.bars.draw(static_cast<int64_t>(tally.words.empty() ? 0 : tally.words[0]));
}

std::string CompactPrinter::histogram_header(const Row& row) const {
  const int width = keys_width(row);
  return fmt::format("\n{:>{}} {:>41} {:<9}\n", width > 0 ? "key" : "value", width > 0 ? width : kTextWidth,
                     "------------- Distribution -------------", "count");
}

std::string CompactPrinter::packed_header(const Row& row, const Table& table) const {
  const bool linear = row.tallies[0].function == ActionKind::kLquantize;
  const int width = keys_width(row);
  const auto low = linear ? kLinearMinWidth : static_cast<int>(label_width(table.buckets.first));
  const auto high = linear ? kLinearMaxWidth : static_cast<int>(label_width(table.buckets.last));
  return fmt::format("\n{:>{}} {:>{}} .{}. {:<{}} | count\n", width > 0 ? "key" : "", width, "min", low,
                     std::string(table.buckets.last - table.buckets.first + 1, '-'), "max", high);
}

std::string CompactPrinter::packed_line(const Row& row, const Table& table) const {
  const Tally& tally = row.tallies[0];
  const BucketRange& shown = table.buckets;
  Bars scale(tally.bars, tally.normal);
  uint64_t sum = 0;
  for (uint64_t word : tally.words) {
    scale.add(static_cast<int64_t>(word));
    sum += word;
  }
  std::string marks;
  for (size_t i = shown.first; i <= shown.last && i < tally.words.size(); ++i) {
    marks += bucket_mark(static_cast<int64_t>(tally.words[i]), scale.total(), utf8_);
  }
  const int64_t count =
      tally.normal == 0 ? 0 : static_cast<int64_t>(static_cast<__int128>(static_cast<int64_t>(sum)) / tally.normal);
  if (tally.function == ActionKind::kLquantize) {
    const dif::LquantizeParam p = dif::decode_lquantize(tally.param);
    return fmt::format("{:>8} :{}: {:<8} | {}\n", fmt::format("< {}", p.base), marks,
                       fmt::format(">= {}", p.base + int64_t{p.levels} * p.step), count);
  }
  return fmt::format(" {:>{}} :{}: {:<{}} | {}\n", label(shown.first), label_width(shown.first), marks,
                     label(shown.last), label_width(shown.last), count);
}

}  // namespace ht::consumer
