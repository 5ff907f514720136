// What the agent reads out of a kernel, from a kernel made of text and bytes.
#include "agent/kernel_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>

namespace ht::agent {
namespace {

constexpr const char* kSymbols =
    "ffffffff81000000 T _text\n"
    "ffffffff81000100 T __x64_sys_read\n"
    "ffffffff81000100 T __other_name_of_read\n"
    "ffffffff81000200 T __x64_sys_newstat\n"
    "ffffffff81000300 T __x64_sys_ni_syscall\n"
    "ffffffff82000000 D sys_call_table\n"
    "ffffffff82a10000 D init_top_pgt\n"
    "ffffffff82a1a010 D phys_base\n"
    "ffffffff82398480 D page_offset_base\n"
    "ffffffffc0000000 t of_a_module\t[virtio]\n"
    "0000000000000000 A fixed_percpu_data\n"
    "garbage\n";

class FakeMemory final : public KernelMemory {
 public:
  Result<Bytes> read(uint64_t address, size_t size) override {
    Bytes bytes(size);
    auto it = words.find(address);
    if (it == words.end()) return Error("unmapped");
    std::memcpy(bytes.data(), it->second.data(), std::min(size, it->second.size() * 8));
    return bytes;
  }
  std::map<uint64_t, std::vector<uint64_t>> words;
};

TEST(Symbols, ParsesTheKernelsOwn) {
  Symbols symbols = Symbols::parse(kSymbols);
  EXPECT_EQ(symbols.address("_text"), 0xffffffff81000000u);
  EXPECT_EQ(symbols.address("of_a_module"), std::nullopt);
  EXPECT_EQ(symbols.address("fixed_percpu_data"), std::nullopt);
  EXPECT_THAT(symbols.names(0xffffffff81000100),
              ::testing::UnorderedElementsAre("__x64_sys_read", "__other_name_of_read"));
}

TEST(Symbols, HiddenAddressesGiveNone) {
  EXPECT_TRUE(Symbols::parse("0000000000000000 T _text\n0000000000000000 D init_mm\n").empty());
}

TEST(KernelView, SyscallsByTheKernelsTable) {
  FakeMemory memory;
  memory.words[0xffffffff82000000] = {0xffffffff81000100, 0xffffffff81000300, 0xffffffff81000200, 0x1234};
  auto calls = syscalls_of_table(Symbols::parse(kSymbols), &memory);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].number, 0u);
  EXPECT_EQ(calls[0].name, "read");
  EXPECT_EQ(calls[1].number, 2u);
  EXPECT_EQ(calls[1].name, "newstat");
  EXPECT_TRUE(syscalls_of_table(Symbols::parse(kSymbols), nullptr).empty());
}

TEST(KernelView, FallbackIsLimitedToTracepoints) {
  auto calls = known_syscalls({"newstat", "getppid", "not_known"});
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].number, 4u);
  EXPECT_EQ(calls[0].name, "newstat");
  EXPECT_EQ(calls[1].number, 110u);
  EXPECT_GT(known_syscalls({}).size(), 300u);
}

TEST(KernelView, PageTablesOfFourAndFiveLevels) {
  FakeMemory memory;
  memory.words[0xffffffff82a1a010] = {0x3f000000};
  memory.words[0xffffffff82398480] = {0xffff8c5d40000000};
  Symbols symbols = Symbols::parse(kSymbols);
  PageTables tables = find_page_tables(symbols, &memory);
  EXPECT_EQ(tables.kernel_root, 0x2a10000u + 0x3f000000u);
  EXPECT_EQ(tables.levels, 4u);
  EXPECT_EQ(tables.page_offset, 0xffff8c5d40000000u);

  memory.words[0xffffffff82a1a010] = {0ull - 0x1000000};  // loaded below where it was linked for
  memory.words[0xffffffff82398480] = {0xff2d8a0000000000};
  tables = find_page_tables(symbols, &memory);
  EXPECT_EQ(tables.kernel_root, 0x1a10000u);
  EXPECT_EQ(tables.levels, 5u);
}

TEST(KernelView, NothingKnownMeansNoRoot) {
  EXPECT_EQ(find_page_tables(Symbols::parse(kSymbols), nullptr).kernel_root, 0u);
  FakeMemory memory;
  EXPECT_EQ(find_page_tables(Symbols::parse(""), &memory).kernel_root, 0u);
}

}  // namespace
}  // namespace ht::agent
