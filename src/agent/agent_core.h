// What an agent does with its providers, whatever they are: matching, and arming with counted references, wholly or not
// at all. Apart from the real kernel, so that it is tested with providers of a test's own.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "agent/provider.h"
#include "agent/rings.h"

namespace ht::agent {

class AgentCore {
 public:
  // What stands between the arming logic and the rings in the kernel.
  struct RingHandle {
    virtual ~RingHandle() = default;
    virtual int map_fd() const = 0;
    virtual const call::RingSet& set() const = 0;
    virtual call::CallCounters counters() const = 0;
    virtual void close_breaker() = 0;
  };
  using MakeRings = std::function<Result<std::unique_ptr<RingHandle>>(const call::Nonce&)>;

  AgentCore(std::vector<std::unique_ptr<Provider>> providers, MakeRings make_rings)
      : providers_(std::move(providers)), make_rings_(std::move(make_rings)) {}
  ~AgentCore() { disarm_all(); }

  std::vector<Probe> list(const dif::ProbeDesc& description, uint32_t first, size_t limit) const;
  std::vector<ClauseMatch> match(const dif::Program& program) const;
  Result<call::RingSet> arm(uint64_t program, const std::vector<uint32_t>& probes, const call::Nonce& nonce);
  void disarm(uint64_t program);
  void disarm_all();
  call::CallCounters counters() const;

 private:
  Provider* owner(uint32_t number) const;
  Result<void> arm_new(const std::map<Provider*, std::vector<uint32_t>>& fresh);
  void release(const std::vector<uint32_t>& probes);
  void end_session_if_idle();

  std::vector<std::unique_ptr<Provider>> providers_;
  MakeRings make_rings_;
  std::unique_ptr<RingHandle> rings_;
  std::map<uint64_t, std::vector<uint32_t>> programs_;  // what each has armed, sorted
  std::map<uint32_t, uint32_t> references_;             // armed probes, and by how many programs
};

}  // namespace ht::agent
