#include "agent/kernel_symbols.h"

#include <gtest/gtest.h>

namespace ht::agent {
namespace {

using Symbol = FoundSymbols::Symbol;

constexpr std::string_view kOld =
    "0000000000000000 A __per_cpu_start\n"
    "000000000001a020 A cpu_number\n"
    "0000000000033000 A __per_cpu_end\n"
    "ffffffff82005000 D jiffies\n"
    "ffffffff82005000 D jiffies_64\n"
    "ffffffff82006000 d both\n"
    "garbage\n"
    "ffffffffc0001000 d both\t[mod]\n"
    "0000000000040010 d counters\t[mod]\n";

void expect(std::string_view text, const SymbolName& name, const Symbol& wanted) {
  const Symbol found = find_symbols(text, {name}).at(0);
  EXPECT_EQ(found.found, wanted.found) << name.name;
  EXPECT_EQ(found.address, wanted.address) << name.name;
  EXPECT_EQ(found.per_cpu, wanted.per_cpu) << name.name;
}

TEST(KernelSymbols, ByNameAndModule) {
  expect(kOld, {"", "jiffies"}, {true, 0xffffffff82005000, false});
  expect(kOld, {"vmlinux", "jiffies_64"}, {true, 0xffffffff82005000, false});
  expect(kOld, {"", "both"}, {true, 0xffffffff82006000, false});
  expect(kOld, {"mod", "both"}, {true, 0xffffffffc0001000, false});
  expect(kOld, {"mod", "jiffies"}, {});
  expect(kOld, {"", "jiff"}, {});
  const auto all = find_symbols(kOld, {{"", "both"}, {"", "missing"}, {"mod", "both"}, {"", "both"}});
  ASSERT_EQ(all.size(), 4u);
  EXPECT_FALSE(all[1].found);
  EXPECT_EQ(all[2].address, 0xffffffffc0001000);
  EXPECT_EQ(all[3].address, all[0].address);
}

TEST(KernelSymbols, PerCpu) {
  expect(kOld, {"", "cpu_number"}, {true, 0x1a020, true});
  expect(kOld, {"mod", "counters"}, {true, 0x40010, true});
  constexpr std::string_view kNew =
      "ffffffff84000000 D __per_cpu_start\n"
      "ffffffff84000020 D cpu_number\n"
      "ffffffff84033000 D __per_cpu_end\n"
      "ffffffff82005000 D jiffies\n";
  expect(kNew, {"", "cpu_number"}, {true, 0xffffffff84000020, true});
  expect(kNew, {"", "jiffies"}, {true, 0xffffffff82005000, false});
}

TEST(KernelSymbols, HiddenAddressesAreNone) {
  expect("0000000000000000 T _text\n0000000000000000 D jiffies\n", {"", "jiffies"}, {});
}

}  // namespace
}  // namespace ht::agent
