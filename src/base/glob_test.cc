#include "base/glob.h"

#include <gtest/gtest.h>

namespace ht {
namespace {

TEST(Glob, MatchesLikeDTrace) {
  EXPECT_TRUE(glob_match("vm*", "vm1"));
  EXPECT_TRUE(glob_match("vm*", "vm"));
  EXPECT_FALSE(glob_match("vm*", "xvm"));
  EXPECT_TRUE(glob_match("*_read*", "ksys_read64"));
  EXPECT_TRUE(glob_match("?m[0-9]", "vm7"));
  EXPECT_FALSE(glob_match("?m[!0-9]", "vm7"));
  EXPECT_TRUE(glob_match("a\\*", "a*"));
  EXPECT_FALSE(glob_match("a\\*", "ab"));
  EXPECT_TRUE(glob_match("[]a]", "]"));
  EXPECT_TRUE(glob_match("a[b", "a[b"));
  EXPECT_FALSE(glob_match("", "a"));
  EXPECT_TRUE(field_match("", "a"));
}

TEST(Glob, HostilePatternsEndQuickly) {
  const std::string text(2000, 'a');
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  EXPECT_FALSE(glob_match(pattern + "b", text));
}

}  // namespace
}  // namespace ht
