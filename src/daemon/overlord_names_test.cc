// Names of guests' addresses, as clients ask for them.
#include "daemon/test_world.h"

namespace ht::daemon::test {
namespace {

using channel::Client;

class OverlordNames : public testing::Test {
 protected:
  channel::ResolveRequest question(bool kernel, uint32_t pid, std::initializer_list<uint64_t> addresses) {
    channel::ResolveRequest request;
    request.set_target(target);
    request.set_boot(boot);
    request.set_kernel(kernel);
    request.set_pid(pid);
    for (uint64_t address : addresses) request.add_addresses(address);
    return request;
  }
  // Traces vm1, which says what the other calls need.
  void trace(Client& client) {
    auto session = client.submit(request({desc("vm1", "syscall", "read", "entry")}), {}, nullptr);
    ASSERT_TRUE(session.ok()) << session.error().text();
    ASSERT_EQ(session->reply.guests_size(), 1);
    target = session->reply.guests(0).target();
    boot = session->reply.guests(0).boot();
    EXPECT_NE(boot, 0u);
    EXPECT_TRUE(client.stop(session->reply.session()).ok());
  }
  World world;
  uint32_t target = 0, boot = 0;
};

TEST_F(OverlordNames, OfTheKernelAndOfAProcess) {
  FakeAgent& agent = *world.guest("vm1").agent;
  agent.names_at[{0, 0xffffffff81000010}] = {"vmlinux", "vfs_read", 0xffffffff81000000};
  agent.names_at[{42, 0x401010}] = {"app", "main", 0x401000};
  world.start({"vm1"});
  int before = 0;
  {
    auto client = world.client();
    trace(*client);
    auto names = client->resolve(question(true, 0, {0xffffffff81000010, 0x1}));
    ASSERT_TRUE(names.ok()) << names.error().text();
    ASSERT_EQ(names->names_size(), 2);
    EXPECT_EQ(names->names(0).module(), "vmlinux");
    EXPECT_EQ(names->names(0).name(), "vfs_read");
    EXPECT_EQ(names->names(0).start(), 0xffffffff81000000u);
    EXPECT_EQ(names->names(1).module(), "");
    names = client->resolve(question(false, 42, {0x401010}));
    ASSERT_EQ(names->names_size(), 1);
    EXPECT_EQ(names->names(0).name(), "main");
    EXPECT_EQ(client->resolve(question(false, 43, {0x401010}))->names(0).name(), "");
    before = agent.forgotten;
  }
  EXPECT_TRUE(until([&] { return agent.forgotten > before; })) << "nobody asks any more";
}

TEST_F(OverlordNames, AnotherBootHasOtherAddresses) {
  world.guest("vm1").agent->names_at[{0, 0x10}] = {"vmlinux", "old", 0x10};
  world.start({"vm1"});
  auto client = world.client();
  trace(*client);
  EXPECT_EQ(client->resolve(question(true, 0, {0x10}))->names(0).name(), "old");
  world.guest("vm1").reboot("boot-2");
  const uint32_t before = boot;
  ASSERT_TRUE(until([&] {
    auto session = client->submit(request({desc("vm1", "syscall", "read", "entry")}), {}, nullptr);
    if (!session.ok()) return false;
    const bool other = session->reply.guests_size() == 1 && session->reply.guests(0).boot() != before;
    EXPECT_TRUE(client->stop(session->reply.session()).ok());
    return other;
  }));
  EXPECT_EQ(client->resolve(question(true, 0, {0x10}))->names_size(), 0);
  target = 77;
  EXPECT_EQ(client->resolve(question(true, 0, {0x10}))->names_size(), 0) << "no such guest";
}

TEST_F(OverlordNames, WhatCannotBeShownIsNoName) {
  FakeAgent& agent = *world.guest("vm1").agent;
  agent.names_at[{0, 0x10}] = {"vmlinux", "a\033[2Jb", 0x10};
  agent.names_at[{0, 0x20}] = {"vmlinux", std::string(1000, 'x'), 0x20};
  agent.names_at[{0, 0x30}] = {"vmlinux", "beyond", 0x31};
  agent.names_at[{0, 0x40}] = {"a module", "blank", 0x40};
  agent.names_at[{0, 0x50}] = {"vmlinux", "good", 0x50};
  world.start({"vm1"});
  auto client = world.client();
  trace(*client);
  const auto names = client->resolve(question(true, 0, {0x10, 0x20, 0x30, 0x40, 0x50}));
  ASSERT_EQ(names->names_size(), 5);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(names->names(i).module() + names->names(i).name(), "") << i;
  EXPECT_EQ(names->names(4).name(), "good");
}

TEST_F(OverlordNames, TooManyAtOnce) {
  world.start({"vm1"});
  auto client = world.client();
  trace(*client);
  channel::ResolveRequest many = question(true, 0, {});
  for (uint64_t i = 0; i < 5000; ++i) many.add_addresses(i + 1);
  EXPECT_EQ(client->resolve(many)->names_size(), 0);
}

}  // namespace
}  // namespace ht::daemon::test
