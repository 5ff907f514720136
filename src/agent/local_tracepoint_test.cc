// The rawtp and sdt providers on this machine's own kernel.
#include "agent/local_call_support.h"
#include "agent/provider.h"

namespace ht::agent {
namespace {

uint32_t number_of(Provider& provider, const std::string& module, const std::string& name) {
  dif::ProbeDesc description;
  description.module = module;
  description.name = name;
  const auto found = provider.find(description, 0, SIZE_MAX);
  return found.size() == 1 && provider.has(found[0].number) ? found[0].number : 0;
}

class LocalTracepoint : public LocalCall {
 protected:
  std::shared_ptr<TracepointTable> table_ = std::make_shared<TracepointTable>(std::make_shared<KernelTypes>());
};

TEST_F(LocalTracepoint, EveryHitOfOneProcessArrivesOrIsCounted) {
  auto rings = Rings::create(kNonce, static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_CONF)), 50'000'000);
  SKIP_UNLESS(rings, "needs eBPF and root");
  Child child;
  auto rawtp = make_rawtp_provider(table_, child.pid());
  auto sdt = make_sdt_provider(table_, child.pid());
  const uint32_t entry = number_of(*rawtp, "raw_syscalls", "sys_enter");
  const uint32_t exit = number_of(*sdt, "raw_syscalls", "sys_exit");
  if (entry == 0 || exit == 0) GTEST_SKIP() << "this kernel's tracepoints are not known";

  call::fake::Engine engine;
  std::atomic<uint64_t> entries{0}, exits{0}, failed{0}, wrong{0};
  engine.hook = [&](const auto& firing) {
    // sys_enter(regs, id), sys_exit(regs, ret)
    if (firing.probe == entry) entries += firing.args[1] == __NR_getppid;
    if (firing.probe == exit) {
      exits += firing.args[1] == static_cast<uint64_t>(getpid());
      failed += static_cast<int64_t>(firing.args[1]) == -EBADF;
    }
    wrong += firing.pid != child.pid() || firing.args[0] == 0 || firing.args[2] != 0 ||
             (firing.probe != entry && firing.probe != exit);
  };
  auto poller = serve(*rings, engine);
  auto armed = rawtp->arm({entry}, rings->map_fd());
  SKIP_UNLESS(armed, "this kernel does not take the program");
  ASSERT_TRUE(sdt->arm({exit}, rings->map_fd()));
  EXPECT_EQ(child.run(), 0);
  const uint64_t misses = rawtp->misses() + sdt->misses();
  rawtp->disarm({entry});
  sdt->disarm({exit});
  rawtp->unload();
  sdt->unload();
  poller->remove(1);
  const uint64_t drops = poller->counters(1).drops() + misses;
  EXPECT_EQ(wrong, 0u);
  EXPECT_LE(entries, static_cast<uint64_t>(kCalls));
  EXPECT_GE(entries + drops, static_cast<uint64_t>(kCalls));
  EXPECT_GE(exits + drops, static_cast<uint64_t>(kCalls));
  EXPECT_GE(failed + drops, 1u);
}

TEST_F(LocalTracepoint, BothProvidersShowTheSame) {
  auto rawtp = make_rawtp_provider(table_), sdt = make_sdt_provider(table_);
  const auto one = rawtp->find({}, 0, SIZE_MAX), other = sdt->find({}, 0, SIZE_MAX);
  if (one.empty()) GTEST_SKIP() << "this kernel's tracepoints are not known";
  ASSERT_EQ(one.size(), other.size());
  for (size_t i = 0; i < one.size(); ++i) {
    ASSERT_EQ(one[i].number + 1, other[i].number);
    ASSERT_EQ(one[i].name, other[i].name);
    ASSERT_LT(other[i].number, kTracepointEnd);
    ASSERT_FALSE(rawtp->has(other[i].number));
  }
  // Pages of three.
  std::vector<uint32_t> numbers;
  for (uint32_t first = 0; numbers.size() < 9;) {
    for (const Probe& probe : sdt->find({}, first, 3)) numbers.push_back(probe.number);
    first = numbers.back() + 1;
  }
  for (size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(numbers[i], other[i].number);
}

}  // namespace
}  // namespace ht::agent
