// A session's life: enabling, BEGIN, its timers, END.
#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "dif/verify.h"
#include "engine/ancestors.h"
#include "engine/engine_impl.h"
#include "engine/host_probes.h"
#include "engine/machine.h"

namespace ht::engine {

SessionCore::SessionCore() : ancestors(own_ancestors()) {}
SessionCore::~SessionCore() = default;

namespace {

constexpr char kTooSmall[] = "Enabling exceeds size of buffer";

uint32_t this_cpu() {
  const int cpu = sched_getcpu();
  return cpu < 0 ? 0 : static_cast<uint32_t>(cpu);
}

// This process and thread, as the host's own probes see it.
Firing host_firing() {
  Firing firing;
  firing.target = kHost;
  firing.pid = static_cast<uint32_t>(getpid());
  firing.tid = static_cast<uint32_t>(gettid());
  firing.ppid = static_cast<uint32_t>(getppid());
  firing.uid = getuid();
  firing.gid = getgid();
  strncpy(firing.comm.data(), program_invocation_short_name, firing.comm.size() - 1);
  return firing;
}

// Where a timer's thread was: what it interrupts is itself, in user mode. (Inlined it would name its caller.)
[[gnu::noinline]] uint64_t program_counter() {
  return reinterpret_cast<uint64_t>(__builtin_return_address(0));
}

}  // namespace

Result<std::shared_ptr<SessionImpl>> SessionImpl::create(EngineImpl& engine, const SessionConfig& config) {
  if (config.strsize == 0) return Error("strsize must not be 0");
  std::shared_ptr<SessionImpl> session(new SessionImpl(engine));
  SessionCore& core = session->core_;
  core.config = config;
  limit_rates(core.config);
  ASSIGN_OR_RETURN(core.memory, SessionMemory::create(core.config));
  ASSIGN_OR_RETURN(core.dynamics, DynamicStore::create(core.config));
  ASSIGN_OR_RETURN(core.speculations, Speculations::create(core.config));
  return session;
}

SessionImpl::~SessionImpl() {
  timers_.stop();
}

Result<uint32_t> SessionImpl::add_variant(std::shared_ptr<const dif::Program> program) {
  if (program->destructive && !core_.config.destructive) return Error("Destructive actions not allowed");
  RETURN_IF_ERROR(dif::verify(*program, dif::Stage::kLinked));
  if (!programs_.empty() && program->clauses.size() != programs_[0]->clauses.size()) {
    return Error("the variants of a program differ in their clauses");
  }
  const bool setup = core_.state() == SessionState::kSetup;
  RETURN_IF_ERROR(core_.globals.define(*program, core_.config.strsize, setup));
  const auto variant = static_cast<uint32_t>(variants_.size());
  if (variant >= kMaxVariants) return Error("too many variants of one program");
  ASSIGN_OR_RETURN(auto loaded, load_program(*program, variant, core_.config.strsize, core_.config.slots));
  // What is enabled before the start is looked at there.
  if (!setup && !fits(*loaded)) return Error(kTooSmall);
  for (auto& machine : core_.machines) {
    if (setup) machine->make_locals();
  }
  while (core_.machines.size() < core_.config.slots) {
    const auto slot = static_cast<uint32_t>(core_.machines.size());
    ASSIGN_OR_RETURN(auto machine, Machine::create(core_, slot));
    core_.machines.push_back(std::move(machine));
  }
  programs_.push_back(std::move(program));
  variants_.push_back(std::move(loaded));
  return variant;
}

bool SessionImpl::fits(const LoadedProgram& program) const {
  return program.max_cost <= core_.config.bufsize && program.max_record <= core_.memory.header().ring_size / 2;
}

// Every enabled clause's record must fit, and under the policy fill all that END records must fit together.
Result<void> SessionImpl::check_buffers() {
  const std::lock_guard guard(enablings_);
  uint64_t largest = 0, largest_cost = 0, reserve = 0;
  for (const auto& [id, target] : targets_) {
    for (const Enabling& enabling : target.enablings) {
      const LoadedClause& clause = variants_[enabling.variant]->clauses[enabling.clause];
      largest = std::max<uint64_t>(largest, clause.record_size);
      largest_cost = std::max<uint64_t>(largest_cost, clause.record_cost);
      if (id == kHost && enabling.probe == HostProbe::kEnd) reserve += clause.record_cost;
    }
  }
  if (core_.config.policy == BufferPolicy::kFill) {
    if (reserve > core_.config.bufsize) return Error("END enablings exceed size of principal buffer");
    core_.end_reserve = reserve;
  }
  if (largest_cost > core_.config.bufsize || largest > core_.memory.header().ring_size / 2) return Error(kTooSmall);
  return {};
}

uint32_t SessionImpl::probe_index(const ProbeName& name) {
  const auto next = static_cast<uint32_t>(probe_names_.size());
  const auto [found, made] =
      probe_indexes_.try_emplace({name.id, name.provider, name.module, name.function, name.name}, next);
  if (made) {
    probe_names_.push_back(name);
    probe_strings_.push_back({next, name.id, name.provider, name.module, name.function, name.name});
  }
  return found->second;
}

uint32_t SessionImpl::enable(TargetId target, uint32_t probe, const ProbeName& name, uint32_t variant,
                             uint32_t clause) {
  const std::lock_guard guard(enablings_);
  const uint32_t index = probe_index(name);
  if (variant >= variants_.size() || clause >= variants_[variant]->clauses.size()) return index;
  Target& entry = targets_[target];
  if (entry.counters == nullptr) entry.counters = std::make_unique<SlotCounter[]>(core_.config.slots);
  if (entry.removed) entry.enablings.clear();
  entry.removed = false;
  entry.enablings.push_back({probe, index, variant, clause});
  return index;
}

void SessionImpl::set_symbols(TargetId target, std::shared_ptr<const TargetSymbols> symbols) {
  const std::lock_guard guard(enablings_);
  targets_[target].symbols = std::move(symbols);
}

std::vector<TargetId> SessionImpl::publish_enablings() {
  const std::lock_guard guard(enablings_);
  std::vector<TargetId> changed;
  for (auto& [id, target] : targets_) {
    if (target.published == target.enablings.size()) continue;
    target.published = target.enablings.size();
    changed.push_back(id);
  }
  return changed;
}

std::vector<TargetId> SessionImpl::targets() const {
  const std::lock_guard guard(enablings_);
  std::vector<TargetId> result;
  for (const auto& [id, target] : targets_) result.push_back(id);
  return result;
}

void SessionImpl::collect(TargetId id, std::vector<EcbGroup>* groups) {
  const std::lock_guard guard(enablings_);
  const auto found = targets_.find(id);
  if (found == targets_.end() || found->second.removed) return;
  const Target& target = found->second;
  std::vector<Enabling> sorted(target.enablings.begin(),
                               target.enablings.begin() + static_cast<ptrdiff_t>(target.published));
  std::stable_sort(sorted.begin(), sorted.end(), [](const Enabling& a, const Enabling& b) {
    return std::tie(a.probe, a.clause) < std::tie(b.probe, b.clause);
  });
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i == 0 || sorted[i].probe != sorted[i - 1].probe) {
      groups->push_back({sorted[i].probe, &core_, target.counters.get(), target.symbols, {}});
    }
    const LoadedProgram* program = variants_[sorted[i].variant].get();
    groups->back().ecbs.push_back(
        {program, &program->clauses[sorted[i].clause], &probe_strings_[sorted[i].probe_index]});
  }
}

