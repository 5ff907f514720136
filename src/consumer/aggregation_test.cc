// Distributions and averages, judged by the reference, sections 6.3 to 6.6.
#include "consumer/aggregation.h"

#include <gtest/gtest.h>

#include "dif/layout.h"

namespace ht::consumer {
namespace {

using dif::ActionKind;

constexpr char kHeader[] = "\n           value  ------------- Distribution ------------- count    \n";

std::string rows(const Tally& tally) {
  const std::string text = distribution(tally);
  EXPECT_TRUE(text.starts_with(kHeader)) << text;
  return text.substr(sizeof kHeader - 1);
}

std::vector<uint64_t> quantized(const std::vector<std::pair<int64_t, int64_t>>& values) {
  std::vector<uint64_t> words(dif::kQuantizeBuckets);
  for (auto [value, count] : values) words[dif::quantize_bucket(value)] += static_cast<uint64_t>(count);
  return words;
}

TEST(Distribution, Quantize) {
  const auto words = quantized({{1, 1}, {2, 2}, {5, 1}});
  EXPECT_EQ(rows({ActionKind::kQuantize, 0, 1, words}),
            "               0 |                                         0        \n"
            "               1 |@@@@@@@@@@                               1        \n"
            "               2 |@@@@@@@@@@@@@@@@@@@@                     2        \n"
            "               4 |@@@@@@@@@@                               1        \n"
            "               8 |                                         0        \n");
}

TEST(Distribution, QuantizeOfNegativeValues) {
  const auto words = quantized({{-1, 1}, {-9, 1}});
  EXPECT_EQ(rows({ActionKind::kQuantize, 0, 1, words}),
            "             -16 |                                         0        \n"
            "              -8 |@@@@@@@@@@@@@@@@@@@@                     1        \n"
            "              -4 |                                         0        \n"
            "              -2 |                                         0        \n"
            "              -1 |@@@@@@@@@@@@@@@@@@@@                     1        \n"
            "               0 |                                         0        \n");
}

TEST(Distribution, EmptyShowsTheMiddle) {
  const auto words = quantized({});
  EXPECT_EQ(rows({ActionKind::kQuantize, 0, 1, words}),
            "              -1 |                                         0        \n"
            "               0 |                                         0        \n"
            "               1 |                                         0        \n");
}

TEST(Distribution, BarsOfBothSigns) {
  const auto words = quantized({{1, 3}, {2, -1}});
  EXPECT_EQ(rows({ActionKind::kQuantize, 0, 1, words}),
            "               0                     |                     0        \n"
            "               1                     |@@@@@@@@@@@@@@@      3        \n"
            "               2                @@@@@|                     -1       \n"
            "               4                     |                     0        \n");
}

TEST(Distribution, OnlyNegativeContents) {
  const auto words = quantized({{1, -2}});
  EXPECT_EQ(rows({ActionKind::kQuantize, 0, 1, words}),
            "               0                                         | 0        \n"
            "               1                                         | -2       \n"
            "               2                                         | 0        \n");
}

TEST(Distribution, EndsAreNotExceeded) {
  const auto words = quantized({{INT64_MAX, 1}});
  EXPECT_EQ(rows({ActionKind::kQuantize, 0, 1, words}),
            "2305843009213693952 |                                         0        \n"
            "4611686018427387904 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 1        \n")
      << "labels longer than 16 characters are not cut";
}

TEST(Distribution, NormalDividesTheNumberNotTheBar) {
  const auto words = quantized({{1, 10}, {2, 30}});
  EXPECT_EQ(rows({ActionKind::kQuantize, 0, 10, words}),
            "               0 |                                         0        \n"
            "               1 |@@@@@@@@@@                               1        \n"
            "               2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@           3        \n"
            "               4 |                                         0        \n");
}

TEST(Distribution, Lquantize) {
  const dif::LquantizeParam param{.base = 0, .levels = 10, .step = 10};
  std::vector<uint64_t> words(12);
  for (int64_t value : {-5, 0, 9, 10, 95, 100, 1000}) words[dif::lquantize_bucket(value, param)]++;
  EXPECT_EQ(rows({ActionKind::kLquantize, dif::encode_lquantize(param), 1, words}),
            "             < 0 |@@@@@@                                   1        \n"
            "               0 |@@@@@@@@@@@                              2        \n"
            "              10 |@@@@@@                                   1        \n"
            "              20 |                                         0        \n"
            "              30 |                                         0        \n"
            "              40 |                                         0        \n"
            "              50 |                                         0        \n"
            "              60 |                                         0        \n"
            "              70 |                                         0        \n"
            "              80 |                                         0        \n"
            "              90 |@@@@@@                                   1        \n"
            "          >= 100 |@@@@@@@@@@@                              2        \n");
}

TEST(Distribution, EmptyLquantize) {
  const std::vector<uint64_t> words(5);
  EXPECT_EQ(rows({ActionKind::kLquantize, dif::encode_lquantize({-10, 3, 5}), 1, words}),
            "           < -10 |                                         0        \n"
            "             -10 |                                         0        \n"
            "              -5 |                                         0        \n");
}

std::vector<uint64_t> llquantized(const dif::LlquantizeParam& param, const std::vector<int64_t>& values) {
  std::vector<uint64_t> words(dif::llquantize_bins(param));
  for (int64_t value : values) words[dif::llquantize_bucket(value, param)]++;
  return words;
}

TEST(Distribution, Llquantize) {
  const dif::LlquantizeParam param{.factor = 10, .lmag = 1, .hmag = 2, .steps = 10};
  const auto words = llquantized(param, {10, 10, 20, 100, 999, 1000});
  EXPECT_EQ(rows({ActionKind::kLlquantize, dif::encode_llquantize(param), 1, words}),
            "            < 10 |                                         0        \n"
            "              10 |@@@@@@@@@@@@@                            2        \n"
            "              20 |@@@@@@@                                  1        \n"
            "              30 |                                         0        \n"
            "              40 |                                         0        \n"
            "              50 |                                         0        \n"
            "              60 |                                         0        \n"
            "              70 |                                         0        \n"
            "              80 |                                         0        \n"
            "              90 |                                         0        \n"
            "             100 |@@@@@@@                                  1        \n"
            "             200 |                                         0        \n"
            "             300 |                                         0        \n"
            "             400 |                                         0        \n"
            "             500 |                                         0        \n"
            "             600 |                                         0        \n"
            "             700 |                                         0        \n"
            "             800 |                                         0        \n"
            "             900 |@@@@@@@                                  1        \n"
            "         >= 1000 |@@@@@@@                                  1        \n");
}

TEST(Distribution, LlquantizeOfNegativeValues) {
  const dif::LlquantizeParam param{.factor = 2, .lmag = 1, .hmag = 2, .steps = 2};
  const auto words = llquantized(param, {-9, -2, 1, 4});
  EXPECT_EQ(rows({ActionKind::kLlquantize, dif::encode_llquantize(param), 1, words}),
            "           <= -8 |@@@@@@@@@@                               1        \n"
            "              -4 |                                         0        \n"
            "              -2 |@@@@@@@@@@                               1        \n"
            "       abs() < 2 |@@@@@@@@@@                               1        \n"
            "               2 |                                         0        \n"
            "               4 |@@@@@@@@@@                               1        \n"
            "            >= 8 |                                         0        \n");
}

TEST(Distribution, LlquantizeFromOneSkipsBinsThatHoldNothing) {
  const dif::LlquantizeParam param{.factor = 10, .lmag = 0, .hmag = 1, .steps = 20};
  const auto words = llquantized(param, {0, 1, 2, 3});
  EXPECT_EQ(rows({ActionKind::kLlquantize, dif::encode_llquantize(param), 1, words}),
            "              -1 |                                         0        \n"
            "               0 |@@@@@@@@@@                               1        \n"
            "               1 |@@@@@@@@@@                               1        \n"
            "               2 |@@@@@@@@@@                               1        \n"
            "               3 |@@@@@@@@@@                               1        \n"
            "               4 |                                         0        \n");
}

TEST(Tally, AverageTruncatesAndDividesSigned) {
  const std::vector<uint64_t> words = {3, static_cast<uint64_t>(-10)};
  EXPECT_EQ(value_column({ActionKind::kAvg, 0, 1, words}), "               -3");
  const std::vector<uint64_t> none = {0, 0};
  EXPECT_EQ(value_column({ActionKind::kAvg, 0, 1, none}), "                0");
}

TEST(Tally, Deviation) {
  // 2 4 4 4 5 5 7 9: mean 5, deviation 2.
  const std::vector<uint64_t> words = {8, 40, 232, 0};
  EXPECT_EQ(value_column({ActionKind::kStddev, 0, 1, words}), "                2");
  const std::vector<uint64_t> none(4);
  EXPECT_EQ(value_column({ActionKind::kStddev, 0, 1, none}), "                0");
  // Squares beyond 64 bits: 0 and 2^40.
  const std::vector<uint64_t> large = {2, uint64_t{1} << 40, 0, uint64_t{1} << 16};
  EXPECT_EQ((Tally{ActionKind::kStddev, 0, 1, large}.scalar()), int64_t{1} << 39);
}

TEST(Tally, MergingCarriesTheSumOfSquares) {
  std::vector<uint64_t> into = {1, 1, UINT64_MAX, 5};
  const std::vector<uint64_t> from = {1, 2, 2, 1};
  merge_words(ActionKind::kStddev, into, from);
  EXPECT_EQ(into, (std::vector<uint64_t>{2, 3, 1, 7}));
}

TEST(Tally, MinAndMaxAreSigned) {
  std::vector<uint64_t> low = {initial_word(ActionKind::kMin)};
  merge_words(ActionKind::kMin, low, std::vector<uint64_t>{5});
  merge_words(ActionKind::kMin, low, std::vector<uint64_t>{static_cast<uint64_t>(-7)});
  EXPECT_EQ(value_column({ActionKind::kMin, 0, 1, low}), "               -7");
  std::vector<uint64_t> high = {initial_word(ActionKind::kMax)};
  merge_words(ActionKind::kMax, high, std::vector<uint64_t>{static_cast<uint64_t>(-7)});
  EXPECT_EQ(value_column({ActionKind::kMax, 0, 1, high}), "               -7");
}

TEST(Tally, NormalDividesSigned) {
  const std::vector<uint64_t> words = {static_cast<uint64_t>(-10)};
  EXPECT_EQ(value_column({ActionKind::kSum, 0, 3, words}), "               -3");
}

TEST(Tally, DistributionsCompareByWeight) {
  const auto small = quantized({{1, 100}});
  const auto large = quantized({{1024, 1}});
  EXPECT_LT(compare_values({ActionKind::kQuantize, 0, 1, small}, {ActionKind::kQuantize, 0, 1, large}), 0);
  const auto zero = quantized({{0, 1}});
  const auto more = quantized({{0, 2}});
  EXPECT_LT(compare_values({ActionKind::kQuantize, 0, 1, zero}, {ActionKind::kQuantize, 0, 1, more}), 0);
}

}  // namespace
}  // namespace ht::consumer
