// A provider: one kind of probe, one file. The agent asks it what there is and tells it what to arm; when a probe is
// armed for the first time and disarmed for the last is the agent's to know.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/agent.h"
#include "agent/kernel_view.h"
#include "base/result.h"

namespace ht::agent {

class Provider {
 public:
  virtual ~Provider() = default;  // unloads
  virtual std::string_view name() const = 0;
  // What this kernel has, in number order. Numbers are unique among all providers of an agent.
  virtual const std::vector<Probe>& probes() const = 0;
  // Arms probes that are not armed yet: loads and attaches what that needs, to call through the map `rings_fd`. On an
  // error none of them is armed.
  virtual Result<void> arm(const std::vector<uint32_t>& numbers, int rings_fd) = 0;
  // Detaches what no probe needs any more.
  virtual void disarm(const std::vector<uint32_t>& numbers) = 0;
  // Nothing of the provider is left in the kernel. Nothing is armed when this is called.
  virtual void unload() = 0;
  // Firings that the kernel skipped because the program was running already on that CPU; since it was loaded.
  virtual uint64_t misses() const = 0;
};

// Numbers 0 to 1023. `only_process`: a development aid, see filter_tgid in bpf/ring.bpf.h; 0 for all.
std::unique_ptr<Provider> make_syscall_provider(const std::vector<Syscall>& calls, uint32_t only_process = 0);

}  // namespace ht::agent
