// Sessions: records and their loss, life from BEGIN to END, faults, speculations, several sessions, removal.
#include <sys/mman.h>

#include <thread>

#include "engine/session_memory.h"
#include "engine/test_support.h"

namespace ht::engine::test {
namespace {

using dif::ActionKind;

dif::Action exit_action(int status) {
  return action(ActionKind::kExit,
                {code("setx " + std::to_string(status) + ", %r1\nret %r1", dif::Type::integer(4, true, "int"))});
}

TEST(Records, CarryTheFiringAndEveryBuiltin) {
  Harness harness;
  harness.engine->set_target_name(1, "vm1");
  std::vector<dif::Action> actions;
  const uint16_t numbers[] = {dif::kVarPid,       dif::kVarTid,          dif::kVarPpid,      dif::kVarUid,
                              dif::kVarGid,       dif::kVarErrno,        dif::kVarCpu,       dif::kVarId,
                              dif::kVarEpid,      dif::kVarArg9,         dif::kVarCurthread, dif::kVarVmid,
                              dif::kVarTimestamp, dif::kVarWalltimestamp};
  for (uint16_t number : numbers) actions.push_back(trace("ldgs " + std::to_string(number) + ", %r1\nret %r1"));
  const uint16_t texts[] = {dif::kVarExecname,  dif::kVarProbeprov, dif::kVarProbemod,
                            dif::kVarProbefunc, dif::kVarProbename, dif::kVarVmname};
  for (uint16_t number : texts) {
    actions.push_back(trace("ldgs " + std::to_string(number) + ", %r1\nret %r1", dif::Type::string()));
  }
  harness.add(clause(std::move(actions)));
  harness.start();
  harness.fire();
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 1u);
  const Record& r = records[0];
  const int64_t expected[] = {
      42, 43, 41, 1000, 1001, 2, 3, 100, 100ll << 32 | 1, -19, static_cast<int64_t>(0xffff888000001000), 1};
  for (size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(r.number(8 * i), expected[i]) << i;
  EXPECT_EQ(static_cast<uint64_t>(r.number(96)), r.view.timestamp);
  EXPECT_GT(r.number(104), 5'000'000);
  const char* names[] = {"worker", "syscall", "vmlinux", "read", "entry", "vm1"};
  for (size_t i = 0; i < std::size(names); ++i) EXPECT_EQ(r.text(112 + 256 * i), names[i]);
  EXPECT_EQ(r.view.target, 1);
  EXPECT_EQ(r.view.cpu, 3u);
  EXPECT_EQ(harness.session->probe_names()[r.view.probe].function, "read");
}

TEST(Records, StringsAreZeroFilledAlsoWhereTheRingIsReused) {
  SessionConfig config;
  config.bufsize = 4096;
  Harness harness(config);
  harness.add(clause({trace("ldgs 280, %r1\nret %r1", dif::Type::string())}));
  harness.start();
  for (int i = 0; i < 200; ++i) {
    Firing firing = harness.firing();
    if (i % 2 == 0) firing.comm.fill('x');  // sixteen characters and no NUL
    harness.engine->fire(1, firing);
    const auto records = harness.records();
    ASSERT_EQ(records.size(), 1u);
    const std::string name = i % 2 == 0 ? std::string(16, 'x') : "worker";
    ASSERT_EQ(records[0].data, name + std::string(256 - name.size(), '\0'));
  }
  EXPECT_EQ(harness.reader->drops().principal(), 0u);
}

TEST(Records, FullRingDropsAreCountedAndTheRestIsIntact) {
  SessionConfig config;
  config.bufsize = 4096;
  Harness harness(config);
  harness.program.variables = {variable(0x500, dif::Scope::kGlobal, i64())};
  harness.add(clause({statement("ldgs 0x500, %r1\nsetx 1, %r2\nadd %r1, %r2, %r1\nstgs %r1, 0x500\nret %r0"),
                      trace("ldgs 262, %r1\nret %r1"), trace("ldgs 0x500, %r1\nret %r1")}));
  harness.start();
  uint64_t fired = 0, seen = 0;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 333; ++i) {
      Firing firing = harness.firing();
      firing.args[0] = ++fired;
      harness.engine->fire(1, firing);
    }
    int64_t last = 0;
    for (const Record& record : harness.records()) {
      EXPECT_GT(record.number(), last);
      EXPECT_EQ(record.number(8), record.number());  // other effects of a dropped record's clause stay
      last = record.number();
      ++seen;
    }
    EXPECT_EQ(seen + harness.reader->drops().principal(), fired);
  }
  EXPECT_GT(harness.reader->drops().principal(), 500u);
}

