// The call path of all guests: which programs are armed on each, the poller that serves its rings, and what was lost.
// A guest's rings are made by its first arming and shared by all programs until the last is disarmed; the guest keeps
// the order of our requests, so its answers tell us which arming made rings and which found them.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "call/poller.h"
#include "channel/agent.pb.h"
#include "daemon/limits.h"
#include "daemon/vm.h"

namespace ht::daemon {

class CallService {
 public:
  CallService(const Limits& limits, std::vector<std::unique_ptr<call::Poller>> pollers);
  ~CallService();
  uint32_t slots() const { return static_cast<uint32_t>(pollers_.size()) + 1; }  // the engine's

  // The guest has armed `program`, asked with the nonce `sent`. Starts polling if its rings are new. The error is about
  // the guest's answer: it is to be cut off.
  Result<void> armed(Vm& vm, uint64_t program, const channel::Armed& answer, const call::Nonce& sent);
  void disarming(engine::TargetId target);  // its rings may end from now on
  void disarmed(engine::TargetId target, uint64_t program, const channel::Counters* counters);
  // Everything the guest had armed is void.
  void lost(engine::TargetId target);

  size_t programs(engine::TargetId target) const;
  // Since the daemon started, over all armings.
  call::CallCounters totals(engine::TargetId target) const;
  // Why a guest that should be served no longer is; empty if it is.
  std::string failure(engine::TargetId target) const;

 private:
  struct Rings {
    call::Nonce nonce{};
    std::set<uint64_t> programs;
    uint32_t disarming = 0;
    channel::Counters reported;  // the agent's own count, since the rings were made
  };
  call::Poller& poller(engine::TargetId target) const { return *pollers_[target % pollers_.size()]; }
  call::CallCounters current(engine::TargetId target, const Rings& rings) const;
  void end(engine::TargetId target);

  const Limits& limits_;
  std::vector<std::unique_ptr<call::Poller>> pollers_;
  std::map<engine::TargetId, Rings> rings_;
  std::map<engine::TargetId, call::CallCounters> past_;  // of rings that have ended
};

call::CallCounters operator-(const call::CallCounters& a, const call::CallCounters& b);
// "12 ring full, 3 timed out"; empty if nothing was lost.
std::string describe(const call::CallCounters& counters);

}  // namespace ht::daemon
