// A provider: one kind of probe, one file. The agent asks it what there is and tells it what to arm; when a probe is
// armed for the first time and disarmed for the last is the agent's to know.
//
// Numbers, one range for each provider (the overlord takes none from 2^20 on):
//       0 -   1023   syscall
//    1024 -  16383   rawtp and sdt, by turns
//   65536 - 1048575  fbt
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/agent.h"
#include "agent/kernel_view.h"
#include "agent/tracepoints.h"
#include "base/result.h"

namespace ht::agent {

inline constexpr uint32_t kTracepointFirst = 1024, kTracepointEnd = 16384;
inline constexpr uint32_t kFbtFirst = 65536, kFbtEnd = 1u << 20;

class Provider {
 public:
  virtual ~Provider() = default;  // unloads
  virtual std::string_view name() const = 0;
  // What this kernel has at this moment that the description means, from number `first` on, in number order, no more
  // than `limit`. The provider field is the caller's to look at. A number names the same probe until reboot. What there
  // is need not be looked for before the first question: many agents are never asked for some providers.
  virtual std::vector<Probe> find(const dif::ProbeDesc& description, uint32_t first, size_t limit) = 0;
  virtual bool has(uint32_t number) const = 0;  // whether find() has told of it
  // Arms probes that are not armed yet: loads and attaches what that needs, to call through the map `rings_fd`. On an
  // error, which names the probe, none of them is armed.
  virtual Result<void> arm(const std::vector<uint32_t>& numbers, int rings_fd) = 0;
  // They fire no more. What no probe needs any more is detached, perhaps by and by, where the kernel takes its time.
  virtual void disarm(const std::vector<uint32_t>& numbers) = 0;
  // Nothing of the provider is left in the kernel but what is being detached. Nothing is armed when this is called.
  virtual void unload() = 0;
  // Firings that the kernel skipped because the program was running already on that CPU; since it was loaded.
  virtual uint64_t misses() const = 0;
};

// Whether the description's module, function and name mean these; empty fields mean anything.
bool means(const dif::ProbeDesc& description, std::string_view module, std::string_view function,
           std::string_view name);

// `only_process`: a development aid, see filter_tgid in bpf/ring.bpf.h; 0 for all.
std::unique_ptr<Provider> make_syscall_provider(const std::vector<Syscall>& calls, uint32_t only_process = 0);
// They share one table of the kernel's tracepoints.
std::unique_ptr<Provider> make_rawtp_provider(std::shared_ptr<TracepointTable> table, uint32_t only_process = 0);
std::unique_ptr<Provider> make_sdt_provider(std::shared_ptr<TracepointTable> table, uint32_t only_process = 0);
std::unique_ptr<Provider> make_fbt_provider(std::shared_ptr<KernelTypes> types, uint32_t only_process = 0);

}  // namespace ht::agent