TEST(Records, ReaderMergesSlotsByTime) {
  Harness harness;
  harness.add(clause({trace("ldgs 262, %r1\nret %r1")}));
  harness.start();
  for (uint64_t i = 0; i < 10; ++i) {
    Firing firing = harness.firing();
    firing.args[0] = i;
    harness.engine->fire(i % 2, firing);
  }
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 10u);
  for (size_t i = 0; i < 10; ++i) EXPECT_EQ(records[i].number(), static_cast<int64_t>(i));
}

TEST(Records, ReaderTakesSlotBySlotButBeginFirstAndEndLast) {
  Harness harness;
  harness.add(clause({trace("ldgs 262, %r1\nret %r1")}));
  harness.start();
  const auto fire = [&](unsigned slot, uint64_t value) {
    Firing firing = harness.firing();
    firing.args[0] = value;
    harness.engine->fire(slot, firing);
  };
  const auto numbers = [&] {
    std::vector<int64_t> all;
    for (const auto& record : drain(*harness.reader, SessionReader::Order::kByCpu)) all.push_back(record.number());
    return all;
  };
  fire(1, 1);  // before anything on the other slot, as BEGIN is
  for (uint64_t i = 2; i < 8; ++i) fire(i % 2, i);
  EXPECT_EQ(numbers(), (std::vector<int64_t>{1, 2, 4, 6, 3, 5, 7}));
  for (uint64_t i = 11; i < 15; ++i) fire(i % 2, i);
  EXPECT_EQ(numbers(), (std::vector<int64_t>{12, 14, 11, 13}));
  for (uint64_t i = 21; i < 25; ++i) fire(i % 2, i);
  harness.reader->abandon();  // no more will come: what is later than all of the other slot may be END's
  EXPECT_EQ(numbers(), (std::vector<int64_t>{22, 21, 23, 24}));
}

TEST(Records, ABranchSkipsActionsAndSaysSo) {
  Harness harness;
  dif::Action branch = action(ActionKind::kBranchFalse, {code("ldgs 262, %r1\nret %r1", i64())});
  branch.target = 3;
  dif::Action jump = action(ActionKind::kJump);
  jump.target = 4;
  harness.add(clause(
      {branch, trace("setx 1, %r1\nret %r1"), jump, trace("setx 2, %r1\nret %r1"), trace("setx 3, %r1\nret %r1")}));
  harness.start();
  harness.fire();
  Firing zero = harness.firing();
  zero.args[0] = 0;
  harness.engine->fire(1, zero);
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].data[1], 1);
  EXPECT_EQ(records[0].data[3], 0);
  EXPECT_EQ(records[0].number(8), 1);
  EXPECT_EQ(records[0].number(16), 0);
  EXPECT_EQ(records[0].number(24), 3);
  EXPECT_EQ(records[1].data[1], 0);
  EXPECT_EQ(records[1].data[3], 1);
  EXPECT_EQ(records[1].number(8), 0);
  EXPECT_EQ(records[1].number(16), 2);
}

