#include "consumer/symbols.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "consumer/fake_session.h"
#include "consumer/text.h"

namespace ht::consumer {
namespace {

// Something whose address is in this program.
extern "C" __attribute__((noinline, used)) int symbols_test_landmark(int x) {
  return x * 3 + 1;
}

uint64_t landmark() {
  return reinterpret_cast<uint64_t>(&symbols_test_landmark);
}

TEST(SymbolTable, FindsWhatCovers) {
  SymbolTable table;
  table.add(0x100, 0x10, "a");
  table.add(0x200, 0, "b");
  table.add(0x300, 0, "c");
  table.sort();
  EXPECT_EQ(table.find(0xff), nullptr);
  EXPECT_EQ(table.find(0x100)->name, "a");
  EXPECT_EQ(table.find(0x10f)->name, "a");
  EXPECT_EQ(table.find(0x110), nullptr) << "beyond its size";
  EXPECT_EQ(table.find(0x2ff)->name, "b") << "of unknown size: up to the next";
  EXPECT_EQ(table.find(0x300)->name, "c");
  EXPECT_EQ(table.find(0x301), nullptr) << "nobody knows how far the last one goes";
}

TEST(SymbolTable, KeepsTheNameThatReadsBest) {
  SymbolTable table;
  for (const char* name : {"__write", "_write", "writev", "write"}) table.add(0x100, 0x10, name);
  table.sort();
  EXPECT_EQ(table.find(0x104)->name, "write");
}

TEST(Symbols, NothingHasANameUntilTheHostIsAsked) {
  Symbols symbols;
  EXPECT_FALSE(symbols.user(static_cast<uint32_t>(getpid()), landmark()).has_value());
  EXPECT_FALSE(symbols.kernel(0xffffffff81000000).has_value());
}

TEST(Symbols, NamesAFunctionOfAProcess) {
  Symbols symbols;
  symbols.use_host();
  const auto pid = static_cast<uint32_t>(getpid());
  const std::optional<Symbol> symbol = symbols.user(pid, landmark() + 1);
  ASSERT_TRUE(symbol.has_value());
  EXPECT_EQ(symbol->name, "symbols_test_landmark");
  EXPECT_EQ(symbol->start, landmark());
  EXPECT_EQ(address_text(symbol, landmark() + 1, Offset::kShown), symbol->module + "`symbols_test_landmark+0x1");
  EXPECT_EQ(address_text(symbol, landmark() + 1, Offset::kHidden), symbol->module + "`symbols_test_landmark");
  EXPECT_EQ(address_text(symbol, landmark(), Offset::kShown), symbol->module + "`symbols_test_landmark");
}

TEST(Symbols, WhatIsMappedFromNowhereHasNoName) {
  Symbols symbols;
  symbols.use_host();
  EXPECT_FALSE(symbols.user(static_cast<uint32_t>(getpid()), 16).has_value());
  EXPECT_FALSE(symbols.user(0x7fffffff, landmark()).has_value()) << "no such process";
  EXPECT_FALSE(symbols.kernel(0).has_value());
  EXPECT_FALSE(symbols.kernel(landmark()).has_value()) << "no kernel address";
}

// Two addresses of one function, and what a field of `kind` makes of them.
std::pair<uint64_t, uint64_t> reduced(dif::ActionKind kind) {
  Symbols symbols;
  symbols.use_host();
  const dif::Field field{.offset = 8, .size = 16, .kind = kind};
  uint64_t addresses[2];
  for (uint64_t offset : {1, 2}) {
    uint64_t keys[3] = {7, static_cast<uint64_t>(getpid()), landmark() + offset};
    symbols.reduce(field, {reinterpret_cast<uint8_t*>(keys), sizeof keys});
    EXPECT_EQ(keys[0], 7u);
    EXPECT_EQ(keys[1], static_cast<uint64_t>(getpid()));
    addresses[offset - 1] = keys[2];
  }
  return {addresses[0], addresses[1]};
}

TEST(Symbols, KeysAreReducedToTheirSymbol) {
  EXPECT_EQ(reduced(dif::ActionKind::kUsym), std::pair(landmark(), landmark()));
  const auto [one, other] = reduced(dif::ActionKind::kUmod);
  EXPECT_EQ(one, other);
  EXPECT_EQ(reduced(dif::ActionKind::kUaddr), std::pair(landmark() + 1, landmark() + 2)) << "uaddr() is exact";
}

TEST(Symbols, AKeyOutsideTheKeysIsLeftAlone) {
  Symbols symbols;
  symbols.use_host();
  uint8_t keys[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  symbols.reduce({.offset = 0, .size = 16, .kind = dif::ActionKind::kUsym}, keys);
  EXPECT_EQ(keys[0], 1);
  EXPECT_EQ(keys[7], 8);
}

TEST(AddressText, OnlyTheModuleIsKnown) {
  EXPECT_EQ(address_text(Symbol{"libc.so.6", "", 0}, 0x1234, Offset::kShown), "libc.so.6`0x1234");
  EXPECT_EQ(address_text(std::nullopt, 0x1234, Offset::kShown), "0x1234");
}

// What a clause `{ ustack(2); trace(usym(...)); }` of this process prints.
std::string stack_and_symbol(const Options& options) {
  dif::Action stack = trace_of(int_type(8)), symbol = trace_of(int_type(8));
  stack.arg_kinds = {dif::ActionKind::kUstack};
  stack.arg_params = {2};
  symbol.arg_kinds = {dif::ActionKind::kUsym};
  Scene scene(program_of({{stack, symbol}}), options);
  scene.consumer().symbols().use_host();
  const auto pid = static_cast<uint64_t>(getpid());
  const uint64_t frames[] = {pid, landmark() + 2, 16}, words[] = {pid, landmark() + 3};
  scene.fire(0, {{std::string(reinterpret_cast<const char*>(frames), sizeof frames),
                  std::string(reinterpret_cast<const char*>(words), sizeof words)}});
  return scene.printed();
}

TEST(Symbols, JsonHasAddressesAndNames) {
  Options options;
  options.json = true;
  const std::string text = stack_and_symbol(options);
  const std::string name = fmt::format("{}`symbols_test_landmark", program_invocation_short_name);
  EXPECT_NE(
      text.find(fmt::format(R"([{{"address":"{:#x}","name":"{}+0x2"}},{{"address":"0x10"}}])", landmark() + 2, name)),
      std::string::npos)
      << text;
  EXPECT_NE(text.find(fmt::format(R"({{"address":"{:#x}","name":"{}"}})", landmark() + 3, name)), std::string::npos)
      << text;
}

TEST(Symbols, FramesAsOffsetsInTheirMappings) {
  Options options;
  options.quiet = options.noresolve = true;
  options.stackindent = 0;
  const std::string text = stack_and_symbol(options);
  const std::string object = program_invocation_short_name;
  unsigned long offset = 0;
  ASSERT_EQ(sscanf(text.c_str(), fmt::format("\n{}:%lx\n0x10\n", object).c_str(), &offset), 1) << text;
  EXPECT_EQ((landmark() + 2 - offset) % 4096, 0u) << "a mapping begins with a page";
  EXPECT_NE(text.find(fmt::format("{}`symbols_test_landmark", object)), std::string::npos) << "what usym() shows stays";
}

TEST(Symbols, NamesOfKeysInHistograms) {
  Options options;
  options.agghist = true;
  dif::Action count = aggregate_of(dif::ActionKind::kCount, 1, {int_type(8)});
  count.arg_kinds = {dif::ActionKind::kUmod};
  Scene scene(program_of({{count}}, {{"a", 1, dif::ActionKind::kCount, 0, {int_type(8)}}}), options);
  scene.consumer().symbols().use_host();
  const uint64_t words[] = {static_cast<uint64_t>(getpid()), landmark()};
  scene.aggregate(0, 0, {{std::string(reinterpret_cast<const char*>(words), sizeof words)}}, {3});
  EXPECT_NE(scene.remaining().find(fmt::format("{} |@", program_invocation_short_name)), std::string::npos);
}

}  // namespace
}  // namespace ht::consumer
