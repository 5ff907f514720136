// Types as dtracedctl sees them, and guests that are named by what they say of themselves.
#include "daemon/test_world.h"
#include "types/btf_builder.h"

namespace ht::daemon::test {
namespace {

using channel::Client;

class OverlordTypes : public testing::Test {
 protected:
  static Bytes kernel() {
    types::BtfBuilder builder;
    const auto number = builder.integer("int", 4, true);
    builder.pointer(builder.structure("task_struct", 64, {{"pid", number, 64}}));
    return builder.build();
  }
  std::vector<std::string> meant(Client& client, const std::string& target, const std::string& resolver) {
    channel::SubmitRequest submit = request({desc(target, "syscall", "read", "entry")});
    if (!resolver.empty()) submit.add_resolvers(resolver);
    auto session = client.submit(submit, {}, nullptr);
    std::vector<std::string> names;
    if (!session.ok()) return names;
    for (const auto& guest : session->reply.guests()) names.push_back(guest.vmname());
    EXPECT_TRUE(client.stop(session->reply.session()).ok());
    return names;
  }
  World world;
};

TEST_F(OverlordTypes, AreListedShownAndDropped) {
  const Bytes types = kernel();
  const std::string hash = sha256_hex(types);
  for (const char* name : {"vm1", "vm2"}) world.guest(name).agent->set_types(types, hash);
  world.start({"vm1", "vm2"});
  auto client = world.client();
  EXPECT_EQ(client->types_list()->types_size(), 0);  // nobody has needed them
  auto session = client->submit(member_request("pid", ""), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  auto list = client->types_list();
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->types_size(), 1);
  EXPECT_EQ(list->types(0).hash(), hash);
  EXPECT_EQ(list->types(0).size(), types.size());
  EXPECT_EQ(list->types(0).guests_size(), 2);
  ASSERT_EQ(list->types(0).kernels_size(), 1);
  EXPECT_EQ(list->types(0).kernels(0), "6.1.0-test");

  auto shown = client->types_show(hash.substr(0, 8), "struct task_struct");
  ASSERT_TRUE(shown.ok()) << shown.error().text();
  EXPECT_NE(shown->text().find("8      4  int pid"), std::string::npos) << shown->text();
  EXPECT_NE(client->types_show(hash, "")->text().find("1 structs"), std::string::npos);
  EXPECT_FALSE(client->types_show(hash, "struct nothing").ok());
  EXPECT_FALSE(client->types_show("zz", "").ok());

  ASSERT_TRUE(client->types_drop(hash).ok());
  EXPECT_FALSE(client->types_drop(hash).ok());
  EXPECT_EQ(client->types_list()->types_size(), 0);
  EXPECT_TRUE(client->start(session->reply.session()).ok());  // what is being traced goes on
  EXPECT_TRUE(client->stop(session->reply.session()).ok());
  auto again = client->submit(member_request("pid", ""), {}, nullptr);  // uploaded again
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_EQ(client->types_list()->types_size(), 1);
}

TEST_F(OverlordTypes, AGuestMayBeNamedByAnyOfItsAddresses) {
  world.guest("vm1").agent->set_names("vm1-host", {"10.0.0.7", "fd00::7"});
  world.guest("vm2").agent->set_names("vm2-host", {"10.0.1.7"});
  world.start({"vm1", "vm2"});
  auto client = world.client();
  EXPECT_EQ(meant(*client, "10.0.0.*", "address"), std::vector<std::string>{"vm1"});
  EXPECT_EQ(meant(*client, "10.*", "address"), (std::vector<std::string>{"vm1", "vm2"}));
  EXPECT_TRUE(meant(*client, "10.0.0.7", "").empty());
}

// Addresses come and go after a guest has said Hello.
TEST_F(OverlordTypes, AGuestIsAskedWhatItIsCalledNow) {
  world.start({"vm1", "vm2"});
  auto client = world.client();
  EXPECT_TRUE(meant(*client, "10.0.0.7", "address").empty());
  world.guest("vm1").agent->set_names("web", {"10.0.0.7"});
  EXPECT_EQ(meant(*client, "10.0.0.7", "address"), std::vector<std::string>{"vm1"});
  EXPECT_EQ(meant(*client, "web", ""), std::vector<std::string>{"vm1"});
  world.guest("vm1").agent->set_names("web\n", {});
  EXPECT_TRUE(meant(*client, "we*", "").empty());
  ASSERT_TRUE(until([&] { return world.vm("vm1").state() == "failed"; }));
  EXPECT_NE(world.vm("vm1").detail().find("control characters"), std::string::npos);
}

TEST_F(OverlordTypes, AnAddressThatIsNoneCutsTheGuestOff) {
  world.guest("vm1").agent->set_names("vm1-host", {"*"});
  world.start({"vm1"});
  ASSERT_TRUE(until([&] { return world.vm("vm1").state() == "failed"; }));
  EXPECT_NE(world.vm("vm1").detail().find("no address"), std::string::npos);
}

TEST_F(OverlordTypes, NobodyIsTracedInAnotherGuestsPlace) {
  world.guest("evil").agent->set_names("vm1");
  world.start({"vm1", "evil"});
  auto client = world.client();
  EXPECT_EQ(meant(*client, "vm1", ""), std::vector<std::string>{"vm1"});
  EXPECT_EQ(meant(*client, "vm1-host", "hostname"), std::vector<std::string>{"vm1"});
  EXPECT_TRUE(meant(*client, "vm1", "hostname").empty());
}

// vm1's kernel has the member, vm2's has not.
TEST_F(OverlordTypes, AClauseForOneGuestMayUseWhatAnotherLacks) {
  types::BtfBuilder other;
  const auto number = other.integer("int", 4, true);
  other.pointer(other.structure("task_struct", 64, {{"number", number, 64}}));
  const Bytes with = kernel(), without = other.build();
  world.guest("vm1").agent->set_types(with, sha256_hex(with));
  world.guest("vm2").agent->set_types(without, sha256_hex(without));
  world.start({"vm1", "vm2"});
  auto client = world.client();
  // trace(curthread->pid) on vm1, trace(curthread->number) on `second`
  const auto program = [](const std::string& second) {
    dif::Program both = object::read(as_bytes(member_request("pid", "vm1").elf())).value();
    both.clauses.push_back(object::read(as_bytes(member_request("number", second).elf())).value().clauses[0]);
    return request_for(both);
  };
  channel::SubmitRequest submit = program("vm2");
  auto session = client->submit(submit, {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  ASSERT_EQ(session->reply.guests_size(), 2);
  EXPECT_EQ(session->reply.variants_size(), 2);
  EXPECT_TRUE(client->stop(session->reply.session()).ok());
  submit = program("vm*");
  auto refused = client->submit(submit, {}, nullptr);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text().find("no member \"number\", on vm1"), std::string::npos) << refused.error().text();
}

TEST_F(OverlordTypes, TheFirstResolverThatNamesAGuestDecidesForAll) {
  world.guest("vm2").agent->set_names("vm1x");
  world.start({"vm1", "vm2"});
  auto client = world.client();
  EXPECT_EQ(meant(*client, "vm1*", ""), std::vector<std::string>{"vm1"});
  EXPECT_EQ(meant(*client, "vm1x*", ""), std::vector<std::string>{"vm2"});
  EXPECT_EQ(meant(*client, "vm1*", "hostname,vmname"), (std::vector<std::string>{"vm1", "vm2"}));  // vm1-host, vm1x
  EXPECT_EQ(meant(*client, "vm2", "hostname,vmname"), std::vector<std::string>{"vm2"});
}

}  // namespace
}  // namespace ht::daemon::test
