// The whole call on this machine's own kernel: the real eBPF programs, attached, and the poller on the same rings. Only
// one child process makes calls (filter_tgid), so nobody else on the machine waits for us.
#include <fcntl.h>

#include "agent/agent.h"
#include "agent/kernel_view.h"
#include "agent/local_call_support.h"
#include "agent/provider.h"

namespace ht::agent {
namespace {

constexpr uint32_t kGetppid = __NR_getppid * 2;
TEST_F(LocalCall, EveryCallOfOneProcessArrivesOrIsCounted) {
  auto rings = Rings::create(kNonce, static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_CONF)), 50'000'000);
  SKIP_UNLESS(rings, "needs eBPF and root");
  Child child;
  auto provider = make_syscall_provider(known_syscalls({}), child.pid());

  call::fake::Engine engine;
  std::atomic<uint64_t> entries{0}, returns{0}, wrong{0};
  std::atomic<int> failed_error{0};
  engine.hook = [&](const auto& firing) {
    entries += firing.probe == kGetppid;
    if (firing.probe == kGetppid + 1) {
      returns++;
      wrong += firing.args[0] != static_cast<uint64_t>(getpid()) || firing.args[1] != firing.args[0] || firing.error;
    }
    if (firing.probe == __NR_dup * 2 + 1) failed_error = firing.error;
    wrong += firing.pid != child.pid() || firing.tid != child.pid() || firing.task == 0 || firing.pgd == 0 ||
             firing.ppid != static_cast<uint32_t>(getpid()) || firing.comm[0] == '\0';
  };
  auto poller = serve(*rings, engine);
  auto armed = provider->arm({kGetppid, kGetppid + 1, __NR_dup * 2 + 1}, rings->map_fd());
  SKIP_UNLESS(armed, "this kernel does not take the programs");

  EXPECT_EQ(child.run(), 0);
  uint64_t misses = provider->misses();
  provider->unload();
  poller->remove(1);
  call::CallCounters counters = poller->counters(1);
  EXPECT_EQ(engine.fired + counters.drops() + misses, 2u * kCalls + 1);
  EXPECT_EQ(wrong, 0u);
  if (counters.drops() + misses == 0) {
    EXPECT_EQ(entries, static_cast<uint64_t>(kCalls));
    EXPECT_EQ(returns, static_cast<uint64_t>(kCalls));
    EXPECT_EQ(failed_error, EBADF);
  }
  RecordProperty("drops", static_cast<int>(counters.drops()));
}

TEST_F(LocalCall, DeadHostCostsLittle) {
  auto rings = Rings::create(kNonce, static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_CONF)));
  SKIP_UNLESS(rings, "needs eBPF and root");
  Child child;
  auto provider = make_syscall_provider(known_syscalls({}), child.pid());
  auto memory = Mapping::map(rings->map_fd(), HT_PAGE_SIZE, Mapping::Access::kReadWrite);
  ASSERT_TRUE(memory);
  auto* header = reinterpret_cast<ht_ring_header*>(memory->data());
  header->host.heartbeat = ht_word(header->identity.generation, 1, HT_HOST_PRESENT);  // it was here, and died
  auto armed = provider->arm({kGetppid}, rings->map_fd());
  SKIP_UNLESS(armed, "this kernel does not take the programs");
  EXPECT_EQ(child.run(), 0);
  call::CallCounters counters = rings->counters();
  EXPECT_EQ(counters.timed_out, HT_BREAKER_TRIP);
  EXPECT_EQ(counters.breaker, static_cast<uint64_t>(kCalls) - HT_BREAKER_TRIP);
}

TEST_F(LocalCall, WipedRingsCutThePollerOff) {
  auto rings = Rings::create(kNonce, 1);
  SKIP_UNLESS(rings, "needs eBPF and root");
  call::fake::Engine engine;
  auto poller = call::Poller::create(engine, 1);
  auto ram = ram_of(*rings);
  ASSERT_TRUE(poller->add(1, rings->set(), ram, {}, 1024));
  { Rings gone = std::move(rings).value(); }
  while (poller->failure(1).empty()) sched_yield();
  poller->remove(1);
}

TEST(LocalAgent, KnowsThisMachine) {
  auto agent = Agent::create();
  SKIP_UNLESS(agent, "no kernel to look at");
  const GuestInfo& info = (*agent)->info();
  EXPECT_FALSE(info.kernel.empty());
  EXPECT_GE(info.cpus, 1u);
  EXPECT_EQ(info.boot_id.size(), 36u);
  dif::ProbeDesc description;
  description.provider = "syscall";
  description.function = "getppid";
  auto probes = (*agent)->list(description, 0, SIZE_MAX);
  ASSERT_EQ(probes.size(), 2u);
  EXPECT_EQ(probes[0].number, kGetppid);
  EXPECT_EQ(probes[0].name, "entry");
  EXPECT_EQ(probes[1].number, kGetppid + 1);
  EXPECT_EQ(probes[1].name, "return");
}

}  // namespace
}  // namespace ht::agent
