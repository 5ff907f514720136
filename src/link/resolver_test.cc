#include "link/resolver.h"

#include <gmock/gmock.h>

namespace ht::link {
namespace {

const GuestNames kGuest{"vm1", "web.example.org", "6.1.0-37-cloud-amd64", {"fd00::7", "10.0.0.7"}};

TEST(Resolver, Parses) {
  EXPECT_THAT(parse_resolvers("vmname, address").value(), testing::ElementsAre(Resolver::kVmname, Resolver::kAddress));
  EXPECT_EQ(parse_resolvers("version,version").value().size(), 1u);
  for (const char* wrong : {"", "vmname,", "uname", ",hostname"}) {
    const auto result = parse_resolvers(wrong);
    ASSERT_FALSE(result.ok()) << wrong;
    EXPECT_THAT(result.error().hint, testing::HasSubstr("hostname, version"));
  }
}

TEST(Resolver, OneResolverNamesAGuest) {
  EXPECT_TRUE(names("vm?", kGuest, Resolver::kVmname));
  EXPECT_FALSE(names("web.*", kGuest, Resolver::kVmname));
  EXPECT_TRUE(names("web.*", kGuest, Resolver::kHostname));
  EXPECT_TRUE(names("6.1*", kGuest, Resolver::kVersion));
  EXPECT_TRUE(names("10.0.0.[0-9]", kGuest, Resolver::kAddress));
  EXPECT_TRUE(names("fd00::*", kGuest, Resolver::kAddress));
  EXPECT_FALSE(names("10.0.1.*", kGuest, Resolver::kAddress));
  EXPECT_FALSE(names("vm", kGuest, Resolver::kVmname));
  EXPECT_FALSE(names("*", GuestNames{"vm1", "h", "6.1", {}}, Resolver::kAddress));
  EXPECT_FALSE(names("*", GuestNames{}, Resolver::kVmname));
}

// vm2 calls itself web1, vm3 is web1 to the host.
const std::vector<GuestNames> kThree = {
    {"vm1", "db", "6.1", {}}, {"vm2", "web1", "6.1", {}}, {"web1", "front", "6.12", {}}};

std::vector<std::string> meant(const TargetResolver& resolver, const std::string& target) {
  std::vector<std::string> found;
  for (const GuestNames& guest : kThree) {
    if (resolver.means(target, guest)) found.push_back(guest.vmname);
  }
  return found;
}

TEST(TargetResolver, TheFirstResolverThatNamesAGuestDecides) {
  TargetResolver by_default;
  TargetResolver hostname_first({Resolver::kHostname, Resolver::kVmname});
  for (const char* target : {"web*", "db", "vm*", "nobody", "6.1"}) {
    by_default.decide(target, kThree);
    hostname_first.decide(target, kThree);
  }
  using Names = std::vector<std::string>;
  EXPECT_EQ(meant(by_default, "web*"), Names{"web1"});
  EXPECT_EQ(meant(hostname_first, "web*"), Names{"vm2"});
  EXPECT_EQ(meant(by_default, "db"), Names{"vm1"});
  EXPECT_EQ(meant(hostname_first, "vm*"), (Names{"vm1", "vm2"}));
  EXPECT_EQ(meant(by_default, "nobody"), Names{});
  EXPECT_EQ(meant(by_default, "6.1"), Names{});
  EXPECT_EQ(meant(by_default, ""), (Names{"vm1", "vm2", "web1"}));
  EXPECT_EQ(meant(by_default, "never decided"), Names{});
}

TEST(TargetResolver, GuestsAreAskedOnlyWhenItMatters) {
  const TargetResolver by_default;
  EXPECT_FALSE(by_default.asks_guests("", kThree));
  EXPECT_FALSE(by_default.asks_guests("vm*", kThree));
  EXPECT_TRUE(by_default.asks_guests("db", kThree));
  EXPECT_FALSE(TargetResolver({Resolver::kVmname}).asks_guests("db", kThree));
  EXPECT_TRUE(TargetResolver({Resolver::kHostname, Resolver::kVmname}).asks_guests("vm*", kThree));
}

TEST(TargetResolver, WhatIsDecidedStays) {
  TargetResolver resolver;
  resolver.decide("web1", {});
  EXPECT_FALSE(resolver.decided("web1"));
  EXPECT_EQ(meant(resolver, "web1"), std::vector<std::string>{});
  resolver.decide("web1", {kThree[0], kThree[1]});  // only vm2's host name is known
  EXPECT_EQ(meant(resolver, "web1"), std::vector<std::string>{"vm2"});
  resolver.decide("web1", kThree);
  EXPECT_TRUE(resolver.decided("web1") && resolver.decided(""));
  EXPECT_EQ(meant(resolver, "web1"), std::vector<std::string>{"vm2"});
}

}  // namespace
}  // namespace ht::link
