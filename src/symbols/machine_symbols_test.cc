#include "symbols/machine_symbols.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace ht::symbols {
namespace {

extern "C" __attribute__((noinline, used)) int machine_symbols_landmark(int x) {
  return x * 5 + 1;
}
uint64_t landmark() {
  return reinterpret_cast<uint64_t>(&machine_symbols_landmark);
}

constexpr const char* kText =
    "0000000000001000 A per_cpu_thing\n"
    "ffffffff81000000 T _text\n"
    "ffffffff81000000 T startup\n"
    "garbage\n"
    "ffffffff81000100 t helper\n"
    "ffffffffc0000000 t helper\t[ext4]\n"
    "ffffffffc0000080 t end\t[ext4]\n";

TEST(KernelMap, TheKernelsAndItsModules) {
  const KernelMap map(kText);
  EXPECT_EQ(map.find(0xffffffff81000010), (Symbol{"vmlinux", "startup", 0xffffffff81000000}));
  EXPECT_EQ(map.find(0xffffffff81000100), (Symbol{"vmlinux", "helper", 0xffffffff81000100}));
  EXPECT_EQ(map.find(0xffffffffc000007f), (Symbol{"ext4", "helper", 0xffffffffc0000000}));
  EXPECT_FALSE(map.find(0xffffffff80ffffff));
  EXPECT_FALSE(map.find(0xffffffffc0000081)) << "nobody knows where the last one ends";
  EXPECT_FALSE(map.find(0x1000)) << "no kernel address";
  EXPECT_FALSE(KernelMap("").find(0xffffffff81000000));
}

TEST(ProcessMap, Mappings) {
  const ProcessMap map(
      "400000-401000 r-xp 00001000 fe:00 42                         /usr/bin/a b\n"
      "no mapping\n"
      "7fff0000-7fff1000 rw-p 00000000 00:00 0                      [stack]\n"
      "7fff2000-7fff3000 rw-p 00000000 00:00 0");
  ASSERT_NE(map.find(0x400fff), nullptr);
  EXPECT_EQ(map.find(0x400fff)->path, "/usr/bin/a b");
  EXPECT_EQ(map.find(0x400000)->offset, 0x1000u);
  EXPECT_EQ(map.find(0x400000)->file, "fe:00 42");
  EXPECT_EQ(map.find(0x401000), nullptr);
  EXPECT_EQ(map.find(0x7fff0000)->path, "");
  EXPECT_EQ(map.find(0x7fff2fff)->path, "");
}

TEST(ProcessMap, ProcessesAreToldApart) {
  EXPECT_NE(ProcessMap::start_of(static_cast<uint32_t>(getpid())), 0u);
  EXPECT_EQ(ProcessMap::start_of(0x7fffffff), 0u);
}

TEST(MachineSymbols, AFunctionOfAProcessThatHasGone) {
  MachineSymbols symbols;
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  ASSERT_GT(child, 0);
  const auto pid = static_cast<uint32_t>(child);
  const auto before = symbols.user(pid, landmark() + 1);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(before);
  EXPECT_EQ(*before, (Symbol{program_invocation_short_name, "machine_symbols_landmark", landmark()}));
  EXPECT_EQ(symbols.user(pid, landmark() + 2), before) << "what was known stays";
  EXPECT_FALSE(MachineSymbols().user(pid, landmark()));
}

TEST(MachineSymbols, WhatIsMappedFromNowhereHasNoName) {
  MachineSymbols symbols;
  const auto pid = static_cast<uint32_t>(getpid());
  EXPECT_FALSE(symbols.user(pid, 16));
  void* page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  EXPECT_FALSE(symbols.user(pid, reinterpret_cast<uint64_t>(page)));
  munmap(page, 4096);
  EXPECT_FALSE(symbols.kernel(landmark()));
}

}  // namespace
}  // namespace ht::symbols
