// The whole call on this machine's own kernel: the real eBPF programs, attached, and the poller on the same rings. Only
// one child process makes calls (filter_tgid), so nobody else on the machine waits for us.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/kernel_view.h"
#include "agent/provider.h"
#include "agent/rings.h"
#include "call/fake_guest.h"
#include "call/poller.h"

namespace ht::agent {
namespace {

constexpr uint32_t kGetppid = __NR_getppid * 2;
constexpr int kCalls = 20'000;

// Waits for a byte, makes kCalls getppid calls, and one that fails.
class Child {
 public:
  Child() {
    if (pipe2(go_, O_CLOEXEC) != 0) std::abort();
    pid_ = fork();
    if (pid_ != 0) return;
    pin(1);
    char byte;
    if (read(go_[0], &byte, 1) != 1) _exit(1);
    for (int i = 0; i < kCalls; i++) syscall(__NR_getppid);
    syscall(__NR_dup, -1);
    _exit(0);
  }
  ~Child() {
    close(go_[0]);
    close(go_[1]);
    if (!waited_) waitpid(pid_, nullptr, 0);
  }
  // The polling thread and the child on CPUs of their own, where there are two.
  static void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof(set), &set);
  }
  uint32_t pid() const { return static_cast<uint32_t>(pid_); }
  int run() {
    int status = -1;
    if (write(go_[1], "g", 1) != 1) return -1;
    waitpid(pid_, &status, 0);
    waited_ = true;
    return status;
  }

 private:
  int go_[2];
  pid_t pid_;
  bool waited_ = false;
};

#define SKIP_UNLESS(result, what) \
  if (!(result)) GTEST_SKIP() << what << ": " << (result).error().text()

class LocalCall : public ::testing::Test {
 protected:
  static constexpr call::Nonce kNonce{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

  // The rings' "physical" pages, found in the map itself.
  static std::shared_ptr<call::fake::Ram> ram_of(const Rings& rings) {
    std::map<uint64_t, uint64_t> offsets;
    uint64_t offset = 0;
    for (const auto& ring : rings.set().rings)
      for (uint64_t page : ring.pages) {
        offsets[page] = offset;
        offset += HT_PAGE_SIZE;
      }
    return std::make_shared<call::fake::Ram>(UniqueFd(dup(rings.map_fd())), offsets);
  }
};

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
  cpu_set_t before;
  sched_getaffinity(0, sizeof(before), &before);
  Child::pin(0);
  auto poller = call::Poller::create(engine, 1);
  auto added = poller->add(1, rings->set(), ram_of(*rings), {}, 1024);
  sched_setaffinity(0, sizeof(before), &before);
  ASSERT_TRUE(added) << added.error().text();
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
  auto probes = (*agent)->list(description);
  ASSERT_EQ(probes.size(), 2u);
  EXPECT_EQ(probes[0].number, kGetppid);
  EXPECT_EQ(probes[0].name, "entry");
  EXPECT_EQ(probes[1].number, kGetppid + 1);
  EXPECT_EQ(probes[1].name, "return");
}

}  // namespace
}  // namespace ht::agent