TEST(Records, ThePredicateDecides) {
  Harness harness;
  dif::Clause guarded = clause({});
  guarded.predicate = code("ldgs 262, %r1\nsetx 10, %r2\ncmp %r1, %r2\nbne no\nsetx 1, %r3\nret %r3\nno:\nret %r0",
                           dif::Type::integer(4, true, "int"));
  harness.add(guarded);
  harness.start();
  harness.fire();
  Firing other = harness.firing();
  other.args[0] = 11;
  harness.engine->fire(1, other);
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 1u);  // the default action: an empty record
  EXPECT_TRUE(records[0].data.empty());
}

TEST(SharedMemory, AClientCannotWriteTheData) {
  Harness harness;
  harness.add(clause({}));
  harness.start();
  EXPECT_EQ(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, harness.session->data_fd(), 0), MAP_FAILED);
  EXPECT_NE(ftruncate(harness.session->data_fd(), 0), 0);
  EXPECT_NE(ftruncate(harness.session->control_fd(), 0), 0);
}

TEST(SharedMemory, NonsenseInTheControlWordsHarmsNobody) {
  Harness harness;
  harness.add(clause({trace("ldgs 262, %r1\nret %r1")}));
  harness.start();
  auto* control =
      static_cast<uint8_t*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, harness.session->control_fd(), 0));
  ASSERT_NE(control, MAP_FAILED);
  auto* slots = reinterpret_cast<ControlSlot*>(control + sizeof(ControlHeader));
  for (uint64_t value : {~0ull, 1ull, 0x123456789ull, 1ull << 63}) {
    slots[1].consumed = value;
    slots[1].flip = static_cast<uint32_t>(value);
    for (int i = 0; i < 100; ++i) harness.fire();
    harness.records();
    snapshot(*harness.reader);
  }
  munmap(control, 4096);
}

TEST(SharedMemory, TheReaderRefusesImpossibleLayouts) {
  const auto open_fake = [](auto change) {
    SessionConfig config;
    config.bufsize = config.aggsize = 4096;
    auto memory = SessionMemory::create(config);
    EXPECT_TRUE(memory.ok());
    change(memory.value().header());
    return SessionReader::open(UniqueFd(fcntl(memory.value().data_fd(), F_DUPFD_CLOEXEC, 0)),
                               UniqueFd(fcntl(memory.value().control_fd(), F_DUPFD_CLOEXEC, 0)));
  };
  EXPECT_TRUE(open_fake([](DataHeader&) {}).ok());
  EXPECT_FALSE(open_fake([](DataHeader& h) { h.magic = 1; }).ok());
  EXPECT_FALSE(open_fake([](DataHeader& h) { h.slots = 1000; }).ok());
  EXPECT_FALSE(open_fake([](DataHeader& h) { h.ring_size = ~7ull; }).ok());
  EXPECT_FALSE(open_fake([](DataHeader& h) { h.slot_stride = 8; }).ok());
  EXPECT_FALSE(open_fake([](DataHeader& h) { h.slot_offset = ~0ull; }).ok());
  EXPECT_FALSE(SessionReader::open(UniqueFd(), UniqueFd()).ok());
  // And lives with senseless contents.
  auto broken = open_fake([](DataHeader& h) {
    auto& slot = *reinterpret_cast<SlotHeader*>(reinterpret_cast<uint8_t*>(&h) + h.slot_offset);
    slot.produced = 100;
    slot.aggregation[0].generation = 1;
    slot.aggregation[0].used = ~0ull;
    std::memset(reinterpret_cast<uint8_t*>(&slot) + kMemoryPage, 0xee, 3 * 4096);
  });
  ASSERT_TRUE(broken.ok());
  EXPECT_TRUE(drain(*broken.value()).empty());
  EXPECT_TRUE(snapshot(*broken.value()).empty());
}

