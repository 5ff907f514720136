// The ring protocol, step by step, without a polling thread.
#include "call/host_ring.h"

#include <gtest/gtest.h>

#include <random>

#include "call/fake_guest.h"

namespace ht::call {
namespace {

class Collect final : public EntrySink {
 public:
  bool run(const ht_entry& entry) override {
    probes.push_back(entry.probe);
    last = entry;
    if (hook) hook();
    return entry.probe < 100;
  }
  std::vector<uint32_t> probes;
  ht_entry last{};
  std::function<void()> hook;
};

class HostRingTest : public ::testing::Test {
 protected:
  HostRingTest() : guest_(1) {}
  HostRing open() {
    auto ring = HostRing::open(guest_.set.rings[0], guest_.nonce, *guest_.ram);
    if (!ring) ADD_FAILURE() << ring.error().message;
    return std::move(ring).value();
  }
  fake::Guest::Call post(uint32_t probe, uint32_t flags = 0) {
    auto call = guest_.reserve(0);
    if (call.entry) guest_.post(call, probe, flags);
    return call;
  }
  uint64_t state(const fake::Guest::Call& call) { return ht_word_state(call.entry->word); }

  fake::Guest guest_;
  Collect sink_;
};

TEST_F(HostRingTest, RefusesWhatIsNotThisSessionsRing) {
  Nonce other = guest_.nonce;
  other[15] ^= 1;
  EXPECT_FALSE(HostRing::open(guest_.set.rings[0], other, *guest_.ram));

  RingPages bad = guest_.set.rings[0];
  bad.pages.pop_back();
  EXPECT_FALSE(HostRing::open(bad, guest_.nonce, *guest_.ram));
  bad = guest_.set.rings[0];
  bad.pages[2] += 8;
  EXPECT_FALSE(HostRing::open(bad, guest_.nonce, *guest_.ram));
  bad = guest_.set.rings[0];
  bad.pages[3] = ~uint64_t{4095};
  EXPECT_FALSE(HostRing::open(bad, guest_.nonce, *guest_.ram));
  bad = guest_.set.rings[0];
  bad.cpu = 1;
  EXPECT_FALSE(HostRing::open(bad, guest_.nonce, *guest_.ram));

  guest_.ring(0).header.identity.abi++;
  EXPECT_FALSE(HostRing::open(guest_.set.rings[0], guest_.nonce, *guest_.ram));
}

TEST_F(HostRingTest, ServesInOrderAndMarksDone) {
  HostRing ring = open();
  auto a = post(1), b = post(2);
  EXPECT_EQ(ring.scan(64, sink_).ran, 2u);
  EXPECT_EQ(sink_.probes, (std::vector<uint32_t>{1, 2}));
  EXPECT_EQ(state(a), HT_DONE);
  EXPECT_EQ(state(b), HT_DONE);
  EXPECT_EQ(ring.scan(64, sink_).ran, 0u);
}

TEST_F(HostRingTest, FreesAsynchronousEntriesItself) {
  HostRing ring = open();
  for (uint32_t i = 0; i < 3 * HT_RING_ENTRIES; i++) {
    auto call = post(i % 50, HT_ENTRY_ASYNC);
    ASSERT_NE(call.entry, nullptr);
    EXPECT_EQ(ring.scan(64, sink_).ran, 1u);
    EXPECT_EQ(state(call), HT_FREE);
  }
  EXPECT_EQ(guest_.ring(0).header.losses.ring_full, 0u);
}

TEST_F(HostRingTest, KeepsToItsBudget) {
  HostRing ring = open();
  for (int i = 0; i < 10; i++) post(1);
  EXPECT_EQ(ring.scan(4, sink_).ran, 4u);
  EXPECT_EQ(ring.scan(64, sink_).ran, 6u);
}

TEST_F(HostRingTest, LookAtTheNextCallLeavesTheOthersToTheWholeScan) {
  HostRing ring = open();
  auto outer = guest_.reserve(0);
  post(7);
  EXPECT_EQ(ring.scan_next(64, sink_).ran, 0u);
  EXPECT_EQ(ring.scan(64, sink_).ran, 1u);
  guest_.post(outer, 8);
  EXPECT_EQ(ring.scan_next(64, sink_).ran, 1u);
}

TEST_F(HostRingTest, ArgumentsBeyondTheCountAreZero) {
  HostRing ring = open();
  auto call = guest_.reserve(0);
  for (uint64_t& arg : call.entry->args) arg = 99;
  guest_.post(call, 1, 0, 5);
  ring.scan(64, sink_);
  EXPECT_EQ(sink_.last.args[0], 5u);
  for (size_t i = 1; i < HT_ARGS; i++) EXPECT_EQ(sink_.last.args[i], 0u);
  call = guest_.reserve(0);
  guest_.post(call, 1);
  call.entry->arg_count = HT_ARGS + 1;
  EXPECT_EQ(ring.scan(64, sink_).rejected, 1u);
}

TEST_F(HostRingTest, NestedCallIsServedWhileTheOuterOneIsBeingWritten) {
  HostRing ring = open();
  auto outer = guest_.reserve(0);
  post(7);
  EXPECT_EQ(ring.scan(64, sink_).ran, 1u);
  guest_.post(outer, 8);
  EXPECT_EQ(ring.scan(64, sink_).ran, 1u);
  EXPECT_EQ(sink_.probes, (std::vector<uint32_t>{7, 8}));
}

TEST_F(HostRingTest, FullRingIsCountedAndOldCallsAreStillServed) {
  HostRing ring = open();
  std::vector<fake::Guest::Call> calls;
  for (uint32_t i = 0; i < HT_RING_ENTRIES; i++) calls.push_back(post(1));
  for (int i = 0; i < 50; i++) EXPECT_EQ(guest_.reserve(0).entry, nullptr);  // burns 200 reservations
  EXPECT_EQ(guest_.ring(0).header.losses.ring_full, 50u);
  EXPECT_EQ(ring.scan(64, sink_).ran, HT_RING_ENTRIES);
  for (auto& call : calls) {
    EXPECT_EQ(state(call), HT_DONE);
    call.entry->word = call.word;
  }
  // The ring works on, on whatever sequence it now is.
  for (uint32_t i = 0; i < 3 * HT_RING_ENTRIES; i++) {
    auto call = post(2);
    ASSERT_NE(call.entry, nullptr);
    EXPECT_EQ(ring.scan(64, sink_).ran, 1u);
    call.entry->word = call.word;
  }
}

TEST_F(HostRingTest, ReservationTakenFromAnOlderCallIsNotForgotten) {
  HostRing ring = open();
  std::vector<fake::Guest::Call> calls;
  for (uint32_t i = 0; i < HT_RING_ENTRIES; i++) calls.push_back(post(1));
  // The guest draws the next sequence, but has not yet looked at the entry when the host serves the older call there.
  uint64_t sequence = guest_.ring(0).header.reservation.head++;
  EXPECT_EQ(ring.scan(64, sink_).ran, HT_RING_ENTRIES);
  for (auto& call : calls) call.entry->word = call.word;
  ht_entry& entry = guest_.ring(0).entries[sequence % HT_RING_ENTRIES];
  fake::Guest::Call taken{&entry, ht_word(guest_.generation(), sequence, HT_FREE), 0};
  guest_.post(taken, 9);
  EXPECT_EQ(ring.scan(64, sink_).ran, 1u);
  EXPECT_EQ(sink_.probes.back(), 9u);
}

TEST_F(HostRingTest, AbandonedCallNeverRuns) {
  HostRing ring = open();
  auto call = post(1);
  call.entry->word = call.word;  // POSTED -> FREE
  EXPECT_EQ(ring.scan(64, sink_).ran, 0u);
  EXPECT_TRUE(sink_.probes.empty());
}

TEST_F(HostRingTest, LateHostDoesNotTouchAnEntryThatWasReservedAgain) {
  HostRing ring = open();
  auto call = post(1);
  uint64_t again = 0;
  sink_.hook = [&] {
    EXPECT_EQ(state(call), HT_RUNNING);
    again = ht_word(guest_.generation(), HT_RING_ENTRIES, HT_WRITING);  // given up, and reserved by a later call
    call.entry->word = again;
  };
  ScanResult result = ring.scan(64, sink_);
  EXPECT_EQ(result.ran, 1u);
  EXPECT_EQ(result.late, 1u);
  EXPECT_EQ(call.entry->word, again);
}

TEST_F(HostRingTest, RefusedEntriesDoNotKeepTheGuestWaiting) {
  HostRing ring = open();
  auto unknown = post(100);
  auto foreign = guest_.reserve(0);
  guest_.post(foreign, 1);
  foreign.entry->cpu = 3;
  ScanResult result = ring.scan(64, sink_);
  EXPECT_EQ(result.ran, 0u);
  EXPECT_EQ(result.rejected, 2u);
  EXPECT_EQ(state(unknown), HT_DONE);
  EXPECT_EQ(state(foreign), HT_DONE);
}

TEST_F(HostRingTest, NonceGoneMeansNoWrite) {
  HostRing ring = open();
  post(1);
  guest_.ring(0).header.identity.nonce[9] ^= 0x40;
  std::vector<uint8_t> before(guest_.memory.data(), guest_.memory.data() + guest_.memory.size());
  EXPECT_TRUE(ring.scan(64, sink_).damaged);
  EXPECT_EQ(ring.release(), 0u);
  ring.beat();
  EXPECT_TRUE(sink_.probes.empty());
  EXPECT_EQ(std::memcmp(before.data(), guest_.memory.data(), before.size()), 0);
}

TEST_F(HostRingTest, NonceGoneWhileRunningMeansNoWrite) {
  HostRing ring = open();
  auto call = post(1);
  sink_.hook = [&] { guest_.ring(0).header.identity.magic = 0; };
  EXPECT_TRUE(ring.scan(64, sink_).damaged);
  EXPECT_EQ(state(call), HT_RUNNING);
}

TEST_F(HostRingTest, DamageIsSeenWhileNothingIsPosted) {
  HostRing ring = open();
  EXPECT_FALSE(ring.scan(64, sink_).damaged);
  guest_.ring(0).header.identity.magic = 0;
  EXPECT_TRUE(ring.scan(64, sink_).damaged);
}

TEST_F(HostRingTest, ReleaseLetsWaitersGoWithoutRunningThem) {
  HostRing ring = open();
  auto call = post(1);
  auto asynchronous = post(2, HT_ENTRY_ASYNC);
  EXPECT_EQ(ring.release(), 2u);
  EXPECT_EQ(state(call), HT_DONE);
  EXPECT_EQ(state(asynchronous), HT_FREE);
  EXPECT_TRUE(sink_.probes.empty());
}

TEST_F(HostRingTest, CallsPostedBeforeTheHostCameAreServed) {
  for (uint32_t i = 0; i < 5 * HT_RING_ENTRIES; i++) {
    auto call = post(1);
    call.entry->word = call.word;
  }
  auto waiting = post(3);
  HostRing ring = open();
  EXPECT_EQ(ring.scan(64, sink_).ran, 1u);
  EXPECT_EQ(state(waiting), HT_DONE);
}

TEST_F(HostRingTest, HeartbeatIsOnlyAdvancedFromItsOwnValue) {
  HostRing ring = open();
  uint64_t& beat = guest_.ring(0).header.host.heartbeat;
  uint64_t start = beat;
  ring.beat();
  ring.beat();
  EXPECT_EQ(ht_word_state(start), HT_HOST_ABSENT);
  EXPECT_EQ(beat, ht_word(guest_.generation(), 2, HT_HOST_PRESENT));
  ring.leave();
  EXPECT_EQ(beat, ht_word(guest_.generation(), 2, HT_HOST_ABSENT));
  beat = 42;
  ring.beat();
  EXPECT_EQ(beat, 42u);
}

// Whatever the entries hold and the head says: bounded work, and nothing but state words of the entries changes.
TEST_F(HostRingTest, GarbageIsHarmless) {
  HostRing ring = open();
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; round++) {
    ht_ring& r = guest_.ring(0);
    for (auto& entry : r.entries) {
      for (size_t i = 0; i < HT_ENTRY_SIZE / 8; i++) reinterpret_cast<uint64_t*>(&entry)[i] = random();
      if (random() % 2) entry.word = ht_word(guest_.generation(), random() % 256, random() % 8);
      if (random() % 2) entry.cpu = 0;
      if (random() % 2) entry.probe = random() % 128;
    }
    r.header.reservation.head = random() % 4 ? random() % 256 : random();
    std::vector<uint8_t> before(guest_.memory.data(), guest_.memory.data() + guest_.memory.size());
    ScanResult result = ring.scan(64, sink_);
    EXPECT_LE(result.handled(), HT_RING_ENTRIES);
    EXPECT_FALSE(result.damaged);
    auto* old = reinterpret_cast<ht_ring*>(before.data());
    uint32_t changed = 0;
    for (uint32_t i = 0; i < HT_RING_ENTRIES; i++) {
      changed += old->entries[i].word != r.entries[i].word;
      old->entries[i].word = r.entries[i].word;
    }
    EXPECT_EQ(changed, result.handled());
    EXPECT_EQ(std::memcmp(before.data(), guest_.memory.data(), before.size()), 0);
  }
}

}  // namespace
}  // namespace ht::call
