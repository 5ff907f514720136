// Trace buffers: their policies, how much fits in them, what is lost and by which CPU.
#include "engine/session_memory.h"
#include "engine/test_support.h"
#include "engine/timer_thread.h"

namespace ht::engine::test {
namespace {

using dif::ActionKind;

// A clause that records arg0: 12 bytes of header, 4 of padding, 8 of value.
constexpr uint64_t kCost = 24;
dif::Clause record_arg0() {
  return clause({trace("ldgs 262, %r1\nret %r1")});
}
SessionConfig config_of(BufferPolicy policy, uint64_t bufsize) {
  SessionConfig config;
  config.policy = policy;
  config.bufsize = bufsize;
  return config;
}
void fire(Harness& harness, uint64_t arg0, uint32_t cpu = 3, TargetId target = 1) {
  Firing firing = harness.firing(target);
  firing.args[0] = arg0;
  firing.cpu = cpu;
  harness.engine->fire(1, firing);
}
std::vector<int64_t> numbers(Harness& harness) {
  std::vector<int64_t> result;
  for (const Record& record : harness.records()) result.push_back(record.number());
  return result;
}

TEST(BufferSwitch, HoldsWhatDtraceSaysThatItHolds) {
  Harness harness(config_of(BufferPolicy::kSwitch, 3 * kCost));
  harness.add(record_arg0());
  harness.start();
  for (uint64_t i = 1; i <= 5; ++i) fire(harness, i);
  EXPECT_EQ(numbers(harness), (std::vector<int64_t>{1, 2, 3}));
  for (uint64_t i = 6; i <= 7; ++i) fire(harness, i);  // what was read is free again
  EXPECT_EQ(numbers(harness), (std::vector<int64_t>{6, 7}));
  EXPECT_EQ(harness.reader->drops().principal(), 2u);
}

TEST(BufferSwitch, DropsAreCountedByCpuAndTarget) {
  Harness harness(config_of(BufferPolicy::kSwitch, kCost));
  harness.add(record_arg0());
  harness.start({1, 2});
  for (uint64_t i = 0; i < 3; ++i) fire(harness, i, 5, 2);
  fire(harness, 9, 1, 2);
  fire(harness, 9, 1, 1);
  const Drops drops = harness.reader->drops();
  ASSERT_EQ(drops.cpus.size(), 3u);
  EXPECT_EQ(drops.cpus[0].target, 1);
  EXPECT_EQ(drops.cpus[0].cpu, 1u);
  EXPECT_EQ(drops.cpus[0].principal, 1u);
  EXPECT_EQ(drops.cpus[1].cpu, 1u);
  EXPECT_EQ(drops.cpus[2].target, 2);
  EXPECT_EQ(drops.cpus[2].cpu, 5u);
  EXPECT_EQ(drops.cpus[2].principal, 2u);
}

TEST(BufferSwitch, MoreCpusThanCountersAreCountedTogether) {
  Harness harness(config_of(BufferPolicy::kSwitch, kCost));
  harness.add(record_arg0());
  harness.start();
  for (uint32_t cpu = 0; cpu < 300; ++cpu) fire(harness, 0, cpu);
  const Drops drops = harness.reader->drops();
  EXPECT_EQ(drops.principal(), 299u);
  ASSERT_FALSE(drops.cpus.empty());
  EXPECT_FALSE(drops.cpus.back().known);
  EXPECT_EQ(drops.cpus.size(), kCpuDropCounters);
}

TEST(BufferFill, EndsTracingWhenFullAndKeepsRoomForEnd) {
  Harness harness(config_of(BufferPolicy::kFill, 4 * kCost));
  harness.add(record_arg0());
  harness.add_host(HostProbe::kEnd, "END", clause({trace("setx 99, %r1\nret %r1")}));
  harness.start();
  for (uint64_t i = 1; i <= 3; ++i) fire(harness, i);
  EXPECT_EQ(harness.session->state(), SessionState::kActive);
  EXPECT_TRUE(harness.records().empty()) << "nothing is consumed before the end";
  for (uint64_t i = 4; i <= 9; ++i) fire(harness, i);
  EXPECT_EQ(harness.session->state(), SessionState::kDraining);
  harness.session->stop();
  EXPECT_EQ(numbers(harness), (std::vector<int64_t>{1, 2, 3, 99}));
  EXPECT_EQ(harness.reader->drops().principal(), 0u);
  EXPECT_FALSE(harness.reader->exited());
}

TEST(BufferFill, EndMustFit) {
  Harness harness(config_of(BufferPolicy::kFill, kCost));
  harness.add_host(HostProbe::kEnd, "END", clause({trace("setx 1, %r1\nret %r1")}));
  harness.add_host(HostProbe::kEnd, "END", clause({trace("setx 2, %r1\nret %r1")}));
  ASSERT_TRUE(harness.enable());
  const auto started = harness.session->start();
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().message, "END enablings exceed size of principal buffer");
  EXPECT_EQ(harness.session->state(), SessionState::kSetup);
}

TEST(BufferRing, KeepsTheNewest) {
  Harness harness(config_of(BufferPolicy::kRing, 3 * kCost + 8));
  harness.add(record_arg0());
  harness.start();
  for (uint64_t i = 1; i <= 20; ++i) fire(harness, i);
  EXPECT_TRUE(harness.records().empty());
  harness.session->stop();
  EXPECT_EQ(numbers(harness), (std::vector<int64_t>{18, 19, 20}));
  EXPECT_EQ(harness.reader->drops().principal(), 0u);
}

TEST(BufferRing, OverwritesRecordsOfAllSizesForAsLongAsItTakes) {
  Harness harness(config_of(BufferPolicy::kRing, 1000));
  harness.add(record_arg0());
  dif::Clause wide = clause({trace("ldgs 262, %r1\nret %r1"), trace("ldgs 280, %r1\nret %r1", dif::Type::string())});
  wide.predicate = code("ldgs 262, %r1\nsetx 3, %r2\nand %r1, %r2, %r1\nret %r1", i64());
  harness.add(wide);
  harness.start();
  for (uint64_t i = 1; i <= 5000; ++i) fire(harness, i);
  harness.session->stop();
  const auto records = harness.records();
  ASSERT_GE(records.size(), 3u);
  EXPECT_EQ(records.back().number(), 5000);
  for (size_t i = 1; i < records.size(); ++i) {
    EXPECT_LE(records[i].number() - records[i - 1].number(), 1) << "no gap";
  }
}

TEST(BufferRing, AnAbandonedOneIsReadAsItIs) {
  Harness harness(config_of(BufferPolicy::kRing, 10 * kCost));
  harness.add(record_arg0());
  harness.start();
  fire(harness, 1);
  EXPECT_TRUE(harness.records().empty());
  harness.reader->abandon();
  EXPECT_EQ(numbers(harness), (std::vector<int64_t>{1}));
}

TEST(BufferSize, TooSmallForARecordIsRefusedAtTheStart) {
  for (const auto& [size, fits] : {std::pair{kCost - 1, false}, {kCost, true}}) {
    Harness harness(config_of(BufferPolicy::kSwitch, size));
    harness.add(record_arg0());
    ASSERT_TRUE(harness.enable());
    const auto started = harness.session->start();
    EXPECT_EQ(started.ok(), fits) << size;
    if (!fits) {
      EXPECT_EQ(started.error().message, "Enabling exceeds size of buffer");
    }
  }
}

TEST(BufferSize, IsHalvedUntilItCanBeHadUnlessTheUserWantsItExactly) {
  SessionConfig config;
  config.bufsize = uint64_t{1} << 50;
  config.specsize = uint64_t{1} << 50;
  config.dynvarsize = uint64_t{1} << 50;
  config.aggsize = uint64_t{1} << 50;
  FakeClock clock;
  const auto engine = Engine::create(1, clock);
  const auto session = engine->create_session(config);
  ASSERT_TRUE(session.ok());
  const SessionConfig& got = session.value()->config();
  for (uint64_t size : {got.bufsize, got.specsize, got.dynvarsize, got.aggsize}) {
    EXPECT_LT(size, uint64_t{1} << 50);
    EXPECT_GT(size, uint64_t{1} << 20);
    EXPECT_EQ(size & (size - 1), 0u);
  }
  for (auto member :
       {&SessionConfig::bufsize, &SessionConfig::specsize, &SessionConfig::dynvarsize, &SessionConfig::aggsize}) {
    SessionConfig exact;
    exact.resize = false;
    exact.*member = uint64_t{1} << 50;
    const auto refused = engine->create_session(exact);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().message, "Memory allocation failure");
  }
}