TEST(Session, BeginFirstEndLastAndOnlyOnce) {
  Harness harness;
  harness.add_host(HostProbe::kBegin, "BEGIN", clause({trace("setx 1, %r1\nret %r1")}));
  harness.add(clause({trace("setx 2, %r1\nret %r1")}));
  harness.add_host(HostProbe::kEnd, "END", clause({trace("setx 3, %r1\nret %r1")}));
  ASSERT_TRUE(harness.enable());
  harness.fire();  // before start: nothing runs
  EXPECT_EQ(harness.session->state(), SessionState::kSetup);
  ASSERT_TRUE(harness.session->start().ok());
  EXPECT_EQ(harness.reader->state(), SessionState::kActive);
  harness.fire();
  harness.session->stop();
  harness.session->stop();
  harness.fire();
  std::string order;
  for (const Record& record : harness.records()) order += static_cast<char>('0' + record.number());
  EXPECT_EQ(order, "123");
  EXPECT_EQ(harness.reader->state(), SessionState::kStopped);
  EXPECT_FALSE(harness.reader->exited());
}

TEST(Session, ExitInBeginLeavesOnlyEnd) {
  Harness harness;
  harness.add_host(HostProbe::kBegin, "BEGIN",
                   clause({trace("setx 1, %r1\nret %r1"), exit_action(5), trace("setx 7, %r1\nret %r1")}));
  harness.add_host(HostProbe::kBegin, "BEGIN", clause({trace("setx 2, %r1\nret %r1")}));
  harness.add(clause({}));
  harness.add_host(HostProbe::kEnd, "END", clause({trace("setx 3, %r1\nret %r1"), exit_action(6)}));
  harness.start();
  EXPECT_EQ(harness.reader->state(), SessionState::kDraining);
  EXPECT_TRUE(harness.reader->exited());
  EXPECT_EQ(harness.reader->exit_status(), 5);
  harness.fire();
  harness.session->stop();
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].number(), 1);
  EXPECT_EQ(records[0].number(16), 7);
  EXPECT_EQ(records[1].number(), 3);
  EXPECT_EQ(harness.reader->exit_status(), 6);
}

// Nothing runs after it, but the status goes with the record.
TEST(Session, ExitInAClauseThatFaultsLeavesNoStatus) {
  Harness harness;
  harness.add(clause({exit_action(5), trace("ldx [%r0], %r1\nret %r1")}));
  harness.start();
  harness.fire();
  harness.fire();
  EXPECT_EQ(harness.session->state(), SessionState::kDraining);
  EXPECT_FALSE(harness.reader->exited());
  EXPECT_EQ(harness.reader->exit_status(), 0);
  EXPECT_EQ(harness.records().size(), 1u);
}

TEST(Session, ErrorRunsInTheContextOfTheFault) {
  Harness harness;
  const std::string fault = "setx 0xffff888000000040, %r1\nldx [%r1], %r2\nret %r2";
  harness.add(clause({trace("setx 1, %r1\nret %r1"), trace(fault)}));
  harness.add(clause({trace("setx 2, %r1\nret %r1")}));
  std::vector<dif::Action> report;
  for (int i = 0; i < 6; ++i) report.push_back(trace("ldgs " + std::to_string(dif::kVarArg0 + i) + ", %r1\nret %r1"));
  report.push_back(trace("ldgs 278, %r1\nret %r1"));
  report.push_back(trace("ldgs 277, %r1\nret %r1", dif::Type::string()));
  harness.add_host(HostProbe::kError, "ERROR", clause(std::move(report)));
  harness.add_host(HostProbe::kError, "ERROR", clause({trace(fault)}));
  harness.start();
  harness.fire();
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 3u);
  const int64_t expected[] = {0, 100, 1, 4, 1, static_cast<int64_t>(0xffff888000000040), 42};
  for (size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(records[0].number(8 * i), expected[i]) << i;
  EXPECT_EQ(records[0].text(56), "ERROR");
  EXPECT_EQ(records[1].view.kind, RecordView::Kind::kFault);
  EXPECT_EQ(records[1].view.clause, 0u);
  EXPECT_EQ(records[1].view.fault_action, 2u);
  EXPECT_EQ(harness.session->probe_names()[records[1].view.probe].function, "read");
  EXPECT_EQ(records[2].number(), 2);
  EXPECT_EQ(harness.reader->drops().error_in_error, 1u);
}

