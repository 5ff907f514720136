// One program on one guest: Install -> Installed -> Arm -> Armed ... Disarm -> Disarmed (docs/security-model.md says
// what is checked of each answer). Wholly or not at all: whatever goes wrong on the way, disarm() leaves nothing
// behind.
//
// Arming takes two requests. The first makes the rings and attaches; the overlord starts polling with its answer. Until
// then calls of that guest time out and its circuit breaker opens; the second request closes it again, and only with
// its answer is the guest armed as far as anybody else is concerned.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "daemon/call_service.h"
#include "daemon/targets.h"
#include "daemon/vm_registry.h"

namespace ht::daemon {

struct GuestProbe {
  uint32_t number = 0;
  std::string provider, module, function, name;
};
struct GuestMatch {
  uint32_t clause = 0;
  std::vector<GuestProbe> probes;
};

class Deployment : public std::enable_shared_from_this<Deployment> {
 public:
  enum class State { kNew, kInstalling, kInstalled, kArming, kArmed, kDisarming, kEnded };
  using Done = std::function<void(Result<void>)>;

  // `program` names it on the wire: unique in this daemon.
  Deployment(const Limits& limits, VmRegistry& registry, CallService& calls, engine::TargetId target, uint64_t program,
             GuestUse use);

  void install(std::shared_ptr<const Bytes> object, std::string sha256, Done done);
  void arm(Done done);  // nothing to do if nothing matched
  void disarm(Done done);
  // The guest was lost, and with it everything: open requests fail by themselves.
  void lost();

  engine::TargetId target() const { return target_; }
  const GuestUse& use() const { return use_; }
  State state() const { return state_; }
  bool armed() const { return state_ == State::kArmed; }
  const std::vector<GuestMatch>& matches() const { return matches_; }
  uint64_t matched() const { return matched_; }

  uint32_t variant = 0;         // of the session that owns this
  call::CallCounters baseline;  // the guest's totals when the session started there
  std::string vmname, kernel;   // for messages when the guest is no more
  std::string types_hash;       // set by the owner when types are needed

 private:
  Vm* vm() const;
  void send_object();
  void on_installed(channel::FromMinion* message, const Error& failed);
  Result<void> take_matches(const channel::Installed& answer);
  void request_arm(bool again);
  void on_armed(channel::FromMinion* message, const Error& failed, bool again);
  void finish(Result<void> result);

  const Limits& limits_;
  VmRegistry& registry_;
  CallService& calls_;
  const engine::TargetId target_;
  const uint64_t program_;
  const GuestUse use_;
  State state_ = State::kNew;
  Done done_;
  std::shared_ptr<const Bytes> object_;
  std::string sha256_;
  unsigned tries_ = 0;
  std::vector<GuestMatch> matches_;
  uint64_t matched_ = 0;
  call::Nonce nonce_{};
};

}  // namespace ht::daemon
