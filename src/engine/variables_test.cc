// Variables of every scope, and the store of the dynamic ones.
#include <thread>

#include "engine/dynamic_store.h"
#include "engine/hash.h"
#include "engine/test_support.h"

namespace ht::engine::test {
namespace {

using dif::Scope;
using dif::VarKind;

dif::Type char_array(uint32_t size) {
  dif::Type type = dif::Type::integer(size, false, "char[]");
  type.ckind = dif::CKind::kArray;
  type.flags = dif::Type::kByRef;
  return type;
}

TEST(Variables, GlobalScalarsKeepTheirTypesWidth) {
  Harness harness;
  harness.program.variables = {variable(0x500, Scope::kGlobal, i64()),
                               variable(0x501, Scope::kGlobal, dif::Type::integer(1, true, "char"))};
  harness.add(clause({trace("ldgs 0x500, %r1\nret %r1"),
                      statement("ldgs 0x500, %r1\nsetx 1, %r2\nadd %r1, %r2, %r1\n"
                                "stgs %r1, 0x500\nret %r0"),
                      statement("setx 0x1ff, %r1\nstgs %r1, 0x501\nret %r0"), trace("ldgs 0x501, %r1\nret %r1")}));
  harness.start();
  for (int i = 0; i < 3; ++i) harness.fire();
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[2].number(0), 2);
  EXPECT_EQ(records[2].number(8), -1);
}

TEST(Variables, GlobalStringsStartAsNullAndAreCopied) {
  Harness harness;
  harness.program.variables = {variable(0x500, Scope::kGlobal, dif::Type::string())};
  harness.add(clause({trace("ldgs 0x500, %r1\nret %r1", dif::Type::string()), trace("ldgs 0x500, %r1\nret %r1"),
                      statement("ldgs 280, %r1\nstgs %r1, 0x500\nret %r0")}));
  harness.start();
  harness.fire();
  harness.fire();
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].text(), "");
  EXPECT_EQ(records[0].number(256), 0);
  EXPECT_EQ(records[1].text(), "worker");
  EXPECT_NE(records[1].number(256), 0);
}

TEST(Variables, ClauseLocalsAreSharedInAFiringAndClearedForTheNext) {
  Harness harness;
  harness.program.variables = {variable(0x500, Scope::kLocal, i64()),
                               variable(0x501, Scope::kLocal, dif::Type::string())};
  harness.add(clause({trace("ldls 0x500, %r1\nret %r1"), trace("ldls 0x501, %r1\nret %r1", dif::Type::string()),
                      statement("setx 9, %r1\nstls %r1, 0x500\nsets \"set\", %r1\nstls %r1, 0x501\nret %r0")}));
  harness.add(clause({trace("ldls 0x500, %r1\nret %r1"), trace("ldls 0x501, %r1\nret %r1", dif::Type::string())}));
  harness.start();
  harness.fire();
  harness.fire();
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 4u);
  for (size_t i = 0; i < 4; i += 2) {
    EXPECT_EQ(records[i].number(), 0);
    EXPECT_EQ(records[i].text(8), "");
    EXPECT_EQ(records[i + 1].number(), 9);
    EXPECT_EQ(records[i + 1].text(8), "set");
  }
}

// A struct of the guests' own, by value: 8 bytes in one kernel, 24 in the other.
TEST(Variables, StructsHaveTheSizeOfEachKernel) {
  Harness harness;
  harness.memory.put(0xffff888000000100, std::string(24, 'a'));
  const auto use = [](uint32_t size, Scope scope) {
    const bool global = scope == Scope::kGlobal;
    const std::string load = global ? "ldgs 0x500, %r1\nret %r1" : "ldls 0x500, %r1\nret %r1";
    return std::vector<dif::Action>{
        statement(std::string("setx 0xffff888000000100, %r1\n") + (global ? "stgs" : "stls") + " %r1, 0x500\nret %r0"),
        trace(load, char_array(size))};
  };
  for (Scope scope : {Scope::kGlobal, Scope::kLocal}) {
    Harness session(harness);
    session.memory = harness.memory;
    session.program.linked = true;
    for (uint32_t size : {8u, 24u}) {
      session.program.variables = {variable(0x500, scope, char_array(size))};
      session.program.clauses = {clause(use(size, scope))};
      const auto variant = session.session->add_variant(std::make_shared<dif::Program>(session.program));
      ASSERT_TRUE(variant.ok()) << variant.error().message;
      session.session->enable(size, kProbe, {100, "syscall", "vmlinux", "read", "entry"}, *variant, 0);
    }
    session.engine_ref().publish(session.session);
    session.reader = open_reader(*session.session);
    ASSERT_TRUE(session.session->start().ok());
    for (TargetId target : {24, 8, 24}) session.fire(target);
    const auto records = session.records();
    ASSERT_EQ(records.size(), 3u);
    for (size_t i : {0u, 2u}) EXPECT_EQ(records[i].data.substr(0, 24), std::string(24, 'a'));
    EXPECT_EQ(records[1].data.substr(0, 8), std::string(8, 'a'));
    // One that comes while the program runs finds what there is.
    session.program.variables = {variable(0x500, scope, char_array(32))};
    session.program.clauses = {clause(use(32, scope))};
    const auto late = session.session->add_variant(std::make_shared<dif::Program>(session.program));
    ASSERT_FALSE(late.ok());
    EXPECT_NE(late.error().message.find("its type differs"), std::string::npos);
  }
}