TEST(Session, DestructiveProgramsNeedPermission) {
  Harness harness;
  harness.program.linked = harness.program.destructive = true;
  harness.program.clauses = {clause({})};
  const auto refused = harness.session->add_variant(std::make_shared<dif::Program>(harness.program));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "Destructive actions not allowed");
}

TEST(Session, TwoSessionsOnOneProbeDoNotDisturbEachOther) {
  Harness first;
  Harness second(first);
  first.program.variables = second.program.variables = {variable(0x500, dif::Scope::kGlobal, i64())};
  const std::string count = "ldgs 0x500, %r1\nsetx 1, %r2\nadd %r1, %r2, %r1\nstgs %r1, 0x500\nret %r0";
  first.add(clause({statement(count), trace("ldgs 0x500, %r1\nret %r1")}));
  second.add(clause({statement(count), statement(count), trace("ldgs 0x500, %r1\nret %r1"), exit_action(0)}));
  first.start();
  second.start();
  for (int i = 0; i < 3; ++i) first.fire();
  const auto records = first.records();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[2].number(), 3);
  const auto others = second.records();
  ASSERT_EQ(others.size(), 1u);
  EXPECT_EQ(others[0].number(), 2);
  EXPECT_EQ(first.session->state(), SessionState::kActive);
  first.engine->remove(second.session);
  first.fire();
  EXPECT_EQ(first.records().size(), 1u);
}

TEST(Session, IsRemovedWhileItsProbeFires) {
  Harness first;
  first.add(clause({}));
  first.start();
  std::atomic<bool> done{false};
  std::atomic<uint64_t> fired{0};
  std::thread poller([&] {
    while (!done) {
      first.fire();
      ++fired;
    }
  });
  for (int i = 0; i < 20; ++i) {
    Harness other(first);
    other.add(clause({trace("ldgs 280, %r1\nret %r1", dif::Type::string())}));
    other.add_host(HostProbe::kEnd, "END", clause({}));
    other.start();
    const uint64_t before = fired;
    while (fired < before + 3) std::this_thread::yield();
    first.engine->remove(other.session);
    EXPECT_GE(other.session->firings(1), 1u);
    EXPECT_FALSE(other.records().empty());
    EXPECT_TRUE(other.records().empty());  // nothing runs any more
  }
  done = true;
  poller.join();
}

TEST(Session, AGoneTargetIsRemovedAndMayComeBack) {
  Harness harness;
  harness.add(clause({}));
  harness.start({1, 2});
  harness.fire(1);
  harness.session->remove_target(1);
  harness.fire(1);
  harness.fire(2);
  EXPECT_EQ(harness.records().size(), 2u);
  EXPECT_EQ(harness.session->firings(1), 1u);
  harness.session->enable(1, kProbe, {100, "syscall", "vmlinux", "read", "entry"}, 0, 0);
  harness.fire(1);  // not published yet
  EXPECT_TRUE(harness.records().empty());
  harness.engine->publish(harness.session);
  harness.fire(1);
  EXPECT_EQ(harness.records().size(), 1u);
}

