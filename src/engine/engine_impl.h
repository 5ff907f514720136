// The engine and its sessions, as they know each other. Two kinds of threads: slots, which only fire(), and the control
// thread, which changes what they see. The latter is serialised by `control`; the former follow one pointer per target.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <mutex>
#include <tuple>

#include "engine/dispatch.h"
#include "engine/engine.h"
#include "engine/session_core.h"
#include "engine/timer_thread.h"

namespace ht::engine {

class SessionImpl;

class EngineImpl final : public Engine {
 public:
  EngineImpl(uint32_t slots, Clock& clock);
  ~EngineImpl() override;

  Result<std::shared_ptr<Session>> create_session(const SessionConfig& config) override;
  void publish(const std::shared_ptr<Session>& session) override;
  void remove(const std::shared_ptr<Session>& session) override;
  void set_target_name(TargetId target, const std::string& name) override;
  void fire(uint32_t slot, const Firing& firing) override;

  // Fires a probe of the host in one session, for a CPU, while that session is in state `allowed`. `firing` says who
  // and where; probe and CPU are put into it.
  void fire_host(SessionImpl& session, uint32_t probe, uint32_t cpu, SessionState allowed, Firing& firing);
  // Makes the target's table from what the sessions have published, and returns when no slot uses the old one.
  void rebuild(TargetId target);
  // Returns when every firing that was under way has ended (or, after a while, without: what was retired then waits).
  void synchronize();
  const std::vector<uint32_t>& cpus() const { return cpus_; }  // of the host
  uint64_t now() { return clock_.monotonic_ns(); }

 private:
  static constexpr size_t kTargets = 65536;
  struct alignas(64) SlotEpoch {
    std::atomic<uint64_t> epoch{0};  // odd while the slot is in fire()
  };
  class InFiring;

  void swap_table(TargetId target);
  bool wait_for_slots();
  uint32_t slot_of(uint32_t cpu) const;

  const std::vector<uint32_t> cpus_;
  const uint32_t fired_slots_;  // slot 0 and the pollers'
  const uint32_t slots_;
  Clock& clock_;
  std::unique_ptr<SlotEpoch[]> epochs_;
  std::unique_ptr<std::atomic<const TargetTable*>[]> targets_;
  std::unique_ptr<std::mutex[]> turns_;  // by slot; of those of the host's CPUs

  std::mutex control_;
  std::vector<std::shared_ptr<SessionImpl>> sessions_;
  std::map<TargetId, std::string> names_;
  std::map<TargetId, std::unique_ptr<const TargetTable>> tables_;
  std::vector<std::unique_ptr<const TargetTable>> retired_;
};

class SessionImpl final : public Session, public std::enable_shared_from_this<SessionImpl> {
 public:
  static Result<std::shared_ptr<SessionImpl>> create(EngineImpl& engine, const SessionConfig& config);
  ~SessionImpl() override;

  Result<uint32_t> add_variant(std::shared_ptr<const dif::Program> program) override;
  uint32_t enable(TargetId target, uint32_t probe, const ProbeName& name, uint32_t variant, uint32_t clause) override;
  void set_symbols(TargetId target, std::shared_ptr<const TargetSymbols> symbols) override;
  const std::vector<ProbeName>& probe_names() const override { return probe_names_; }
  const SessionConfig& config() const override { return core_.config; }
  SessionState state() const override { return core_.state(); }
  Result<void> start() override;
  void stop() override;
  void remove_target(TargetId target) override;
  int data_fd() const override { return core_.memory.data_fd(); }
  int control_fd() const override { return core_.memory.control_fd(); }
  uint64_t firings(TargetId target) const override;

  SessionCore& core() { return core_; }
  // For the engine: the published groups of one target; which targets there are; making all enablings published.
  void collect(TargetId target, std::vector<EcbGroup>* groups);
  std::vector<TargetId> publish_enablings();
  std::vector<TargetId> targets() const;
  void detach() { engine_ = nullptr; }

 private:
  struct Enabling {
    uint32_t probe;
    uint32_t probe_index;
    uint32_t variant;
    uint32_t clause;
  };
  struct Target {
    std::vector<Enabling> enablings;
    size_t published = 0;
    bool removed = false;
    std::unique_ptr<SlotCounter[]> counters;
    std::shared_ptr<const TargetSymbols> symbols;
  };

  explicit SessionImpl(EngineImpl& engine) : engine_(&engine) {}
  uint32_t probe_index(const ProbeName& name);
  bool fits(const LoadedProgram& program) const;
  Result<void> check_buffers();
  uint32_t home_cpu() const;
  void fire_once(uint32_t probe, SessionState allowed);
  void start_timers();

  EngineImpl* engine_;
  SessionCore core_;
  std::vector<std::shared_ptr<const dif::Program>> programs_;
  std::vector<std::unique_ptr<LoadedProgram>> variants_;
  std::vector<ProbeName> probe_names_;
  std::deque<ProbeStrings> probe_strings_;  // the same, at stable addresses
  std::map<std::tuple<uint32_t, std::string, std::string, std::string, std::string>, uint32_t> probe_indexes_;
  mutable std::mutex enablings_;
  std::map<TargetId, Target> targets_;
  std::mutex stopping_;
  TimerThreads timers_;
};

}  // namespace ht::engine
