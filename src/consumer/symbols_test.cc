#include "consumer/symbols.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <set>

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

AddressOwner mine() {
  return {0, 0, static_cast<uint32_t>(getpid())};
}

TEST(Symbols, NothingHasANameUntilTheHostIsAsked) {
  Symbols symbols;
  EXPECT_FALSE(symbols.user(mine(), landmark()).has_value());
  EXPECT_FALSE(symbols.kernel({}, 0xffffffff81000000).has_value());
}

TEST(Symbols, NamesAFunctionOfAProcess) {
  Symbols symbols;
  symbols.use_host();
  const std::optional<Symbol> symbol = symbols.user(mine(), landmark() + 1);
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
  EXPECT_FALSE(symbols.user(mine(), 16).has_value());
  EXPECT_FALSE(symbols.user({0, 0, 0x7fffffff}, landmark()).has_value()) << "no such process";
  EXPECT_FALSE(symbols.kernel({}, 0).has_value());
  EXPECT_FALSE(symbols.kernel({}, landmark()).has_value()) << "no kernel address";
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

// Two guests with one kernel at different places, the first of them after a reboot too.
class FakeGuests final : public SymbolSource {
 public:
  std::vector<std::optional<Symbol>> resolve(const AddressOwner& owner, bool kernel,
                                             std::span<const uint64_t> addresses) override {
    ++questions;
    std::vector<std::optional<Symbol>> names;
    if (gone.contains(owner.boot)) return names;
    const uint64_t base = kernel ? kBase + owner.boot * 0x100000 : 0x400000;
    for (uint64_t address : addresses) {
      names.emplace_back();
      if (address < base || address >= base + 0x200) continue;
      const bool second = address >= base + 0x100;
      names.back() = Symbol{kernel ? "vmlinux" : "app", second ? "second" : "first", base + (second ? 0x100 : 0)};
    }
    return names;
  }
  uint16_t boot(uint16_t target) const override { return target == 1 ? 3 : 2; }

  static constexpr uint64_t kBase = 0xffffffff81000000;
  std::set<uint16_t> gone;
  int questions = 0;
};

std::string words(std::initializer_list<uint64_t> list) {
  std::string bytes;
  for (uint64_t word : list) bytes.append(reinterpret_cast<const char*>(&word), sizeof word);
  return bytes;
}

TEST(Symbols, StacksOfGuestsThatReadTheSameAreOneKey) {
  dif::Action count = aggregate_of(dif::ActionKind::kCount, 1, {int_type(8)});
  count.arg_kinds = {dif::ActionKind::kStack};
  count.arg_params = {3};
  Options options;
  options.quiet = true;
  Scene scene(program_of({{count}}, {{"a", 1, dif::ActionKind::kCount, 0, {int_type(8)}}}), options);
  const auto guests = std::make_shared<FakeGuests>();
  scene.consumer().symbols().use_guests(guests);
  for (const AddressOwner owner : {AddressOwner{1, 1, 0}, {2, 2, 0}, {1, 3, 0}}) {
    const uint64_t base = FakeGuests::kBase + owner.boot * 0x100000;
    scene.aggregate(0, 0, {{words({owner.word(), base + 0x10, base + 0x120})}}, {1});
  }
  guests->gone = {4};
  scene.aggregate(0, 0, {{words({AddressOwner{1, 4, 0}.word(), 0x1000})}}, {7});
  const std::string text = scene.remaining();
  EXPECT_EQ(text,
            "\n              vmlinux`first+0x10\n              vmlinux`second+0x20\n                3\n"
            "\n              0x1000\n                7\n");
  EXPECT_EQ(guests->questions, 4) << "one for each stack";
}

TEST(Symbols, NamesOfAGuestsAddresses) {
  dif::Action action = printf_of("%a %a %A %a", std::vector<dif::Type>(4, int_type(8)));
  action.arg_kinds = {dif::ActionKind::kSym, dif::ActionKind::kDifexpr, dif::ActionKind::kUsym,
                      dif::ActionKind::kDifexpr};
  action.arg_params.assign(4, 0);
  Options options;
  options.quiet = true;
  Scene scene(program_of({{action}}), options);
  scene.consumer().symbols().use_guests(std::make_shared<FakeGuests>());
  const uint64_t base = FakeGuests::kBase + 0x300000;
  scene.fire(0,
             {{words({AddressOwner{1, 3, 0}.word(), base + 1}), static_cast<int64_t>(base + 0x101),
               words({AddressOwner{1, 3, 42}.word(), 0x400002}), static_cast<int64_t>(base - 1)}},
             0, 1);
  EXPECT_EQ(scene.printed(), fmt::format("vmlinux`first+0x1 vmlinux`second+0x1 app`first+0x2 {:#x}", base - 1));
}

}  // namespace
}  // namespace ht::consumer
