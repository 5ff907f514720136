#include "dif/format.h"

#include <gtest/gtest.h>

namespace ht::dif {
namespace {

FormatString must(std::string_view text) {
  Result<FormatString> result = parse_format(text);
  EXPECT_TRUE(result.ok()) << text << ": " << (result.ok() ? "" : result.error().message);
  return result.ok() ? result.value() : FormatString{};
}

std::string refused(std::string_view text) {
  Result<FormatString> result = parse_format(text);
  if (result.ok()) return "accepted";
  EXPECT_EQ(result.error().tag, "D_SYNTAX");
  return result.error().message;
}

TEST(Format, SplitsLiteralsAndConversions) {
  const FormatString format = must("a%d b%%c%-20.10s\n");
  ASSERT_EQ(format.parts.size(), 3u);
  EXPECT_EQ(format.conversions(), 2u);
  EXPECT_EQ(format.parts[0].literal, "a");
  EXPECT_EQ(format.parts[0].name(), "d");
  EXPECT_EQ(format.parts[1].literal, " b%c");
  EXPECT_TRUE(format.parts[1].minus);
  EXPECT_EQ(format.parts[1].width, 20);
  EXPECT_EQ(format.parts[1].precision, 10);
  EXPECT_EQ(format.parts[2].literal, "\n");
  EXPECT_TRUE(format.parts[2].is_literal_only);
}

TEST(Format, FlagsStandAnywhereBeforeTheSize) {
  const Conversion part = must("%#+' 5@-llx").parts[0];
  EXPECT_TRUE(part.alternate && part.plus && part.group && part.space && part.agg && part.minus);
  EXPECT_EQ(part.width, 5);
  EXPECT_EQ(part.name(), "llx");
}

TEST(Format, ZeroPadsUnlessLeftAdjusted) {
  EXPECT_TRUE(must("%08x").parts[0].zero);
  EXPECT_EQ(must("%08x").parts[0].width, 8);
  EXPECT_EQ(must("%108x").parts[0].width, 108);
  EXPECT_TRUE(must("%-08x").parts[0].zero);  // the later one cancels the other
  EXPECT_FALSE(must("%-08x").parts[0].minus);
  EXPECT_FALSE(must("%0-8x").parts[0].zero);
}

TEST(Format, StarsQuestionMarkAndPrecision) {
  const Conversion part = must("%*.*d").parts[0];
  EXPECT_TRUE(part.star_width && part.star_precision);
  EXPECT_EQ(must("%?p").parts[0].width, 16);
  EXPECT_EQ(must("%.0s").parts[0].precision, 0);
  EXPECT_EQ(must("%s").parts[0].precision, -1);
}

TEST(Format, EveryConversionOfTheTable) {
  for (const char* name : {"a",  "A",  "c",  "C",  "d",  "i",  "e",  "E",  "f",  "g",  "G",   "I",   "k",
                           "p",  "P",  "s",  "S",  "T",  "Y",  "hd", "hX", "lc", "ls", "wc",  "ws",  "ld",
                           "lX", "Le", "LE", "Lf", "Lg", "LG", "o",  "u",  "x",  "X",  "lld", "llX", "llo"}) {
    EXPECT_EQ(must(std::string("%") + name).parts[0].name(), name);
  }
}

TEST(Format, Errors) {
  EXPECT_EQ(refused("%d %y"), "format conversion #2 is undefined: %y");
  EXPECT_EQ(refused("%hs"), "format conversion #1 is undefined: %hs");
  EXPECT_EQ(refused("%llld"), "format conversion #1 is undefined: %llld");
  EXPECT_EQ(refused("%**d"), "format conversion #1 has more than one '*' specified for the output width");
  EXPECT_EQ(refused("%.**d"), "format conversion #1 has more than one '*' specified for the output precision");
  EXPECT_EQ(refused("%1.2.3d"), "format conversion #1 has more than one '.' specified");
  EXPECT_EQ(refused("%2$d"), "format conversion #1 uses unsupported positional format (%n$)");
  EXPECT_EQ(refused("%-%"), "format conversion #1 cannot be combined with other format flags: %%");
  EXPECT_EQ(refused("50%"), "format conversion #1 name expected before end of format string");
  EXPECT_EQ(refused("%ll"), "format conversion #1 name expected before end of format string");
}

TEST(Format, HugeWidthsAreCut) {
  EXPECT_EQ(must("%99999999999999999999d").parts[0].width, 65536);
}

}  // namespace
}  // namespace ht::dif
