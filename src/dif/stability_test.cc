// Words, minima, parsing of attributes and versions, the providers' table.
#include "dif/stability.h"

#include <gtest/gtest.h>

namespace ht::dif {
namespace {

std::string parsed(std::string_view text) {
  auto attributes = parse_attributes(text);
  return attributes.has_value() ? attributes->text() : "none";
}

TEST(Stability, AttributesAreWords) {
  EXPECT_EQ(parsed("Evolving/Private/ISA"), "Evolving/Private/ISA");
  EXPECT_EQ(parsed("Internal/Standard/CPU"), "Internal/Standard/CPU");
  for (std::string_view wrong : {"", "/", "Stable/", "Stable", "Stable/Stable", "stable/Stable/Common",
                                 "Stable//Common", "Stable/Stable/Common/", "Stable/Stable/Stable",
                                 "Common/Stable/Stable", "Stabl/Stable/Common", "Stable/Stable/Common/Common"}) {
    EXPECT_EQ(parsed(wrong), "none") << wrong;
  }
}

TEST(Stability, MinimumIsTakenFieldByField) {
  Attributes a{Stability::kStable, Stability::kPrivate, Dependency::kCommon};
  Attributes b{Stability::kEvolving, Stability::kStandard, Dependency::kIsa};
  EXPECT_EQ(minimum(a, b).text(), "Evolving/Private/ISA");
  EXPECT_TRUE(below(a, b));
  EXPECT_TRUE(below(b, a));
  EXPECT_FALSE(below(a, a));
  EXPECT_FALSE(below(kMostStable, a));
}

TEST(Stability, ProvidersAreFoundByNameAndCanBeChanged) {
  Providers providers;
  EXPECT_EQ(providers.find("dtrace").name.text(), "Stable/Stable/Common");
  EXPECT_EQ(providers.find("profile").module.text(), "Unstable/Unstable/Unknown");
  EXPECT_EQ(providers.find("syscall").function.text(), "Private/Private/ISA");
  EXPECT_EQ(providers.find("sdt").name.text(), "Private/Private/ISA");
  EXPECT_EQ(providers.find("pid123").args.text(), "Private/Private/Unknown");
  *providers.component("sdt", "name") = {};
  EXPECT_EQ(providers.find("sdt").name.text(), "Stable/Stable/Common");
  EXPECT_EQ(providers.find("sdt").args.text(), "Private/Private/ISA");
  EXPECT_EQ(providers.component("sdt", "probe"), nullptr);
}

TEST(Stability, Versions) {
  EXPECT_EQ(parse_version("1.6.2"), 1u << 24 | 6u << 12 | 2);
  EXPECT_EQ(parse_version("2.0"), kLatestVersion);
  EXPECT_TRUE(is_defined(*parse_version("1.12.1")));
  EXPECT_FALSE(is_defined(*parse_version("1.99")));
  for (std::string_view wrong : {"", "1", "1.", ".1", "1.2.3.4", "1.x", "256.0", "1.4096", "1.2.", " 1.0", "-1.0"}) {
    EXPECT_FALSE(parse_version(wrong).has_value()) << wrong;
  }
  EXPECT_EQ(version_text(*parse_version("01.012.1")), "1.12.1");
  EXPECT_EQ(version_text(kLatestVersion), "2.0");
  EXPECT_EQ(introduced("execname"), parse_version("1.0"));
  EXPECT_EQ(introduced("strtoll"), parse_version("1.11"));
}

}  // namespace
}  // namespace ht::dif
