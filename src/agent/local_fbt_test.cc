// The fbt provider on this machine's own kernel.
#include <fcntl.h>

#include "agent/local_call_support.h"
#include "agent/provider.h"

namespace ht::agent {
namespace {

class LocalFbt : public LocalCall {
 protected:
  static uint32_t number_of(Provider& provider, const std::string& function, const std::string& name) {
    dif::ProbeDesc description;
    description.module = "vmlinux";
    description.function = function;
    description.name = name;
    const auto found = provider.find(description, 0, SIZE_MAX);
    return found.size() == 1 && provider.has(found[0].number) ? found[0].number : 0;
  }
  // The function behind getppid, by either of its names.
  static uint32_t getppid_of(Provider& provider, const std::string& name) {
    const uint32_t number = number_of(provider, "__x64_sys_getppid", name);
    return number != 0 ? number : number_of(provider, "__do_sys_getppid", name);
  }
};

TEST_F(LocalFbt, EveryCallOfOneProcessArrivesOrIsCounted) {
  auto rings = Rings::create(kNonce, static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_CONF)), 50'000'000);
  SKIP_UNLESS(rings, "needs eBPF and root");
  Child child;
  auto fbt = make_fbt_provider(std::make_shared<KernelTypes>(), child.pid());
  const uint32_t entry = getppid_of(*fbt, "entry");
  const uint32_t exit = getppid_of(*fbt, "return");
  const uint32_t dup = number_of(*fbt, "__x64_sys_dup", "return");
  if (entry == 0 || exit == 0 || dup == 0) GTEST_SKIP() << "this kernel does not say what can be traced";
  EXPECT_EQ(entry + 1, exit);

  call::fake::Engine engine;
  std::atomic<uint64_t> entries{0}, exits{0}, failed{0}, wrong{0};
  engine.hook = [&](const auto& firing) {
    entries += firing.probe == entry && firing.args[0] != 0;  // struct pt_regs *, which the call does not use
    exits += firing.probe == exit && firing.args[1] == static_cast<uint64_t>(getpid());
    failed += firing.probe == dup && static_cast<int64_t>(firing.args[1]) == -EBADF;
    wrong += firing.pid != child.pid() || (firing.probe != entry && firing.args[0] != 0);
  };
  auto poller = serve(*rings, engine);
  auto armed = fbt->arm({entry, exit, dup}, rings->map_fd());
  SKIP_UNLESS(armed, "this kernel does not take the programs");
  EXPECT_EQ(child.run(), 0);
  const uint64_t misses = fbt->misses();
  fbt->disarm({entry, exit, dup});
  fbt->unload();
  poller->remove(1);
  const uint64_t drops = poller->counters(1).drops() + misses;
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(engine.fired + drops, 2u * kCalls + 1);
  if (drops == 0) {
    EXPECT_EQ(entries, static_cast<uint64_t>(kCalls));
    EXPECT_EQ(exits, static_cast<uint64_t>(kCalls));
    EXPECT_EQ(failed, 1u);
  }
}

TEST_F(LocalFbt, WhatCannotBeArmedIsNamedAndNothingIsArmed) {
  auto rings = Rings::create(kNonce, 1);
  SKIP_UNLESS(rings, "needs eBPF and root");
  // One that can be, and one in the entry code, which no kernel lets anybody probe: that one is listed only where
  // tracefs does not say what can be traced.
  auto fbt = make_fbt_provider(std::make_shared<KernelTypes>(), 1);
  const uint32_t good = getppid_of(*fbt, "entry"), bad = number_of(*fbt, "do_syscall_64", "entry");
  if (good == 0 || bad == 0) GTEST_SKIP() << "this kernel lists only what can be armed";
  auto armed = fbt->arm({good, bad}, rings->map_fd());
  ASSERT_FALSE(armed.ok());
  if (auto alone = fbt->arm({good}, rings->map_fd()); !alone.ok()) GTEST_SKIP() << alone.error().text();
  fbt->disarm({good});
  EXPECT_TRUE(armed.error().message.starts_with("fbt:vmlinux:do_syscall_64:entry cannot be armed: "))
      << armed.error().text();
  fbt->unload();
}

TEST_F(LocalFbt, PagesAreInNumberOrder) {
  auto fbt = make_fbt_provider(std::make_shared<KernelTypes>());
  const auto all = fbt->find({}, 0, SIZE_MAX);
  if (all.empty()) GTEST_SKIP() << "this kernel does not say what can be traced";
  size_t at = 0;
  for (uint32_t first = 0;; first = all[at - 1].number + 1) {
    const auto page = fbt->find({}, first, 777);
    for (const Probe& probe : page) ASSERT_EQ(probe.number, all[at++].number);
    if (page.size() < 777) break;
  }
  EXPECT_EQ(at, all.size());
  dif::ProbeDesc returns;
  returns.name = "return";
  EXPECT_EQ(fbt->find(returns, 0, SIZE_MAX).size() * 2, all.size());
}

}  // namespace
}  // namespace ht::agent
