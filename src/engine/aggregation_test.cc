// Aggregating actions, and the exactness of snapshots taken while a slot goes on.
#include <numeric>
#include <thread>

#include "dif/layout.h"
#include "engine/test_support.h"

namespace ht::engine::test {
namespace {

using dif::ActionKind;

dif::AggregationDef definition(ActionKind function, uint64_t param = 0, std::vector<dif::Type> keys = {}) {
  dif::AggregationDef def;
  def.name = "a";
  def.id = 1;
  def.function = function;
  def.param = param;
  def.keys = std::move(keys);
  return def;
}
dif::Difo arg0() {
  return code("ldgs 262, %r1\nret %r1", i64());
}

// The values of the one bin after firing with each of `values` as arg0.
std::vector<int64_t> gather(ActionKind function, const std::vector<int64_t>& values, uint64_t param = 0) {
  Harness harness;
  harness.program.aggregations = {definition(function, param)};
  std::vector<dif::Difo> args;
  if (function != ActionKind::kCount) args.push_back(arg0());
  harness.add(clause({aggregate(function, 1, std::move(args), 0)}));
  harness.start();
  for (int64_t value : values) {
    Firing firing = harness.firing();
    firing.args[0] = static_cast<uint64_t>(value);
    harness.engine->fire(1, firing);
  }
  const auto bins = snapshot(*harness.reader);
  EXPECT_EQ(bins.size(), values.empty() ? 0u : 1u);
  return bins.empty() ? std::vector<int64_t>{} : bins[0].values;
}

TEST(Aggregation, Functions) {
  using V = std::vector<int64_t>;
  EXPECT_EQ(gather(ActionKind::kCount, {}), V());
  EXPECT_EQ(gather(ActionKind::kCount, {5, 5, 5}), V({3}));
  EXPECT_EQ(gather(ActionKind::kSum, {5, -7}), V({-2}));
  EXPECT_EQ(gather(ActionKind::kMin, {5, -7, 9}), V({-7}));
  EXPECT_EQ(gather(ActionKind::kMax, {-5, -7}), V({-5}));
  EXPECT_EQ(gather(ActionKind::kAvg, {4, 8}), V({2, 12}));
  EXPECT_EQ(gather(ActionKind::kStddev, {3, -4}), V({2, -1, 25, 0}));
  EXPECT_EQ(gather(ActionKind::kStddev, {INT64_MIN, INT64_MIN}), V({2, 0, 0, INT64_MIN}));  // 2^127
}

TEST(Aggregation, Distributions) {
  auto words = gather(ActionKind::kQuantize, {0, 1, 3, -1, INT64_MAX, INT64_MIN});
  ASSERT_EQ(words.size(), dif::kQuantizeBuckets);
  for (uint32_t bucket : {0u, 62u, 63u, 64u, 65u, 126u}) EXPECT_EQ(words[bucket], 1) << bucket;
  const uint64_t linear = dif::encode_lquantize({.base = 10, .levels = 3, .step = 5});
  EXPECT_EQ(gather(ActionKind::kLquantize, {9, 10, 14, 15, 24, 25, 1000}, linear),
            (std::vector<int64_t>{1, 2, 1, 1, 2}));
  const uint64_t log = dif::encode_llquantize({.factor = 10, .lmag = 0, .hmag = 1, .steps = 10});
  words = gather(ActionKind::kLlquantize, {5, 5, 1000}, log);
  EXPECT_EQ(std::accumulate(words.begin(), words.end(), int64_t{0}), 3);
  EXPECT_EQ(words.back(), 1);
}

TEST(Aggregation, IncrementsAndNarrowValues) {
  Harness harness;
  harness.program.aggregations = {definition(ActionKind::kQuantize)};
  const dif::Difo narrow_value = code("setx 0xffff, %r1\nret %r1", dif::Type::integer(1, true, "char"));  // -1
  harness.add(clause({aggregate(ActionKind::kQuantize, 1, {narrow_value, arg0()}, 0)}));
  harness.start();
  harness.fire();
  const auto bins = snapshot(*harness.reader);
  ASSERT_EQ(bins.size(), 1u);
  EXPECT_EQ(bins[0].values[62], 10);
}

TEST(Aggregation, KeysAreLaidOutAndComparedByTheirUsedPart) {
  Harness harness;
  harness.engine->set_target_name(1, "vm1");
  harness.engine->set_target_name(2, "vm2-with-a-longer-name");
  harness.program.aggregations = {definition(ActionKind::kCount, 0, {dif::Type::string(), i64()})};
  harness.add(
      clause({aggregate(ActionKind::kCount, 1, {code("ldgs 0x300, %r1\nret %r1", dif::Type::string()), arg0()}, 2)}));
  harness.start({1, 2});
  for (int i = 0; i < 3; ++i) harness.fire(2);  // the longer name is in the staging area first
  for (int i = 0; i < 2; ++i) harness.fire(1);
  auto bins = snapshot(*harness.reader);
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_STREQ(bins[0].keys.c_str(), "vm2-with-a-longer-name");
  EXPECT_EQ(bins[0].values[0], 3);
  EXPECT_EQ(bins[1].keys, std::string("vm1") + std::string(253, '\0') + std::string("\x0a\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(bins[1].values[0], 2);
  // Deltas only; and a buffer that is used again shows nothing of what it held.
  EXPECT_TRUE(snapshot(*harness.reader).empty());
  harness.fire(1);
  bins = snapshot(*harness.reader);
  ASSERT_EQ(bins.size(), 1u);
  EXPECT_EQ(bins[0].values[0], 1);
  EXPECT_EQ(bins[0].keys.substr(0, 24), std::string("vm1") + std::string(21, '\0'));
  EXPECT_TRUE(snapshot(*harness.reader).empty());
  EXPECT_TRUE(snapshot(*harness.reader).empty());
}

TEST(Aggregation, FullBufferCountsDropsAndKeepsTheRest) {
  SessionConfig config;
  config.aggsize = 4096;
  Harness harness(config);
  harness.program.aggregations = {definition(ActionKind::kCount, 0, {i64()})};
  harness.add(clause({aggregate(ActionKind::kCount, 1, {arg0()}, 1)}));
  harness.start();
  for (int round = 0; round < 2; ++round) {
    for (uint64_t i = 0; i < 1000; ++i) {
      Firing firing = harness.firing();
      firing.args[0] = i;
      harness.engine->fire(1, firing);
    }
  }
  const auto bins = snapshot(*harness.reader);
  int64_t counted = 0;
  for (const Bin& bin : bins) {
    EXPECT_EQ(bin.values[0], 2);
    counted += bin.values[0];
  }
  EXPECT_GT(bins.size(), 50u);
  EXPECT_EQ(counted + static_cast<int64_t>(harness.reader->drops().aggregation()), 2000);
}

TEST(Aggregation, EverySnapshotOfARunningSlotAddsUp) {
  constexpr int64_t kFirings = 1'000'000;
  Harness harness;
  harness.program.aggregations = {definition(ActionKind::kSum, 0, {i64()})};
  harness.add(clause({aggregate(ActionKind::kSum, 1, {code("ldgs 263, %r1\nret %r1", i64()), arg0()}, 1)}));
  harness.start();
  std::atomic<bool> done{false};
  std::thread producer([&] {
    Firing firing = harness.firing();
    for (int64_t i = 0; i < kFirings; ++i) {
      firing.args[0] = static_cast<uint64_t>(i % 7);
      firing.args[1] = static_cast<uint64_t>(i % 5);
      harness.engine->fire(1, firing);
    }
    done = true;
  });
  int64_t total = 0;
  uint64_t snapshots = 0;
  const auto take = [&] {
    for (const Bin& bin : snapshot(*harness.reader)) total += bin.values[0];
    ++snapshots;
  };
  while (!done) take();
  producer.join();
  take();
  take();
  int64_t expected = 0;
  for (int64_t i = 0; i < kFirings; ++i) expected += i % 7;
  EXPECT_EQ(total, expected) << snapshots << " snapshots";
  EXPECT_GT(snapshots, 10u);
  EXPECT_EQ(harness.session->firings(1), static_cast<uint64_t>(kFirings));
}

}  // namespace
}  // namespace ht::engine::test