TEST(Variables, ThreadLocalsBelongToTargetAndTask) {
  Harness harness;
  harness.program.variables = {variable(0x500, Scope::kThread, i64()),
                               variable(0x501, Scope::kThread, dif::Type::string())};
  harness.add(clause({trace("ldts 0x500, %r1\nret %r1"),
                      statement("ldts 0x500, %r1\nldgs 0x301, %r2\nsetx 10, %r3\nadd %r1, %r2, %r1\nadd %r1, %r3, %r1\n"
                                "stts %r1, 0x500\nldgs 0x300, %r1\nstts %r1, 0x501\nret %r0"),
                      trace("ldts 0x501, %r1\nret %r1", dif::Type::string())}));
  harness.engine->set_target_name(1, "vm1");
  harness.engine->set_target_name(2, "vm2");
  harness.start({1, 2});
  harness.fire(1);
  harness.fire(2);  // the same task address in another guest
  harness.fire(1);
  Firing other = harness.firing(1);
  other.task += 64;
  harness.engine->fire(1, other);
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].number(), 0);
  EXPECT_EQ(records[1].number(), 0);
  EXPECT_EQ(records[1].text(8), "vm2");
  EXPECT_EQ(records[2].number(), 11);
  EXPECT_EQ(records[2].text(8), "vm1");
  EXPECT_EQ(records[3].number(), 0);
}

TEST(Variables, AssociativeArraysByStringAndNumber) {
  Harness harness;
  harness.program.variables = {variable(0x500, Scope::kGlobal, i64(), VarKind::kArray, {dif::Type::string(), i64()}),
                               variable(0x500, Scope::kThread, dif::Type::string(), VarKind::kArray, {i64()})};
  const std::string key = "ldgs 280, %r1\npushtr 1, %r0, %r1\nldgs 262, %r1\npushtv 0, %r1\n";
  harness.add(clause({trace(key + "ldgaa 0x500, %r2\nflushts\nret %r2"),
                      statement(key + "ldgs 263, %r2\nstgaa %r2, 0x500\nflushts\nret %r0"),
                      statement("ldgs 262, %r1\npushtv 0, %r1\nldgs 280, %r2\nsttaa %r2, 0x500\nflushts\nret %r0"),
                      trace("ldgs 262, %r1\npushtv 0, %r1\nldtaa 0x500, %r2\nflushts\nret %r2", dif::Type::string())}));
  harness.start();
  Firing firing = harness.firing();
  harness.engine->fire(1, firing);
  firing.args[1] = 0;  // stores 0: frees
  harness.engine->fire(1, firing);
  harness.engine->fire(1, firing);
  firing.comm = {"other"};
  harness.engine->fire(1, firing);
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].number(), 0);
  EXPECT_EQ(records[1].number(), 11);
  EXPECT_EQ(records[2].number(), 0);
  EXPECT_EQ(records[3].number(), 0);
  EXPECT_EQ(records[3].text(8), "other");
}

TEST(Variables, ExhaustedDynamicSpaceDropsAndReadsZero) {
  SessionConfig config;
  config.dynvarsize = 1024;
  Harness harness(config);
  harness.program.variables = {variable(0x500, Scope::kGlobal, i64(), VarKind::kArray, {i64()})};
  const std::string key = "ldgs 262, %r1\npushtv 0, %r1\n";
  harness.add(clause({statement(key + "ldgs 263, %r2\nstgaa %r2, 0x500\nflushts\nret %r0"),
                      trace(key + "ldgaa 0x500, %r2\nflushts\nret %r2")}));
  harness.start();
  Firing firing = harness.firing();
  for (uint64_t i = 0; i < 100; ++i) {
    firing.args[0] = i;
    harness.engine->fire(1, firing);
  }
  const auto records = harness.records();
  ASSERT_EQ(records.size(), 100u);
  const auto kept = std::count_if(records.begin(), records.end(), [](const Record& r) { return r.number() == 11; });
  EXPECT_GT(kept, 3);
  EXPECT_LT(kept, 100);
  EXPECT_EQ(harness.reader->drops().dynamic, static_cast<uint64_t>(100 - kept));
}

