#include "symbols/kallsyms.h"

#include <gtest/gtest.h>

#include <string>

namespace ht::symbols {
namespace {

TEST(Kallsyms, TheKernelsAndAModules) {
  const auto own = parse_kernel_symbol("ffffffff81000000 T _text");
  ASSERT_TRUE(own);
  EXPECT_EQ(own->address, 0xffffffff81000000u);
  EXPECT_EQ(own->type, 'T');
  EXPECT_EQ(own->name, "_text");
  EXPECT_EQ(own->module, "vmlinux");
  const auto module = parse_kernel_symbol("ffffffffc0000000 t helper\t[ext4]");
  ASSERT_TRUE(module);
  EXPECT_EQ(module->name, "helper");
  EXPECT_EQ(module->module, "ext4");
}

TEST(Kallsyms, OtherLinesAreNone) {
  for (const char* line : {"", "garbage", "ffffffff81000000", "ffffffff81000000 T", "ffffffff81000000 TT _text",
                           "ffffffff8100000g T _text", "fffffffff81000000 T too_long"}) {
    EXPECT_FALSE(parse_kernel_symbol(line)) << line;
  }
}

TEST(Kallsyms, EveryLineIsVisited) {
  std::string names;
  const auto add = [&](const KernelSymbolLine& line) { names += std::string(line.name) + " "; };
  for_each_kernel_symbol("1 T a\n\nnothing\n2 T b\n3 d c", add);
  EXPECT_EQ(names, "a b c ");
}

}  // namespace
}  // namespace ht::symbols
