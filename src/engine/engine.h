// The engine: runs the enabled clauses of all sessions at each firing.
//
// Slots: what runs clauses has a slot with buffers and a machine of its own. Pollers have slots 1 to n, one each. Slot
// 0 is for the firings of the host's first CPU, and behind the pollers' comes one for each of its other CPUs; those
// are taken in turns, under a lock of each, by timers and by the control thread for BEGIN and END.
//
// Threads: fire() is called by one thread per slot, concurrently for different slots. Everything else is called by the
// control thread. Enabling and disabling swap the dispatch tables and wait until no slot still uses the old ones, so a
// firing costs no lock. Nothing on the path of fire() allocates, locks globally, logs or makes a system call.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/session.h"

namespace ht::engine {

// The host's own probes: BEGIN, END, ERROR, and the timers that a program names.
struct HostProbe {
  static constexpr uint32_t kBegin = 1, kEnd = 2, kError = 3, kFirstTimer = 4;
  uint32_t probe = 0;  // number on target kHost, unique in this engine
  ProbeName name;
  uint64_t period_ns = 0;  // timers
  bool per_cpu = false;    // profile-n fires on every CPU, tick-n on one
};

// Which host probes a description (whose target is empty or means the host) names. tick-1s and profile-97 style names
// are created on demand when described exactly; periods below 200 us match nothing.
std::vector<HostProbe> match_host_probes(const dif::ProbeDesc& description);

// Where the kernel symbols of a target's linked program are, in this boot of it. A per-CPU symbol's address is an
// offset to which that of the CPU which fires is added.
struct TargetSymbols {
  struct Symbol {
    uint64_t address = 0;
    bool per_cpu = false;
  };
  std::vector<Symbol> symbols;        // as Program::symbols
  std::vector<uint64_t> cpu_offsets;  // by CPU
};

class Session {
 public:
  virtual ~Session() = default;
  // The linked program of one kernel (or the one for the host). All variants are links of one compiled program: the
  // same clauses, variables and aggregations. Returns the variant's index. Verified; destructive programs need -w.
  virtual Result<uint32_t> add_variant(std::shared_ptr<const dif::Program> program) = 0;
  // Runs `clause` of `variant` when `probe` fires on `target`. Clauses of one probe run in program order. Returns the
  // index of the probe in probe_names().
  virtual uint32_t enable(TargetId target, uint32_t probe, const ProbeName& name, uint32_t variant,
                          uint32_t clause) = 0;
  // Before enable(), anew after remove_target(); a target without them faults where it uses one.
  virtual void set_symbols(TargetId target, std::shared_ptr<const TargetSymbols> symbols) = 0;
  virtual const std::vector<ProbeName>& probe_names() const = 0;

  // The configuration, with what could not be had lowered.
  virtual const SessionConfig& config() const = 0;
  virtual SessionState state() const = 0;
  // Fires BEGIN on the CPU it is called on, then lets every probe run and starts the session's timers. An error (what
  // is enabled does not fit the buffers) leaves it as it was.
  virtual Result<void> start() = 0;
  // Stops timers, fires END, makes the buffers final. Idempotent. No clause of this session runs after it returns.
  virtual void stop() = 0;
  // The guest is gone: its ECBs are removed; what it recorded stays.
  virtual void remove_target(TargetId target) = 0;

  virtual int data_fd() const = 0;  // for SessionReader, also in another process
  virtual int control_fd() const = 0;
  virtual uint64_t firings(TargetId target) const = 0;  // ECB runs, for dtracedctl
};

class Engine {
 public:
  // `slots`: 1 and the number of pollers. Slots for the host's other CPUs are added.
  static std::unique_ptr<Engine> create(uint32_t slots, Clock& clock);
  virtual ~Engine() = default;

  virtual Result<std::shared_ptr<Session>> create_session(const SessionConfig& config) = 0;
  // Makes what was enabled in the session visible to fire(). Called after enable() calls, before start(), and again
  // when a guest joins late.
  virtual void publish(const std::shared_ptr<Session>& session) = 0;
  virtual void remove(const std::shared_ptr<Session>& session) = 0;

  // What vmname and vmid say for a target; "host name", 0 for the host.
  virtual void set_target_name(TargetId target, const std::string& name) = 0;
  // The poller's entry. A firing of a probe that no session has enabled does nothing.
  virtual void fire(uint32_t slot, const Firing& firing) = 0;
};

}  // namespace ht::engine