TEST(Speculation, CommitKeepsDiscardForgets) {
  SessionConfig config;
  config.nspec = 2;
  Harness harness(config);
  const auto id_arg = [] { return code("ldgs 262, %r1\nret %r1", dif::Type::integer(4, true, "int")); };
  const auto guard = [](int64_t wanted) {
    return code("ldgs 263, %r1\nsetx " + std::to_string(wanted) +
                    ", %r2\ncmp %r1, %r2\nbne no\nsetx 1, %r3\nret %r3\nno:\n"
                    "ret %r0",
                dif::Type::integer(4, true, "int"));
  };
  const auto add = [&](int64_t when, std::vector<dif::Action> actions) {
    dif::Clause made = clause(std::move(actions));
    made.predicate = guard(when);
    harness.add(made);
  };
  add(1, {trace("call speculation, %r1\nret %r1")});
  add(2, {action(ActionKind::kSpeculate, {id_arg()}), trace("ldgs 264, %r1\nret %r1")});
  add(3, {action(ActionKind::kCommit, {id_arg()})});
  add(4, {action(ActionKind::kDiscard, {id_arg()})});
  harness.start();
  const auto run = [&](uint64_t id, uint64_t what, uint64_t value = 0, uint32_t slot = 1) {
    Firing firing = harness.firing();
    firing.args = {id, what, value};
    harness.engine->fire(slot, firing);
  };
  run(0, 1);
  run(0, 1);
  run(0, 1);
  auto records = harness.records();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].number(), 1);
  EXPECT_EQ(records[1].number(), 2);
  EXPECT_EQ(records[2].number(), 0);
  EXPECT_EQ(harness.reader->drops().speculation_unavailable, 1u);
  run(1, 2, 11);
  run(1, 2, 12, 0);  // the other slot
  run(2, 2, 21);
  run(0, 2, 99);
  EXPECT_TRUE(harness.records().empty());
  run(2, 4);
  run(1, 3);
  records = harness.records();
  ASSERT_EQ(records.size(), 4u);  // the discarding clause, two committed, the committing clause
  EXPECT_EQ(records[1].number(8), 11);
  EXPECT_EQ(records[2].number(8), 12);
  EXPECT_EQ(records[3].view.clause, 2u);
  run(1, 2, 13);  // inactive now
  run(7, 3);
  records = harness.records();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].view.fault, dif::Fault::kIllop);
}

// An id that was committed or discarded is busy until the cleaning rate's grid has had a point in between.
TEST(Speculation, IsBusyUntilCleaned) {
  SessionConfig config;
  config.cleanrate_ns = 1'000'000;
  Harness harness(config);
  harness.add(clause({trace("call speculation, %r1\nret %r1")}));
  dif::Clause discard =
      clause({action(ActionKind::kDiscard, {code("ldgs 262, %r1\nret %r1", dif::Type::integer(4, true, "int"))})});
  discard.predicate = code("ldgs 263, %r1\nret %r1", i64());
  harness.add(discard);
  harness.start();
  const auto run = [&](uint64_t id, uint64_t discarding) {
    Firing firing = harness.firing();
    firing.args = {id, discarding};
    harness.engine->fire(1, firing);
    const auto records = harness.records();
    return records.empty() ? -1 : records[0].number();
  };
  EXPECT_EQ(run(1, 1), 1);
  EXPECT_EQ(run(0, 0), 0);
  EXPECT_EQ(harness.reader->drops().speculation_busy, 1u);
  harness.clock.now_ += 1'000'000;
  EXPECT_EQ(run(0, 0), 1);
  EXPECT_EQ(run(0, 0), 0);
  EXPECT_EQ(harness.reader->drops().speculation_busy, 1u);
  EXPECT_EQ(harness.reader->drops().speculation_unavailable, 1u);
}

TEST(Speculation, HoldsAsMuchAsSpecsizeSays) {
  SessionConfig config;
  config.specsize = 2 * 24;
  Harness harness(config);
  dif::Clause open = clause({statement("call speculation, %r1\nret %r0")});
  open.predicate = code("ldgs 262, %r1\nret %r1", i64());
  harness.add(open);
  harness.add(
      clause({action(ActionKind::kSpeculate, {code("setx 1, %r1\nret %r1", i64())}), trace("ldgs 262, %r1\nret %r1")}));
  harness.add_host(HostProbe::kEnd, "END",
                   clause({action(ActionKind::kCommit, {code("setx 1, %r1\nret %r1", i64())})}));
  harness.start();
  for (uint64_t value : {7, 0, 0}) {
    Firing firing = harness.firing();
    firing.args[0] = value;
    harness.engine->fire(1, firing);
  }
  EXPECT_EQ(harness.reader->drops().speculation, 1u);
  harness.session->stop();
  EXPECT_EQ(harness.records().size(), 3u);  // two committed and the committing clause
}