TEST(Variables, StructsAreStoredWholeAndChangedInPlace) {
  FakeMemory memory;
  memory.put(0xffff888000010000, "0123456789abcdef");
  for (const bool thread : {false, true}) {
    Harness harness;
    harness.memory = memory;
    const std::string load = thread ? "ldts" : "ldgs", store = thread ? "stts" : "stgs";
    harness.program.variables = {variable(0x500, thread ? Scope::kThread : Scope::kGlobal, char_array(16))};
    harness.add(clause({statement("setx 0xffff888000010000, %r1\n" + store + " %r1, 0x500\nret %r0"),
                        statement(load + " 0x500, %r1\nsetx 3, %r2\nadd %r1, %r2, %r1\nsetx 0x58, %r2\nstb %r2, [%r1]\n"
                                         "ret %r0"),
                        trace(load + " 0x500, %r1\nret %r1", char_array(16)),
                        trace(load + " 0x500, %r1\nsetx 9, %r2\nadd %r1, %r2, %r1\nldx [%r1], %r2\nret %r2")}));
    harness.start();
    harness.fire();
    const auto records = harness.records();
    ASSERT_EQ(records.size(), 1u) << load;
    EXPECT_EQ(records[0].view.kind, RecordView::Kind::kFault);  // nine bytes in, only seven are left
    EXPECT_EQ(records[0].view.fault_action, 4u);
    Harness again;
    again.memory = memory;
    again.program = harness.program;
    again.program.clauses[0].actions.pop_back();
    again.start();
    again.fire();
    const auto good = again.records();
    ASSERT_EQ(good.size(), 1u);
    EXPECT_EQ(good[0].data, "012X456789abcdef");
  }
}

TEST(DynamicStore, ReusesFreedEntriesAndForgetsStaleHandles) {
  auto made = DynamicStore::create(192);
  ASSERT_TRUE(made.ok());
  DynamicStore store = std::move(made).value();
  const auto key = [](const uint64_t& name) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&name);
    return DynamicKey{bytes, 8, hash_bytes(0, bytes, 8)};
  };
  const uint64_t one = 1, two = 2, three = 3;
  const uint8_t data[8] = {'d'};
  EXPECT_TRUE(store.store_bytes(key(one), data, 8, kTagNone));
  DynamicStore::Handle handle;
  ASSERT_TRUE(store.open(key(one), &handle));
  EXPECT_TRUE(store.store(key(two), {5}));
  EXPECT_FALSE(store.store(key(three), {6}));  // 128 and 64 bytes are taken
  store.remove(key(one));
  EXPECT_TRUE(store.store(key(three), {6}));
  uint8_t byte;
  Tag tag;
  EXPECT_FALSE(store.read(handle, 0, &byte, 1, &tag));
  EXPECT_EQ(store.write(handle, 0, &byte, 1, tag), DynamicStore::Written::kGone);
  Value value;
  EXPECT_TRUE(store.load(key(three), &value));
  EXPECT_EQ(value.bits, 6u);
}

// A struct that is not there reads as zeros and takes no room; the first write makes it.
TEST(DynamicStore, AnAbsentElementIsMadeByAWrite) {
  auto made = DynamicStore::create(128);
  ASSERT_TRUE(made.ok());
  DynamicStore store = std::move(made).value();
  const uint64_t names[2] = {1, 2};
  const auto absent = [&](const uint64_t& name) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&name);
    DynamicStore::Handle handle{nullptr, 0, hash_bytes(0, bytes, 8), 16, bytes, 8};
    EXPECT_FALSE(store.open({bytes, 8, handle.hash}, &handle));
    return handle;
  };
  DynamicStore::Handle first = absent(names[0]), again = absent(names[0]), second = absent(names[1]);
  uint64_t word = 7;
  Tag tag = kTagMixed;
  ASSERT_TRUE(store.read(first, 8, &word, 8, &tag));
  EXPECT_EQ(word, 0u);
  EXPECT_EQ(tag, kTagNone);
  EXPECT_FALSE(store.read(first, 9, &word, 8, &tag));
  word = 5;
  EXPECT_EQ(store.write(first, 9, &word, 8, kTagNone), DynamicStore::Written::kGone);
  EXPECT_EQ(store.write(first, 0, &word, 8, kTagNone), DynamicStore::Written::kDone);
  EXPECT_EQ(store.write(again, 8, &word, 8, kTagNone), DynamicStore::Written::kDone);
  uint64_t both[2] = {};
  ASSERT_TRUE(store.read(first, 0, both, 16, &tag));
  EXPECT_EQ(both[0], 5u);
  EXPECT_EQ(both[1], 5u);
  EXPECT_EQ(store.write(second, 0, &word, 8, kTagNone), DynamicStore::Written::kFull);
  ASSERT_TRUE(store.read(second, 0, &word, 8, &tag));
  EXPECT_EQ(word, 0u);
}

TEST(DynamicStore, ManyThreadsEachSeeTheirOwn) {
  auto made = DynamicStore::create(1 << 20);
  ASSERT_TRUE(made.ok());
  DynamicStore store = std::move(made).value();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (uint64_t i = 0; i < 5000; ++i) {
        const uint64_t words[2] = {thread, i % 50};
        const auto* bytes = reinterpret_cast<const uint8_t*>(words);
        const DynamicKey key{bytes, sizeof words, hash_bytes(0, bytes, sizeof words)};
        if (!store.store(key, {i + 1})) ++wrong;
        Value value;
        if (!store.load(key, &value) || value.bits != i + 1) ++wrong;
        if (i % 3 == 0) store.remove(key);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace ht::engine::test
