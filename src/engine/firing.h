// One firing of one probe, as it reaches the engine: from a guest's ring (src/call), or from the host's own timers.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "guest/memory.h"

namespace ht::engine {

// Target 0 is the host itself; guests count from 1. Decided by the host from the channel, never by a record.
using TargetId = uint16_t;
inline constexpr TargetId kHost = 0;

struct Firing {
  TargetId target = kHost;
  uint32_t probe = 0;  // the target's own number for the probe (agent's; HostProbe's for the host)
  uint32_t cpu = 0;    // vCPU
  uint32_t pid = 0;    // tgid
  uint32_t tid = 0;
  uint32_t ppid = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;
  uint64_t task = 0;                // address of struct task_struct: curthread; with target, the key of thread-locals
  uint16_t boot = 0;                // of the guest, as the overlord counts them
  uint64_t pgd = 0;                 // task->mm->pgd, for user memory
  int32_t error = 0;                // D's errno
  std::array<char, 16> comm{};      // execname, NUL-padded
  std::array<uint64_t, 10> args{};  // arg0 ... arg9
  // Return addresses, innermost first, as they were at the probe; empty unless the probe was to capture them. They
  // stay where they are while this is run.
  std::span<const uint64_t> kernel_stack, user_stack;
  guest::Memory* memory = nullptr;  // null: nothing can be read (host timers)
};

}  // namespace ht::engine