// What is committed takes its place among the records of all CPUs where the commit is.
TEST(Speculation, IsOutputWhenItIsCommitted) {
  Harness harness;
  const auto one = [] { return code("setx 1, %r1\nret %r1", i64()); };
  const auto when = [](dif::Clause made, const char* arg) {
    made.predicate = code("ldgs " + std::string(arg) + ", %r1\nret %r1", i64());
    return made;
  };
  harness.add(when(clause({statement("call speculation, %r1\nret %r0")}), "262"));
  harness.add(when(clause({action(ActionKind::kSpeculate, {one()}), trace("setx 5, %r1\nret %r1")}), "262"));
  harness.add(when(clause({trace("setx 6, %r1\nret %r1")}), "263"));
  harness.add(when(clause({action(ActionKind::kCommit, {one()})}), "264"));
  harness.start();
  const auto run = [&](uint32_t slot, uint64_t a, uint64_t b, uint64_t c) {
    Firing firing = harness.firing();
    firing.args = {a, b, c};
    harness.engine->fire(slot, firing);
  };
  run(0, 1, 0, 0);
  run(1, 0, 1, 0);
  run(0, 0, 0, 1);
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].number(), 6);
  EXPECT_EQ(records[1].view.clause, 1u);
  EXPECT_EQ(records[2].view.clause, 3u);
}

TEST(SessionConfig, ReadsOptions) {
  dif::Program program;
  program.options = {{"bufsize", "64k"}, {"strsize", "0x200"}, {"dynvarsize", "2M"}, {"quiet", ""}, {"nspec", "3"}};
  auto config = session_config(program);
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config.value().bufsize, 65536u);
  EXPECT_EQ(config.value().strsize, 512u);
  EXPECT_EQ(config.value().dynvarsize, 2u << 20);
  EXPECT_EQ(config.value().nspec, 3u);
  EXPECT_FALSE(config.value().destructive);
  for (const char* bad : {"x", "-1", "4q"}) {
    program.options["bufsize"] = bad;
    EXPECT_FALSE(session_config(program).ok()) << bad;
  }
}

TEST(SessionConfig, ReadsPoliciesAndRates) {
  dif::Program program;
  program.options = {
      {"bufpolicy", "ring"}, {"bufresize", "manual"}, {"cleanrate", "50hz"}, {"statusrate", "3MSEC"}, {"cpu", "1"}};
  auto config = session_config(program);
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config.value().policy, BufferPolicy::kRing);
  EXPECT_FALSE(config.value().resize);
  EXPECT_EQ(config.value().cleanrate_ns, 20'000'000u);
  EXPECT_EQ(config.value().statusrate_ns, 3'000'000u);
  EXPECT_EQ(config.value().cpu, 1u);
  program.options = {{"bufpolicy", "fill"}, {"cleanrate", "0x10"}};
  EXPECT_EQ(session_config(program).value().policy, BufferPolicy::kFill);
  EXPECT_EQ(session_config(program).value().cleanrate_ns, 16u);
  for (const auto& [name, value] : {std::pair{"bufpolicy", "none"},
                                    {"bufresize", ""},
                                    {"cleanrate", "ms"},

                                    {"statusrate", "1fortnight"}}) {
    program.options = {{name, value}};
    EXPECT_FALSE(session_config(program).ok()) << name << "=" << value;
  }
}

}  // namespace
}  // namespace ht::engine::test
