// Arithmetic of aggregations: merging, comparing, averages and deviations.
#include "consumer/aggregation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "dif/layout.h"

namespace ht::consumer {
namespace {

using dif::ActionKind;
using Wide = unsigned __int128;

uint64_t word(std::span<const uint64_t> words, size_t index) {
  return index < words.size() ? words[index] : 0;
}

int64_t divide(int64_t value, int64_t by) {
  if (by == 0) return 0;
  // The one quotient that does not fit.
  if (by == -1) return static_cast<int64_t>(0 - static_cast<uint64_t>(value));
  return value / by;
}

// floor(sqrt(value)), bit by bit.
uint64_t integer_root(Wide value) {
  Wide root = 0;
  for (Wide bit = Wide{1} << 126; bit != 0; bit >>= 2) {
    if (value >= root + bit) {
      value -= root + bit;
      root = (root >> 1) + bit;
    } else {
      root >>= 1;
    }
  }
  return static_cast<uint64_t>(root);
}

// words: count, sum, low and high half of the sum of squares.
uint64_t deviation(std::span<const uint64_t> words, int64_t normal) {
  const auto count = static_cast<int64_t>(word(words, 0));
  if (count <= 0 || normal == 0) return 0;
  const Wide squares = Wide{word(words, 3)} << 64 | word(words, 2);
  const Wide by = static_cast<Wide>(normal < 0 ? -static_cast<__int128>(normal) : normal);
  const Wide mean_of_squares = squares / by / static_cast<Wide>(count);
  const __int128 mean = divide(divide(static_cast<int64_t>(word(words, 1)), normal), count);
  const Wide square_of_mean = static_cast<Wide>(mean * mean);
  return mean_of_squares > square_of_mean ? integer_root(mean_of_squares - square_of_mean) : 0;
}

int64_t average(std::span<const uint64_t> words, int64_t normal) {
  return divide(divide(static_cast<int64_t>(word(words, 1)), normal), static_cast<int64_t>(word(words, 0)));
}

template <typename T>
int compare(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

// The lower bound of |value| in llquantize's bin `distance` from the middle.
long double llquantize_label(const dif::LlquantizeParam& p, uint32_t bin, uint32_t middle) {
  const uint32_t distance = bin > middle ? bin - middle : middle - bin;
  if (distance == 0) return 0;
  const uint32_t per_order = p.steps - p.steps / p.factor;
  const uint32_t order = p.lmag + (distance - 1) / per_order;
  const uint32_t index = (distance - 1) % per_order + p.steps / p.factor;
  long double scale = 1;
  for (uint32_t i = 0; i < order; ++i) scale *= p.factor;
  const long double label = std::max(scale, scale * p.factor * index / p.steps);
  return bin > middle ? label : -label;
}

struct Weight {
  long double sum = 0;
  int64_t zero = 0;  // content of the bucket that holds 0
};

Weight weigh(const Tally& tally) {
  Weight weight;
  const auto content = [&](size_t i) { return static_cast<int64_t>(tally.words[i]); };
  const size_t count = tally.words.size();
  if (tally.function == ActionKind::kQuantize) {
    for (uint32_t i = 0; i < count; ++i) {
      weight.sum += static_cast<long double>(dif::quantize_label(i)) * static_cast<long double>(content(i));
    }
    if (count > dif::kQuantizeZeroBucket) weight.zero = content(dif::kQuantizeZeroBucket);
  } else if (tally.function == ActionKind::kLquantize) {
    const dif::LquantizeParam p = dif::decode_lquantize(tally.param);
    for (size_t i = 0; i < count; ++i) {
      long double label = p.base + (static_cast<long double>(i) - 1) * p.step;
      if (i == 0) label = p.base - 1.0L;
      if (i + 1 == count) label += 1;
      weight.sum += label * static_cast<long double>(content(i));
    }
    if (const uint32_t zero = dif::lquantize_bucket(0, p); zero < count) weight.zero = content(zero);
  } else {
    const dif::LlquantizeParam p = dif::decode_llquantize(tally.param);
    const auto middle = static_cast<uint32_t>(count / 2);
    if (!dif::valid_llquantize(p)) return weight;
    for (uint32_t i = 0; i < count; ++i) {
      weight.sum += llquantize_label(p, i, middle) * static_cast<long double>(content(i));
    }
    if (middle < count) weight.zero = content(middle);
  }
  return weight;
}

}  // namespace

bool Tally::is_distribution() const {
  return function == ActionKind::kQuantize || function == ActionKind::kLquantize || function == ActionKind::kLlquantize;
}

int64_t Tally::scalar() const {
  switch (function) {
    case ActionKind::kAvg:
      return average(words, normal);
    case ActionKind::kStddev:
      return static_cast<int64_t>(deviation(words, normal));
    default:
      return divide(static_cast<int64_t>(word(words, 0)), normal);
  }
}

uint64_t initial_word(ActionKind function) {
  if (function == ActionKind::kMin) return static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (function == ActionKind::kMax) return static_cast<uint64_t>(std::numeric_limits<int64_t>::min());
  return 0;
}

void merge_words(ActionKind function, std::span<uint64_t> into, std::span<const uint64_t> from) {
  const size_t count = std::min(into.size(), from.size());
  const auto signed_less = [](uint64_t a, uint64_t b) { return static_cast<int64_t>(a) < static_cast<int64_t>(b); };
  switch (function) {
    case ActionKind::kMin:
      for (size_t i = 0; i < count; ++i) into[i] = std::min(into[i], from[i], signed_less);
      return;
    case ActionKind::kMax:
      for (size_t i = 0; i < count; ++i) into[i] = std::max(into[i], from[i], signed_less);
      return;
    default:
      for (size_t i = 0; i < count; ++i) into[i] += from[i];
      // The sum of squares is one number of 128 bits.
      if (function == ActionKind::kStddev && count == 4 && into[2] < from[2]) ++into[3];
  }
}

int compare_values(const Tally& a, const Tally& b) {
  if (a.function != b.function) return compare(a.function, b.function);
  if (!a.is_distribution()) {
    if (a.function == ActionKind::kStddev) return compare(deviation(a.words, 1), deviation(b.words, 1));
    if (a.function == ActionKind::kAvg) return compare(average(a.words, 1), average(b.words, 1));
    return compare(static_cast<int64_t>(word(a.words, 0)), static_cast<int64_t>(word(b.words, 0)));
  }
  const Weight left = weigh(a);
  const Weight right = weigh(b);
  if (left.sum != right.sum) return compare(left.sum, right.sum);
  return compare(left.zero, right.zero);
}

namespace {

std::string plain_column(const Tally& tally) {
  if (tally.is_distribution()) return distribution(tally);
  if (tally.function == ActionKind::kStddev) return fmt::format(" {:>16}", static_cast<uint64_t>(tally.scalar()));
  return fmt::format(" {:>16}", tally.scalar());
}

}  // namespace

std::string value_column(const Tally& tally) {
  std::string text = plain_column(tally);
  if (tally.cpus == nullptr) return text;
  for (const auto& [cpu, words] : *tally.cpus) {
    Tally own = tally;
    own.words = words;
    text += fmt::format("\n    [CPU {}]", cpu) + plain_column(own);
  }
  return text;
}

}  // namespace ht::consumer
