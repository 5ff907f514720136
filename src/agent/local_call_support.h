// What the tests that trace this machine's own kernel share: rings, and a child process that makes a known number of
// calls once it is told to. Only the child makes calls to the "host" (filter_tgid), so nobody else on the machine waits
// for us.
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <memory>

#include "agent/rings.h"
#include "call/fake_guest.h"
#include "call/poller.h"

namespace ht::agent {

inline constexpr int kCalls = 20'000;

// Waits for a byte, makes kCalls getppid calls, and one that fails.
class Child {
 public:
  Child() {
    if (pipe2(go_, O_CLOEXEC) != 0) std::abort();
    pid_ = fork();
    if (pid_ != 0) return;
    close(go_[1]);  // so that the parent's end is seen
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
  // The poller on a CPU of its own, where there are two, serving `rings` as guest 1.
  static std::unique_ptr<call::Poller> serve(const Rings& rings, engine::Engine& engine) {
    cpu_set_t before;
    sched_getaffinity(0, sizeof(before), &before);
    Child::pin(0);
    auto poller = call::Poller::create(engine, 1);
    auto added = poller->add(1, rings.set(), ram_of(rings), {}, 1u << 20);
    sched_setaffinity(0, sizeof(before), &before);
    EXPECT_TRUE(added) << added.error().text();
    return poller;
  }
};

}  // namespace ht::agent