TEST(BufferSize, WhatWasAdjustedIsSaid) {
  SessionConfig asked, got;
  asked.bufsize = 4 << 20;
  got.bufsize = 512 << 10;
  asked.aggsize = 1000;
  got.aggsize = 500;
  asked.specsize = 3 << 20;
  got.specsize = 3 << 19;
  asked.dynvarsize = uint64_t{8} << 30;
  got.dynvarsize = uint64_t{2} << 30;
  asked.cleanrate_ns = 1;
  got.cleanrate_ns = 200'000;
  asked.statusrate_ns = 60'000'000'000;
  got.statusrate_ns = 10'000'000'000;
  EXPECT_EQ(
      adjustments(asked, got),
      (std::vector<std::string>{"buffer size lowered to 512k", "aggregation size lowered to 500 bytes",
                                "speculation size lowered to 1536k", "dynamic variable size lowered to 2g",
                                "cleaning rate reduced to 5000 hz", "status rate increased to once every 10 seconds"}));
  EXPECT_TRUE(adjustments(asked, asked).empty());
}

TEST(Aggsize, BoundsTheBins) {
  SessionConfig config;
  config.aggsize = 3 * (sizeof(BinHeader) + 8 + 8);
  Harness harness(config);
  harness.add(clause({aggregate(ActionKind::kCount, 1, {code("ldgs 262, %r1\nret %r1", i64())}, 1)}));
  harness.program.aggregations.push_back({"a", 1, ActionKind::kCount, 0, {i64()}});
  harness.start();
  for (uint64_t i = 0; i < 5; ++i) fire(harness, i, 2);
  EXPECT_EQ(snapshot(*harness.reader).size(), 3u);
  const Drops drops = harness.reader->drops();
  ASSERT_EQ(drops.cpus.size(), 1u);
  EXPECT_EQ(drops.cpus[0].aggregation, 2u);
  EXPECT_EQ(drops.cpus[0].cpu, 2u);
}

TEST(OptionCpu, TracesThatCpuOnly) {
  SessionConfig config;
  config.cpu = online_cpus().back();
  Harness harness(config);
  harness.add_host(HostProbe::kBegin, "BEGIN", clause({trace("setx 1, %r1\nret %r1")}));
  harness.add(record_arg0());
  harness.start();
  fire(harness, 2, *config.cpu);
  fire(harness, 3, *config.cpu + 1);
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].view.cpu, *config.cpu);
  EXPECT_EQ(records[1].number(), 2);
}

TEST(OptionCpu, MustBeOnline) {
  SessionConfig config;
  config.cpu = online_cpus().back() + 1;
  FakeClock clock;
  const auto engine = Engine::create(1, clock);
  EXPECT_FALSE(engine->create_session(config).ok());
}

}  // namespace
}  // namespace ht::engine::test