// Where BEGIN, END and ticks fire: the CPU that this is called on, if that one is traced.
uint32_t SessionImpl::home_cpu() const {
  return core_.config.cpu ? *core_.config.cpu : this_cpu();
}

// BEGIN or END, in the calling thread.
void SessionImpl::fire_once(uint32_t probe, SessionState allowed) {
  Firing firing = host_firing();
  engine_->fire_host(*this, probe, home_cpu(), allowed, firing);
}

Result<void> SessionImpl::start() {
  if (engine_ == nullptr || core_.state() != SessionState::kSetup) return {};
  RETURN_IF_ERROR(check_buffers());
  core_.speculations.start(engine_->now());
  core_.advance(SessionState::kBeginning);
  fire_once(HostProbe::kBegin, SessionState::kBeginning);
  // exit() in BEGIN has moved on already; then nothing else ever runs but END.
  if (core_.advance(SessionState::kActive)) start_timers();
  return {};
}

void SessionImpl::start_timers() {
  std::vector<HostProbe> timers;
  {
    const std::lock_guard guard(enablings_);
    const auto host = targets_.find(kHost);
    if (host == targets_.end()) return;
    for (const Enabling& enabling : host->second.enablings) {
      const auto timer = find_timer(enabling.probe);
      const bool known =
          std::any_of(timers.begin(), timers.end(), [&](const HostProbe& t) { return t.probe == enabling.probe; });
      if (timer && !known) timers.push_back(*timer);
    }
  }
  const std::vector<uint32_t> cpus = core_.config.cpu ? std::vector{*core_.config.cpu} : engine_->cpus();
  timers_.start(timers, home_cpu(), cpus, [this](const HostProbe& timer, uint32_t cpu, uint64_t late) {
    thread_local Firing firing = host_firing();  // asked of the system once
    firing.args = {0, program_counter(), timer.per_cpu ? late : 0};
    engine_->fire_host(*this, timer.probe, cpu, SessionState::kActive, firing);
    return core_.state() == SessionState::kActive;
  });
}

void SessionImpl::stop() {
  const std::lock_guard guard(stopping_);
  if (core_.state() == SessionState::kStopped) return;
  const bool begun = core_.state() != SessionState::kSetup;
  core_.advance(SessionState::kDraining);
  timers_.stop();
  if (engine_ != nullptr) {
    engine_->synchronize();  // what other slots were running is done: END sees all of it
    if (begun) fire_once(HostProbe::kEnd, SessionState::kDraining);
  }
  core_.advance(SessionState::kStopped);
}

void SessionImpl::remove_target(TargetId target) {
  {
    const std::lock_guard guard(enablings_);
    const auto found = targets_.find(target);
    if (found == targets_.end()) return;
    found->second.removed = true;
    found->second.enablings.clear();
    found->second.published = 0;
    found->second.symbols = nullptr;
  }
  if (engine_ != nullptr) engine_->rebuild(target);
}

uint64_t SessionImpl::firings(TargetId target) const {
  const std::lock_guard guard(enablings_);
  const auto found = targets_.find(target);
  if (found == targets_.end()) return 0;
  uint64_t total = 0;
  for (uint32_t slot = 0; slot < core_.config.slots; ++slot) {
    total += found->second.counters[slot].count.load(std::memory_order_relaxed);
  }
  return total;
}

}  // namespace ht::engine
