// The guest side: which probes this kernel has, and arming them with eBPF. Used by dtraced as minion.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "call/ring_set.h"
#include "dif/program.h"
#include "symbols/symbol.h"
#include "types/type_name.h"

namespace ht::agent {

struct GuestInfo {
  std::string kernel;        // release: uname -r
  std::string boot_id;       // /proc/sys/kernel/random/boot_id
  std::string types_hash;    // SHA-256 of /sys/kernel/btf/vmlinux, hex
  uint32_t cpus = 0;         // possible CPUs
  uint64_t kernel_root = 0;  // physical address of the kernel's page table; 0 if it could not be found
  uint32_t levels = 4;
  uint64_t page_offset = 0;
};

// What this machine is called at this moment.
struct OwnNames {
  std::string hostname;
  std::vector<std::string> addresses;  // IPv4 and IPv6, not loopback, not link-local; at most Agent::kMostAddresses
};

struct Probe {
  uint32_t number = 0;  // the agent's own number, stable until reboot; travels in ring entries
  std::string provider, module, function, name;
};

// The probes of one clause that this guest has and will arm.
struct ClauseMatch {
  uint32_t clause = 0;
  std::vector<Probe> probes;
};

// Symbols of the running kernel by name. An empty module: the first that has it, vmlinux first.
struct SymbolName {
  std::string module, name;
};
struct FoundSymbols {
  struct Symbol {
    bool found = false;
    uint64_t address = 0;
    bool per_cpu = false;  // each CPU has its own: the address is an offset
  };
  std::vector<Symbol> symbols;        // one for each name
  std::vector<uint64_t> cpu_offsets;  // by CPU, if there are per-CPU ones
};

// A loaded module's types.
struct ModuleTypes {
  std::string module;
  uint64_t size = 0;
  std::string hash;  // SHA-256 of its BTF, hex
};

class Agent {
 public:
  static Result<std::unique_ptr<Agent>> create();
  virtual ~Agent() = default;  // detaches everything

  virtual const GuestInfo& info() const = 0;
  virtual Result<Bytes> types() const = 0;  // the BTF blob
  virtual OwnNames names() const = 0;
  // At this moment; see ModulesRequest in channel/agent.proto.
  virtual Result<std::vector<ModuleTypes>> modules_with(const std::vector<types::TypeName>& names) const = 0;
  virtual Result<Bytes> module_types(const std::string& module) const = 0;  // the split BTF blob
  static constexpr size_t kMostAddresses = 32;

  // What is at these addresses of the kernel or of process `pid`, now; one answer for each.
  virtual std::vector<std::optional<symbols::Symbol>> at(bool kernel, uint32_t pid,
                                                         std::span<const uint64_t> addresses) = 0;
  // Nobody will ask for a while: gives back the memory that at() took.
  virtual void forget_addresses() = 0;

  virtual Result<FoundSymbols> symbols(const std::vector<SymbolName>& names) const = 0;

  // The probes that match, from number `first` on, in number order, at most `limit`, without the target field. Ids are
  // the host's: a description with one matches nothing here.
  virtual std::vector<Probe> list(const dif::ProbeDesc& description, uint32_t first, size_t limit) const = 0;
  virtual std::vector<ClauseMatch> match(const dif::Program& program) const = 0;

  // Arms the probes for `program` (an id of the overlord's). The first arming loads the eBPF programs, makes the rings
  // with `nonce` and attaches; later ones only widen what is armed and keep the rings (and their nonce), which is what
  // the result says. Wholly or not at all. The error says what the kernel lacks.
  virtual Result<call::RingSet> arm(uint64_t program, const std::vector<uint32_t>& probes,
                                    const call::Nonce& nonce) = 0;
  // The last one detaches and unloads everything. Unknown ids are ignored.
  virtual void disarm(uint64_t program) = 0;
  virtual void disarm_all() = 0;
  // Counters of the guest's side (nested, breaker, time-outs), since the first arming.
  virtual call::CallCounters counters() const = 0;
};

}  // namespace ht::agent
