// Bars of distributions and histograms (reference, sections 6.6 and 6.7).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "consumer/aggregation.h"

namespace ht::consumer {
namespace {

constexpr unsigned kWidth = 40;
constexpr unsigned kHalfWidth = 20;     // when there are contents of both signs
constexpr long double kZoomed = 0.95L;  // of the width, for the longest bar

long double magnitude(int64_t content) {
  return content < 0 ? -static_cast<long double>(content) : static_cast<long double>(content);
}

}  // namespace

BucketRange shown_buckets(std::span<const uint64_t> words, BucketRange empty) {
  const auto full = [](uint64_t word) { return word != 0; };
  const auto first = std::find_if(words.begin(), words.end(), full);
  const size_t top = words.size() - 1;
  if (first == words.end()) return {std::min(empty.first, top), std::min(empty.last, top)};
  const auto last = std::find_if(words.rbegin(), words.rend(), full);
  const auto low = static_cast<size_t>(first - words.begin());
  const auto high = top - static_cast<size_t>(last - words.rbegin());
  return {low == 0 ? 0 : low - 1, std::min(high + 1, top)};
}

void Bars::add(int64_t content) {
  sum_ += magnitude(content);
  largest_ = std::max(largest_, magnitude(content));
  positives_ |= content > 0;
  negatives_ |= content < 0;
}

long double Bars::total() const {
  return style_.zoom ? largest_ / kZoomed : sum_;
}

std::string Bars::draw(int64_t content) const {
  const int64_t number =
      normal_ == 0 ? 0 : static_cast<int64_t>(static_cast<__int128>(content) / static_cast<__int128>(normal_));
  if (style_.utf8 && positives_ && !negatives_) return draw_utf8(content, number);
  const unsigned width = positives_ && negatives_ ? kHalfWidth : kWidth;
  unsigned length = 0;
  if (positives_ && total() > 0) {
    length = std::min(width, static_cast<unsigned>(magnitude(content) * width / total() + 0.5L));
  }
  const std::string at(length, '@');
  const std::string blank(width - length, ' ');
  if (!negatives_) return fmt::format("|{}{} {:<9}\n", at, blank, number);
  if (!positives_) return fmt::format("{}{}| {:<9}\n", blank, at, number);
  const std::string other(kHalfWidth, ' ');
  if (content <= 0) return fmt::format("{}{}|{} {:<9}\n", blank, at, other, number);
  return fmt::format("{}|{}{} {:<9}\n", other, at, blank, number);
}

// Full blocks, then one of an eighth to seven eighths.
std::string Bars::draw_utf8(int64_t content, int64_t number) const {
  const long double length = std::min<long double>(kWidth, magnitude(content) * kWidth / total());
  const auto blocks = static_cast<unsigned>(length);
  const auto eighths = static_cast<unsigned>((length - blocks) * 8);
  std::string text = "|";
  for (unsigned i = 0; i < blocks; ++i) text += "\xe2\x96\x88";  // U+2588
  if (eighths > 0) {
    text += "\xe2\x96";
    text += static_cast<char>(0x90 - eighths);  // U+2590 - eighths
  }
  text.append(kWidth - blocks - (eighths > 0 ? 1 : 0), ' ');
  return text + fmt::format(" {:<9}\n", number);
}

}  // namespace ht::consumer
