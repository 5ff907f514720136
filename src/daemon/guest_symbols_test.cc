// Kernel variables from a guest's symbols to a session's records: linked once, with each guest's own addresses.
#include "daemon/guest_symbols.h"

#include <cstring>

#include "daemon/test_world.h"
#include "types/btf_builder.h"

namespace ht::daemon::test {
namespace {

using channel::Client;

constexpr uint32_t kReadEntry = 0;

Bytes kernel_types() {
  types::BtfBuilder builder;
  builder.integer("long unsigned int", 8, false);
  return builder.build();
}

// trace((uint64_t)&SYMBOL), at line 3, column 7
channel::SubmitRequest address_of(const std::string& symbol) {
  return trace_request(desc("vm*", "syscall", "read", "entry"), "usetx \"sym(" + symbol + ")\", %r1\nret %r1",
                       dif::Type::integer(8, false, "uint64_t"));
}

class GuestSymbols : public testing::Test {
 protected:
  GuestSymbols() {
    const Bytes types = kernel_types();
    for (const char* name : {"vm1", "vm2"}) world.guest(name).agent->set_types(types, sha256_hex(types));
  }
  FakeAgent& agent(const std::string& name) { return *world.guest(name).agent; }
  void fire(const std::string& name, uint32_t cpu) {
    engine::Firing firing;
    firing.target = static_cast<engine::TargetId>(world.vm(name).id());
    firing.probe = kReadEntry;
    firing.cpu = cpu;
    world.engine->fire(1, firing);
  }
  World world;
};

TEST_F(GuestSymbols, EachGuestHasItsOwnAddressesWithOneLink) {
  agent("vm1").kernel_symbols["vmlinux`jiffies"] = {true, 0xffffffff81000000, false};
  agent("vm2").kernel_symbols["vmlinux`jiffies"] = {true, 0xffffffff92000000, false};
  world.start({"vm1", "vm2"});
  auto client = world.client();
  auto session = client->submit(address_of("vmlinux`jiffies"), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  EXPECT_EQ(session->reply.variants_size(), 1);
  auto reader = engine::SessionReader::open(std::move(session->data), std::move(session->control));
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE(client->start(session->reply.session()).ok());
  fire("vm1", 0);
  fire("vm2", 1);
  std::map<engine::TargetId, uint64_t> values;
  (*reader)->drain([&](const engine::RecordView& record) {
    ASSERT_EQ(record.kind, engine::RecordView::Kind::kClause);
    ASSERT_GE(record.data.size(), 8u);
    std::memcpy(&values[record.target], record.data.data() + record.data.size() - 8, 8);
  });
  EXPECT_EQ(values[static_cast<engine::TargetId>(world.vm("vm1").id())], 0xffffffff81000000);
  EXPECT_EQ(values[static_cast<engine::TargetId>(world.vm("vm2").id())], 0xffffffff92000000);
}

TEST_F(GuestSymbols, OfThePerCpuOnesThatOfTheCpuThatFires) {
  agent("vm1").answer_symbols = {{{true, 0x1000, true}}, {0x100000, 0x200000}};
  world.start({"vm1"});
  auto client = world.client();
  auto session = client->submit(address_of("`cpu_number"), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  auto reader = engine::SessionReader::open(std::move(session->data), std::move(session->control));
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE(client->start(session->reply.session()).ok());
  for (uint32_t cpu : {0, 1, 2}) fire("vm1", cpu);
  std::vector<uint64_t> values;
  size_t faults = 0;
  (*reader)->drain([&](const engine::RecordView& record) {
    if (record.kind == engine::RecordView::Kind::kFault) {
      ++faults;
      return;
    }
    ASSERT_GE(record.data.size(), 8u);
    std::memcpy(&values.emplace_back(), record.data.data() + record.data.size() - 8, 8);
  });
  EXPECT_EQ(values, (std::vector<uint64_t>{0x101000, 0x201000}));
  EXPECT_EQ(faults, 1u);  // a CPU of which the guest did not tell
}

TEST_F(GuestSymbols, AGuestWithoutTheSymbolIsRefusedWhereTheProgramNamesIt) {
  agent("vm1").kernel_symbols["mod`var"] = {true, 0xffffffffc0000000, false};
  world.start({"vm1", "vm2"});
  auto client = world.client();
  channel::SubmitRequest request = address_of("mod`var");
  Client::Refused refused;
  ASSERT_FALSE(client->submit(request, {}, &refused).ok());
  ASSERT_EQ(refused.errors.size(), 1u);
  EXPECT_EQ(refused.errors[0].message(), "failed to resolve mod`var: Unknown symbol name, on vm2 (kernel 6.1.0-test)");
  EXPECT_EQ(refused.errors[0].tag(), "D_IDENT_UNDEF");
  EXPECT_EQ(refused.errors[0].line(), 3u);
  EXPECT_EQ(refused.errors[0].column(), 7u);
  request.set_partial(true);
  auto session = client->submit(request, {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  ASSERT_EQ(session->reply.guests_size(), 2);
  EXPECT_EQ(session->reply.guests(0).state(), "armed");
  EXPECT_EQ(session->reply.guests(1).state(), "left out");
}

TEST_F(GuestSymbols, AnAnswerOfAnotherShapeIsNone) {
  agent("vm1").answer_symbols.symbols.resize(3);
  agent("vm2").answer_symbols = {{{true, 0x1000, true}}, std::vector<uint64_t>(5000, 1)};
  world.start({"vm1", "vm2"});
  auto client = world.client();
  EXPECT_FALSE(client->submit(address_of("`jiffies"), {}, nullptr).ok());
  EXPECT_EQ(world.vm("vm1").state(), "ready");
  EXPECT_TRUE(world.idle());
}

}  // namespace
}  // namespace ht::daemon::test
