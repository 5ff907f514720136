#include "engine/engine_impl.h"

#include <unistd.h>

#include <algorithm>

#include "engine/host_probes.h"
#include "engine/machine.h"

namespace ht::engine {
namespace {

constexpr uint64_t kPatienceNs = 2'000'000'000;

std::string host_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0) return "localhost";
  return name;
}

}  // namespace

// Marks a slot as being in a firing, so that what it may look at stays. The slots of the host's CPUs have several
// users, one at a time.
class EngineImpl::InFiring {
 public:
  InFiring(EngineImpl& engine, uint32_t slot) : epoch_(engine.epochs_[slot].epoch) {
    if (slot == 0 || slot >= engine.fired_slots_) turn_ = std::unique_lock(engine.turns_[slot]);
    epoch_.exchange(epoch_.load(std::memory_order_relaxed) + 1, std::memory_order_seq_cst);
  }
  ~InFiring() { epoch_.store(epoch_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

 private:
  std::unique_lock<std::mutex> turn_;  // released last
  std::atomic<uint64_t>& epoch_;
};

EngineImpl::EngineImpl(uint32_t slots, Clock& clock)
    : cpus_(online_cpus()),
      fired_slots_(std::max(slots, 1u)),
      slots_(fired_slots_ + static_cast<uint32_t>(cpus_.size()) - 1),
      clock_(clock),
      epochs_(std::make_unique<SlotEpoch[]>(slots_)),
      targets_(std::make_unique<std::atomic<const TargetTable*>[]>(kTargets)),
      turns_(std::make_unique<std::mutex[]>(slots_)) {
  names_[kHost] = host_name();
}

EngineImpl::~EngineImpl() {
  std::vector<std::shared_ptr<SessionImpl>> sessions;
  {
    const std::lock_guard guard(control_);
    sessions = sessions_;
  }
  for (const auto& session : sessions) remove(session);
}

Result<std::shared_ptr<Session>> EngineImpl::create_session(const SessionConfig& config) {
  SessionConfig own = config;
  own.slots = slots_;  // every slot of the engine may run it
  if (own.cpu && std::find(cpus_.begin(), cpus_.end(), *own.cpu) == cpus_.end()) {
    return Error("Invalid value for specified option", "option cpu: that CPU is not online");
  }
  ASSIGN_OR_RETURN(std::shared_ptr<SessionImpl> session, SessionImpl::create(*this, own));
  const std::lock_guard guard(control_);
  sessions_.push_back(session);
  return std::shared_ptr<Session>(std::move(session));
}

void EngineImpl::publish(const std::shared_ptr<Session>& session) {
  auto& impl = static_cast<SessionImpl&>(*session);
  const std::lock_guard guard(control_);
  for (const TargetId target : impl.publish_enablings()) swap_table(target);
  wait_for_slots();
}

void EngineImpl::remove(const std::shared_ptr<Session>& session) {
  session->stop();
  const std::lock_guard guard(control_);
  std::erase_if(sessions_, [&](const auto& own) { return own.get() == session.get(); });
  auto& impl = static_cast<SessionImpl&>(*session);
  for (const TargetId target : impl.targets()) swap_table(target);
  impl.detach();
  wait_for_slots();
}

void EngineImpl::set_target_name(TargetId target, const std::string& name) {
  const std::lock_guard guard(control_);
  names_[target] = name;
  swap_table(target);
  wait_for_slots();
}

void EngineImpl::rebuild(TargetId target) {
  const std::lock_guard guard(control_);
  swap_table(target);
  wait_for_slots();
}

void EngineImpl::synchronize() {
  const std::lock_guard guard(control_);
  wait_for_slots();
}

// Sessions keep the order in which they were made; the groups of one probe stand together.
void EngineImpl::swap_table(TargetId target) {
  std::vector<EcbGroup> groups;
  std::vector<std::shared_ptr<void>> holds;
  for (const auto& session : sessions_) {
    const size_t before = groups.size();
    session->collect(target, &groups);
    if (groups.size() != before) holds.push_back(session);
  }
  std::stable_sort(groups.begin(), groups.end(),
                   [](const EcbGroup& a, const EcbGroup& b) { return a.probe < b.probe; });
  std::unique_ptr<const TargetTable> table;
  if (!groups.empty()) table = std::make_unique<TargetTable>(names_[target], std::move(groups), std::move(holds));
  targets_[target].store(table.get(), std::memory_order_seq_cst);
  std::unique_ptr<const TargetTable>& current = tables_[target];
  if (current != nullptr) retired_.push_back(std::move(current));
  current = std::move(table);
}

// A slot that was outside a firing, or has since left the one it was in, sees the new tables.
bool EngineImpl::wait_for_slots() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const uint64_t deadline = system_clock().monotonic_ns() + kPatienceNs;
  for (uint32_t slot = 0; slot < slots_; ++slot) {
    const uint64_t epoch = epochs_[slot].epoch.load(std::memory_order_seq_cst);
    if (epoch % 2 == 0) continue;
    for (Backoff backoff; epochs_[slot].epoch.load(std::memory_order_acquire) == epoch; backoff.wait()) {
      if (system_clock().monotonic_ns() > deadline) return false;
    }
  }
  retired_.clear();
  return true;
}

// A CPU that came online later shares the slot of the first.
uint32_t EngineImpl::slot_of(uint32_t cpu) const {
  const auto found = std::lower_bound(cpus_.begin(), cpus_.end(), cpu);
  if (found == cpus_.end() || *found != cpu || found == cpus_.begin()) return 0;
  return fired_slots_ + static_cast<uint32_t>(found - cpus_.begin()) - 1;
}

void EngineImpl::fire(uint32_t slot, const Firing& firing) {
  if (slot >= fired_slots_) return;
  const InFiring in_firing(*this, slot);
  const TargetTable* table = targets_[firing.target].load(std::memory_order_seq_cst);
  if (table == nullptr) return;
  const EcbGroup* group = table->find(firing.probe);
  if (group == nullptr) return;
  // BEGIN, END and ERROR belong to one session's life and are not fired from outside.
  if (firing.target == kHost && firing.probe < HostProbe::kFirstTimer) return;
  FiringContext context(firing, *table, targets_[kHost].load(std::memory_order_seq_cst), clock_);
  for (; group != nullptr; group = TargetTable::next(group)) {
    if (group->session->state() != SessionState::kActive || !group->session->traces(firing.cpu)) continue;
    group->session->machines[slot]->fire(context, *group, SessionState::kActive);
  }
}

void EngineImpl::fire_host(SessionImpl& session, uint32_t probe, uint32_t cpu, SessionState allowed, Firing& firing) {
  const uint32_t slot = slot_of(cpu);
  const InFiring in_firing(*this, slot);
  const TargetTable* table = targets_[kHost].load(std::memory_order_seq_cst);
  if (table == nullptr || session.state() != allowed) return;
  const EcbGroup* group = table->find(probe, &session.core());
  if (group == nullptr) return;
  firing.probe = probe;
  firing.cpu = cpu;
  FiringContext context(firing, *table, table, clock_);
  session.core().machines[slot]->fire(context, *group, allowed);
}

std::unique_ptr<Engine> Engine::create(uint32_t slots, Clock& clock) {
  return std::make_unique<EngineImpl>(slots, clock);
}

}  // namespace ht::engine
