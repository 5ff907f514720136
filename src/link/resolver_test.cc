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

TEST(Resolver, MatchesByEveryResolverAskedFor) {
  EXPECT_TRUE(resolves("", kGuest, {}));
  EXPECT_TRUE(resolves("vm?", kGuest, default_resolvers()));
  EXPECT_TRUE(resolves("web.*", kGuest, default_resolvers()));
  EXPECT_FALSE(resolves("web.*", kGuest, {Resolver::kVmname}));
  EXPECT_FALSE(resolves("6.1*", kGuest, default_resolvers()));
  EXPECT_TRUE(resolves("6.1*", kGuest, {Resolver::kVmname, Resolver::kVersion}));
  EXPECT_TRUE(resolves("10.0.0.[0-9]", kGuest, {Resolver::kAddress}));
  EXPECT_TRUE(resolves("fd00::*", kGuest, {Resolver::kHostname, Resolver::kAddress}));
  EXPECT_FALSE(resolves("fd00::*", kGuest, default_resolvers()));
  EXPECT_FALSE(resolves("*", GuestNames{"vm1", "h", "6.1", {}}, {Resolver::kAddress}));
  EXPECT_FALSE(resolves("vm", kGuest, default_resolvers()));
}

TEST(Resolver, NamelessGuestsAreNotMeant) {
  EXPECT_FALSE(resolves("*", GuestNames{}, default_resolvers()));
  EXPECT_TRUE(resolves("", GuestNames{}, default_resolvers()));
}

}  // namespace
}  // namespace ht::link
