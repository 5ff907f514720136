// local-call [CALLS]: what a call costs natively, on one machine: the guest's eBPF programs on this kernel, the poller
// on another CPU, an engine that does nothing. This is what a guest under hardware virtualisation sees, less the
// engine. Needs root and two CPUs.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "agent/kernel_view.h"
#include "agent/provider.h"
#include "agent/rings.h"
#include "call/fake_guest.h"
#include "call/poller.h"
#include "count.skel.h"

namespace {

using namespace ht;

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

// A child on CPU 1 that answers each byte with the nanoseconds per getppid over `calls` calls.
class Caller {
 public:
  explicit Caller(long calls) {
    if (pipe2(ask_.data(), O_CLOEXEC) != 0 || pipe2(answer_.data(), O_CLOEXEC) != 0) std::abort();
    pid_ = fork();
    if (pid_ != 0) return;
    close(ask_[1]);
    pin(1);
    char byte;
    while (read(ask_[0], &byte, 1) == 1) {
      uint64_t start = call::fake::clock_ns();
      for (long i = 0; i < calls; i++) syscall(SYS_getppid);
      double each = static_cast<double>(call::fake::clock_ns() - start) / static_cast<double>(calls);
      if (write(answer_[1], &each, sizeof(each)) != sizeof(each)) break;
    }
    _exit(0);
  }
  ~Caller() {
    for (int fd : {ask_[0], ask_[1], answer_[0], answer_[1]}) close(fd);
    waitpid(pid_, nullptr, 0);
  }
  uint32_t pid() const { return static_cast<uint32_t>(pid_); }
  // The best of five: the others were disturbed.
  double measure() {
    double best = 1e12;
    for (int i = 0; i < 5; i++) {
      double each = 0;
      if (write(ask_[1], "g", 1) != 1 || read(answer_[0], &each, sizeof(each)) != sizeof(each)) std::abort();
      best = std::min(best, each);
    }
    return best;
  }

 private:
  std::array<int, 2> ask_, answer_;
  pid_t pid_;
};

void print(const char* what, double ns, double base) {
  fmt::print("{:<36}{:>9.1f} ns{:>8.2f}x\n", what, ns, ns / base);
}

double measure_counting(Caller& caller) {
  count_bpf* counting = count_bpf__open();
  if (counting == nullptr) return 0;
  counting->rodata->counted = SYS_getppid;
  double result = 0;
  if (count_bpf__load(counting) == 0 && count_bpf__attach(counting) == 0) result = caller.measure();
  count_bpf__destroy(counting);
  return result;
}

std::shared_ptr<call::fake::Ram> ram_of(const agent::Rings& rings) {
  std::map<uint64_t, uint64_t> offsets;
  uint64_t offset = 0;
  for (const auto& ring : rings.set().rings)
    for (uint64_t page : ring.pages) {
      offsets[page] = offset;
      offset += HT_PAGE_SIZE;
    }
  return std::make_shared<call::fake::Ram>(UniqueFd(dup(rings.map_fd())), std::move(offsets));
}

Result<double> measure_calls(Caller& caller, call::CallCounters& counters) {
  call::Nonce nonce{1, 2, 3};
  ASSIGN_OR_RETURN(agent::Rings rings,
                   agent::Rings::create(nonce, static_cast<uint32_t>(sysconf(_SC_NPROCESSORS_CONF))));
  auto provider = agent::make_syscall_provider(agent::known_syscalls({}), caller.pid());
  call::fake::Engine engine;
  auto poller = call::Poller::create(engine, 1);
  RETURN_IF_ERROR(poller->add(1, rings.set(), ram_of(rings), {}, 1024));
  RETURN_IF_ERROR(provider->arm({SYS_getppid * 2}, rings.map_fd()));
  double result = caller.measure();
  provider->unload();
  poller->remove(1);
  counters = poller->counters(1);
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  long calls = argc > 1 ? std::atol(argv[1]) : 1'000'000;
  if (calls < 1 || argc > 2) {
    fmt::print(stderr, "usage: local-call [CALLS]\n");
    return 2;
  }
  pin(0);
  Caller caller(calls);
  double untraced = caller.measure();
  print("getppid, untraced", untraced, untraced);
  if (double counting = measure_counting(caller); counting > 0)
    print("with an eBPF program that counts", counting, untraced);
  call::CallCounters counters;
  auto called = measure_calls(caller, counters);
  if (!called) {
    fmt::print(stderr, "local-call: {}\n", called.error().text());
    return 1;
  }
  print("with a synchronous call to the host", *called, untraced);
  fmt::print("{} calls served, {} lost\n", counters.served, counters.drops());
  return 0;
}
