// Every kind of value with its suffixes and limits, every class of option with who may set it, and the table itself.
#include "dif/options.h"

#include <gtest/gtest.h>

#include <set>

namespace ht::dif {
namespace {

constexpr char kInvalid[] = "Invalid value for specified option";

// What is stored, or the error's text.
std::string set(std::string_view text, OptionSource source = OptionSource::kCommand) {
  OptionMap options;
  auto result = set_option(options, text, source);
  if (!result.ok()) return result.error().message;
  return options.begin()->second;
}

TEST(Options, TheTableHasEachNameOnceInOrder) {
  std::string_view last;
  for (const OptionInfo& info : option_table()) {
    EXPECT_LT(last, info.name);
    last = info.name;
    EXPECT_EQ(find_option(info.name), &info);
    EXPECT_LE(info.least, info.most) << info.name;
  }
  EXPECT_EQ(find_option("quite"), nullptr);
}

TEST(Options, DefaultsAreValidValues) {
  for (const OptionInfo& info : option_table()) {
    if (info.standard.empty()) continue;
    OptionMap options;
    auto result = set_option(options, info.name, info.standard, OptionSource::kCommand);
    ASSERT_TRUE(result.ok()) << info.name << ": " << result.error().message;
    EXPECT_EQ(options.begin()->second, info.standard);
  }
}

TEST(Options, Flags) {
  EXPECT_EQ(set("errtags"), "");
  EXPECT_EQ(set("errtags=1"), kInvalid);
  EXPECT_EQ(set("errtags="), kInvalid);
}

TEST(Options, Booleans) {
  EXPECT_EQ(set("quiet"), "");
  for (const char* yes : {"yes", "enable", "enabled", "true", "on", "set", "1", "0x1"}) {
    EXPECT_EQ(set(std::string("quiet=") + yes), "1") << yes;
  }
  for (const char* no : {"no", "disable", "disabled", "false", "off", "unset", ""}) {
    EXPECT_EQ(set(std::string("quiet=") + no), "unset") << no;
  }
  EXPECT_EQ(set("quiet=17"), "17");
  for (const char* bad : {"maybe", "-1", "1x", "Yes", " 1"}) EXPECT_EQ(set(std::string("quiet=") + bad), kInvalid);
  // Any stored value counts as set, even 0.
  EXPECT_TRUE(option_set({{"quiet", "0"}}, "quiet"));
  EXPECT_TRUE(option_set({{"quiet", ""}}, "quiet"));
  EXPECT_FALSE(option_set({{"quiet", "unset"}}, "quiet"));
  EXPECT_FALSE(option_set({}, "quiet"));
}

TEST(Options, Integers) {
  EXPECT_EQ(set("nspec"), "0");
  EXPECT_EQ(set("nspec=0x10"), "16");
  EXPECT_EQ(set("nspec=010"), "8");
  EXPECT_EQ(set("nspec=0"), "0");
  for (const char* bad : {"-1", "1k", "", "08", "0x", "1.5", "9223372036854775808"}) {
    EXPECT_EQ(set(std::string("nspec=") + bad), kInvalid) << bad;
  }
  EXPECT_EQ(set("iregs=0"), kInvalid);
  EXPECT_EQ(set("stackframes=9223372036854775807"), "9223372036854775807");
}

TEST(Options, Sizes) {
  EXPECT_EQ(set("bufsize"), "0");
  EXPECT_EQ(set("bufsize=100"), "100");
  EXPECT_EQ(set("bufsize=4k"), "4096");
  EXPECT_EQ(set("bufsize=4K"), "4096");
  EXPECT_EQ(set("bufsize=3m"), "3145728");
  EXPECT_EQ(set("bufsize=1G"), "1073741824");
  EXPECT_EQ(set("bufsize=1t"), "1099511627776");
  EXPECT_EQ(set("bufsize=0x10k"), "16384");
  for (const char* bad : {"-4k", "k", "4kb", "4p", "4 k", "9999999999999t"}) {
    EXPECT_EQ(set(std::string("bufsize=") + bad), kInvalid) << bad;
  }
}

TEST(Options, Rates) {
  EXPECT_EQ(set("switchrate"), "0");
  EXPECT_EQ(set("switchrate=5"), "5");
  for (const char* one : {"5000ns", "5000nsec", "5us", "5usec"}) EXPECT_EQ(set(std::string("aggrate=") + one), "5000");
  for (const char* one : {"5ms", "5msec", "200hz", "200HZ"}) EXPECT_EQ(set(std::string("aggrate=") + one), "5000000");
  for (const char* one : {"60s", "60sec", "1m", "1min"}) EXPECT_EQ(set(std::string("aggrate=") + one), "60000000000");
  for (const char* one : {"24h", "24hour", "1d", "1day", "1Day"}) {
    EXPECT_EQ(set(std::string("aggrate=") + one), "86400000000000") << one;
  }
  EXPECT_EQ(set("aggrate=0hz"), "0");
  EXPECT_EQ(set("aggrate=0x1d"), "29");
  for (const char* bad : {"1x", "hz", "-1ms", "1 ms", "99999999999999d"}) {
    EXPECT_EQ(set(std::string("aggrate=") + bad), kInvalid) << bad;
  }
}

TEST(Options, WordsAndTexts) {
  EXPECT_EQ(set("bufpolicy=ring"), "ring");
  for (const char* bad : {"bufpolicy", "bufpolicy=", "bufpolicy=rin", "bufpolicy=fill ring", "cpppath", "cpppath="}) {
    EXPECT_EQ(set(bad), kInvalid) << bad;
  }
  EXPECT_EQ(set("cpppath=/usr/bin/cpp"), "/usr/bin/cpp");
  EXPECT_EQ(set("amin=Stable/Evolving/ISA"), "Stable/Evolving/ISA");
  for (const char* bad :
       {"Stable", "Stable/Stable", "stable/Stable/ISA", "Stable/Stable/Stable", "Stable/Stable/ISA/"}) {
    EXPECT_EQ(set(std::string("amin=") + bad), kInvalid) << bad;
  }
  EXPECT_EQ(set("lockmem=unlimited"), "unlimited");
  EXPECT_EQ(set("lockmem=1g"), "1g");
  EXPECT_EQ(set("lockmem=much"), kInvalid);
}

TEST(Options, Lists) {
  OptionMap options;
  ASSERT_TRUE(set_option(options, "define=A=1", OptionSource::kCommand).ok());
  ASSERT_TRUE(set_option(options, "define=B", OptionSource::kCommand).ok());
  EXPECT_EQ(option_list(options, "define"), (std::vector<std::string>{"A=1", "B"}));
  EXPECT_EQ(option_list(options, "undef"), std::vector<std::string>{});
  EXPECT_EQ(set("setenv=A=b"), "A=b");
  EXPECT_EQ(set("setenv=A"), kInvalid);
  EXPECT_EQ(set("setenv==b"), kInvalid);
}

TEST(Options, Versions) {
  EXPECT_EQ(set("version=1.2"), "1.2");
  EXPECT_EQ(set("version=1.2.0"), "1.2");
  EXPECT_EQ(set("version=1.6.1"), "1.6.1");
  for (const char* bad : {"1", "x", "1.x", "1.2.3.4", "256.0", "1.4096", "1.2.4096", "1.", ""}) {
    EXPECT_EQ(set(std::string("version=") + bad), "Version is not properly formatted or is too large") << bad;
  }
  EXPECT_EQ(set("version=1.99"), "Requested version is not supported by compiler");
}

TEST(Options, StringSize) {
  EXPECT_EQ(set("strsize=2"), "2");
  EXPECT_EQ(set("strsize=1"), kInvalid);
  EXPECT_EQ(set("strsize"), kInvalid);
  EXPECT_EQ(set("strsize=64k"), "65536");
  EXPECT_EQ(set("strsize=8g"), "Value too large for defined data type");
}

TEST(Options, WhoMaySetThem) {
  constexpr char kContext[] = "Option cannot be used from within a D program";
  constexpr char kActive[] = "Operation illegal when tracing is active";
  EXPECT_EQ(set("quiet", OptionSource::kPragma), "");
  EXPECT_EQ(set("bufsize=1k", OptionSource::kPragma), "1024");
  EXPECT_EQ(set("define=A", OptionSource::kPragma), kContext);
  EXPECT_EQ(set("define", OptionSource::kPragma), kInvalid);
  EXPECT_EQ(set("lockmem=1m", OptionSource::kPragma), kContext);
  EXPECT_EQ(set("quiet=0", OptionSource::kSetopt), "0");
  EXPECT_EQ(set("bufsize=1k", OptionSource::kSetopt), kActive);
  EXPECT_EQ(set("errtags", OptionSource::kSetopt), kActive);
  EXPECT_EQ(set("define=A", OptionSource::kSetopt), kActive);
  // A variable of the environment always has a value.
  EXPECT_EQ(set("errtags=", OptionSource::kEnvironment), "");
  EXPECT_EQ(set("errtags=1", OptionSource::kEnvironment), "");
  EXPECT_EQ(set("errtags=maybe", OptionSource::kEnvironment), kInvalid);
  OptionMap options;
  EXPECT_TRUE(set_option(options, "errtags=no", OptionSource::kEnvironment).ok());
  EXPECT_TRUE(options.empty());
}

TEST(Options, UnknownNamesGetANearOne) {
  OptionMap options;
  auto result = set_option(options, "quite", OptionSource::kCommand);
  EXPECT_EQ(result.error().message, "Invalid option name");
  EXPECT_EQ(result.error().hint, "did you mean \"quiet\"?");
  EXPECT_EQ(set_option(options, "", OptionSource::kCommand).error().message, "Invalid option name");
  EXPECT_EQ(set_option(options, "=1", OptionSource::kCommand).error().message, "Invalid option name");
}

TEST(Options, NumbersFallBackToTheTable) {
  EXPECT_EQ(option_number({}, "strsize"), 256u);
  EXPECT_EQ(option_number({{"strsize", "512"}}, "strsize"), 512u);
  EXPECT_EQ(option_number({{"strsize", "nonsense"}}, "strsize"), 256u);
  EXPECT_EQ(option_number({}, "cleanrate"), 9900990u);
  EXPECT_EQ(option_text({}, "bufpolicy"), "switch");
  EXPECT_EQ(option_text({{"bufpolicy", "ring"}}, "bufpolicy"), "ring");
}

}  // namespace
}  // namespace ht::dif
