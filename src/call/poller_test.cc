// The polling thread against a fake guest whose vCPUs are threads.
#include "call/poller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "call/fake_guest.h"
#include "call/poll_pace.h"

namespace ht::call {
namespace {

using fake::Outcome;

constexpr uint64_t kPatient = 20'000'000'000;  // a wait that does not end before the test does
constexpr uint32_t kProbes = 100;

template <typename Condition>
void wait_until(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

class PollerTest : public ::testing::Test {
 protected:
  PollerTest() : poller_(Poller::create(engine_, 1)) {}
  Result<void> add(fake::Guest& guest, engine::TargetId target = 1) {
    return poller_->add(target, guest.set, guest.ram, {}, kProbes);
  }
  fake::Engine engine_;
  std::unique_ptr<Poller> poller_;
};

TEST_F(PollerTest, TwoVcpusExactCounts) {
  constexpr uint64_t kCalls = 50'000;
  fake::Guest guest(2, kPatient);
  std::atomic<uint64_t> sum{0};
  engine_.hook = [&](const engine::Firing& firing) { sum += firing.args[0]; };
  ASSERT_TRUE(add(guest));
  std::vector<std::thread> vcpus;
  std::atomic<uint64_t> done{0};
  for (uint32_t cpu = 0; cpu < 2; cpu++)
    vcpus.emplace_back([&, cpu] {
      for (uint64_t i = 0; i < kCalls; i++) done += guest.call(cpu, cpu, i) == Outcome::kDone;
    });
  for (auto& vcpu : vcpus) vcpu.join();
  EXPECT_EQ(done, 2 * kCalls);
  EXPECT_EQ(engine_.fired, 2 * kCalls);
  EXPECT_EQ(sum, kCalls * (kCalls - 1));
  EXPECT_EQ(poller_->counters(1).served, 2 * kCalls);
  EXPECT_EQ(poller_->counters(1).drops(), 0u);
  poller_->remove(1);
  EXPECT_EQ(poller_->counters(1).served, 2 * kCalls) << "the last counters stay readable";
}

TEST_F(PollerTest, FiringCarriesTheHostsIdeaOfTheTarget) {
  fake::Guest guest(2, kPatient);
  engine::Firing seen;
  engine_.hook = [&](const engine::Firing& firing) { seen = firing; };
  ASSERT_TRUE(add(guest, 5));
  EXPECT_EQ(guest.call(1, 9, 77), Outcome::kDone);
  poller_->remove(5);
  EXPECT_EQ(seen.target, 5);
  EXPECT_EQ(seen.probe, 9u);
  EXPECT_EQ(seen.cpu, 1u);
  EXPECT_EQ(seen.pid, 101u);
  EXPECT_EQ(seen.tid, 201u);
  EXPECT_EQ(seen.args[0], 77u);
  EXPECT_STREQ(seen.comm.data(), "fake");
  EXPECT_NE(seen.memory, nullptr);
}

TEST_F(PollerTest, GuestsAreCountedApart) {
  fake::Guest one(1, kPatient, 1), two(1, kPatient, 2);
  ASSERT_TRUE(add(one, 1));
  ASSERT_TRUE(add(two, 2));
  std::thread vcpu([&] {
    for (int i = 0; i < 3000; i++) two.call(0, 1);
  });
  for (int i = 0; i < 2000; i++) one.call(0, 1);
  vcpu.join();
  poller_->remove(1);
  poller_->remove(2);
  EXPECT_EQ(poller_->counters(1).served, 2000u);
  EXPECT_EQ(poller_->counters(2).served, 3000u);
}

TEST_F(PollerTest, ProbeBeyondTheLimitIsRejected) {
  fake::Guest guest(1, kPatient);
  ASSERT_TRUE(add(guest));
  EXPECT_EQ(guest.call(0, kProbes), Outcome::kDone);
  EXPECT_EQ(guest.call(0, kProbes - 1), Outcome::kDone);
  // The same rings again: more probes are armed now, and nothing starts afresh.
  ASSERT_TRUE(poller_->add(1, guest.set, guest.ram, {}, kProbes + 1));
  EXPECT_EQ(guest.call(0, kProbes), Outcome::kDone);
  poller_->remove(1);
  EXPECT_EQ(poller_->counters(1).rejected, 1u);
  EXPECT_EQ(poller_->counters(1).served, 2u);
}

TEST_F(PollerTest, HostThatIsTooLateIsNotALoss) {
  fake::Guest guest(1, 200'000);
  std::atomic<bool> returned{false};
  engine_.hook = [&](const engine::Firing& firing) {
    if (firing.probe == 1) wait_until([&] { return returned.load(); });
  };
  ASSERT_TRUE(add(guest));
  auto call = guest.reserve(0);
  guest.post(call, 1);
  wait_until([&] { return engine_.fired == 1; });
  EXPECT_EQ(guest.wait(call), Outcome::kLate);
  returned = true;
  wait_until([&] { return poller_->counters(1).served == 1; });
  poller_->remove(1);
  EXPECT_EQ(call.entry->word, call.word) << "the entry stays free";
  CallCounters counters = poller_->counters(1);
  EXPECT_EQ(counters.late, 1u);
  EXPECT_EQ(counters.drops(), 0u);
}

TEST_F(PollerTest, DeadHostTripsTheBreakerAndALivingOneCloses) {
  fake::Guest guest(2, 500'000);
  guest.pretend_host();
  for (uint32_t i = 0; i < HT_BREAKER_TRIP; i++) EXPECT_EQ(guest.call(i % 2, 1), Outcome::kTimedOut);
  for (int i = 0; i < 10; i++) EXPECT_EQ(guest.call(0, 1), Outcome::kBreaker);
  ASSERT_TRUE(add(guest));
  uint64_t refused = 10;
  for (;; refused++) {
    if (guest.call(1, 1) != Outcome::kBreaker) break;
    std::this_thread::yield();
  }
  poller_->remove(1);
  CallCounters counters = poller_->counters(1);
  EXPECT_EQ(counters.breaker, refused);
  EXPECT_GE(counters.timed_out, HT_BREAKER_TRIP);
  EXPECT_EQ(engine_.fired, counters.served) << "no abandoned call is ever run";
}

TEST_F(PollerTest, NothingIsCalledOrCountedWithoutAHost) {
  fake::Guest guest(1, kPatient);
  EXPECT_EQ(guest.call(0, 1), Outcome::kAbsent);
  ASSERT_TRUE(add(guest));
  EXPECT_EQ(guest.call(0, 1), Outcome::kDone);
  poller_->remove(1);
  EXPECT_EQ(guest.call(0, 1), Outcome::kAbsent);
  EXPECT_EQ(poller_->counters(1).drops(), 0u);
}

TEST_F(PollerTest, RebootedGuestIsCutOff) {
  fake::Guest guest(2, kPatient);
  ASSERT_TRUE(add(guest));
  EXPECT_EQ(guest.call(0, 1), Outcome::kDone);
  EXPECT_EQ(poller_->failure(1), "");
  guest.ring(1).header.identity.nonce[0] ^= 1;
  wait_until([&] { return !poller_->failure(1).empty(); });
  EXPECT_THAT(poller_->failure(1), ::testing::HasSubstr("CPU 1"));
  // Not even the intact ring is written to any more.
  std::vector<uint8_t> before(guest.memory.data(), guest.memory.data() + guest.memory.size());
  auto call = guest.reserve(0);
  guest.post(call, 1);
  std::memcpy(before.data(), guest.memory.data(), before.size());
  poller_->remove(1);
  EXPECT_EQ(std::memcmp(before.data(), guest.memory.data(), before.size()), 0);
  EXPECT_EQ(engine_.fired, 1u);
}

TEST_F(PollerTest, RearmedWithANewNonceIsServedAgain) {
  fake::Guest before(1, kPatient, 1), after(1, kPatient, 2);
  ASSERT_TRUE(add(before));
  EXPECT_EQ(before.call(0, 1), Outcome::kDone);
  ASSERT_TRUE(add(after));
  EXPECT_EQ(after.call(0, 1), Outcome::kDone);
  poller_->remove(1);
  EXPECT_EQ(poller_->counters(1).served, 1u) << "counters begin with the rings";
}

TEST_F(PollerTest, RemoveWhileCallsAreMade) {
  fake::Guest guest(2, 300'000);
  ASSERT_TRUE(add(guest));
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> calls{0}, absent{0};
  std::vector<std::thread> vcpus;
  for (uint32_t cpu = 0; cpu < 2; cpu++)
    vcpus.emplace_back([&, cpu] {
      while (!stop) {
        absent += guest.call(cpu, 1) == Outcome::kAbsent;
        calls++;
      }
    });
  wait_until([&] { return calls > 1000; });
  poller_->remove(1);
  uint64_t fired = engine_.fired;
  uint64_t seen = calls;
  wait_until([&] { return calls > seen + 10; });
  stop = true;
  for (auto& vcpu : vcpus) vcpu.join();
  EXPECT_EQ(engine_.fired, fired) << "nothing runs after remove()";
  uint64_t lost = 0;
  for (uint32_t cpu = 0; cpu < 2; cpu++) {
    const auto& losses = guest.ring(cpu).header.losses;
    lost += losses.timed_out + losses.breaker + losses.ring_full;
  }
  EXPECT_EQ(calls - absent, poller_->counters(1).served + poller_->counters(1).rejected + lost) << "the sum agrees";
}

TEST_F(PollerTest, BadRingSetsAreErrors) {
  fake::Guest guest(2);
  RingSet set = guest.set;
  set.rings[1].cpu = 0;
  EXPECT_FALSE(poller_->add(1, set, guest.ram, {}, kProbes));
  set.rings.clear();
  EXPECT_FALSE(poller_->add(1, set, guest.ram, {}, kProbes));
  EXPECT_EQ(poller_->failure(1), "");
  poller_->remove(1);  // unknown: nothing happens
}

TEST(PollPace, SpinsThenSleepsLongerAndLonger) {
  PollPace pace(false);
  uint64_t now = 1'000'000'000;
  EXPECT_EQ(pace.next_sleep(now, true), 0u);
  EXPECT_EQ(pace.next_sleep(now + PollPace::kSpinNs - 1, false), 0u);
  now += PollPace::kSpinNs;
  uint64_t total = 0;
  std::vector<uint64_t> sleeps;
  for (int i = 0; i < 6; i++) sleeps.push_back(pace.next_sleep(now += 1000, false)), total += sleeps.back();
  EXPECT_EQ(sleeps, (std::vector<uint64_t>{20'000, 40'000, 80'000, 160'000, 200'000, 200'000}));
  EXPECT_EQ(pace.next_sleep(now, true), 0u);
}

TEST(PollPace, RealTimeThreadLeavesItsCpuOftenEnough) {
  PollPace pace(true);
  uint64_t now = 0, slept = 0;
  while (now < 1'000'000'000) {
    uint64_t sleep = pace.next_sleep(now, true);
    slept += sleep;
    now += sleep + 500;
  }
  EXPECT_GT(slept, 51'000'000u);  // the kernel wants 50 ms in a second
  EXPECT_LT(slept, 80'000'000u);
}

}  // namespace
}  // namespace ht::call
