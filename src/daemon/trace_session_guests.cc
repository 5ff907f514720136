// The part of a session that is about guests coming and going while it runs.
#include <algorithm>

#include "base/log.h"
#include "daemon/trace_session.h"

namespace ht::daemon {

void TraceSession::send_event(const std::string& vmname, const std::string& text, const channel::GuestDrops* drops,
                              const Vm* traced) {
  channel::FromDaemon message;
  channel::Event& event = *message.mutable_event();
  event.set_vmname(vmname);
  event.set_text(text);
  if (engine_) {
    add_probe_names(event.mutable_probes());
    add_variants(event.mutable_variants());
  }
  if (drops != nullptr) *event.add_drops() = *drops;
  if (traced != nullptr) {
    event.set_target(traced->target());
    event.set_boot(traced->boot());
  }
  log::info("session {}: {}", id_, text);
  send_(message, {});
}

// Adds what this guest lost during the session; false if nothing.
bool TraceSession::note_drops(const Deployment& deployment, channel::GuestDrops* drops) {
  const call::CallCounters lost = context_.calls.totals(deployment.target()) - deployment.baseline;
  if (lost.drops() == 0) return false;
  drops->set_vmname(deployment.vmname);
  drops->set_drops(lost.drops());
  drops->set_detail(describe(lost));
  channel::GuestDrops& total = drops_[deployment.vmname];
  total.set_vmname(deployment.vmname);
  total.set_drops(total.drops() + lost.drops());
  total.set_detail(total.detail().empty() ? drops->detail() : total.detail() + "; " + drops->detail());
  return true;
}

void TraceSession::vm_lost(Vm& vm, const std::string& why) {
  auto found = guests_.find(vm.target());
  if (found == guests_.end()) return;
  DeploymentPtr deployment = found->second;
  if (!active()) {  // being set up or ended: the open request fails and that is dealt with
    deployment->lost();
    return;
  }
  const bool was_armed = deployment->armed();
  channel::GuestDrops drops;
  const bool lost_some = state_ == State::kRunning && was_armed && note_drops(*deployment, &drops);
  guests_.erase(found);
  deployment->lost();
  engine_->remove_target(vm.target());
  had_[vm.target()] = vm.name();
  if (was_armed) send_event(vm.name(), vm.name() + ": guest is gone (" + why + ")", lost_some ? &drops : nullptr);
}

void TraceSession::vm_ready(Vm& vm) {
  if (active() && !guests_.contains(vm.target())) offer(vm);
}

void TraceSession::offer(Vm& vm) {
  for (const channel::GuestStatus& status : left_out_) {
    if (status.target() == vm.target() && !had_.contains(vm.target())) return;  // it has been asked, and failed
  }
  const std::vector<std::string> targets = targets_of(program_);
  const auto decided = [this](const std::string& target) { return resolver_.decided(target); };
  if (!std::all_of(targets.begin(), targets.end(), decided)) {
    decide_targets(targets, known_guests(context_.registry), resolver_);
  }
  GuestUse use = guest_use(program_, known_guest(vm, context_.registry).names, resolver_);
  if (!any_use(use)) return;
  auto deployment = std::make_shared<Deployment>(context_.limits, context_.registry, context_.calls, vm.target(),
                                                 context_.next_program++, std::move(use));
  guests_[vm.target()] = deployment;
  if (!needs_types_) return offer_linked(deployment);
  fetch_types_of(deployment, [self = shared_from_this(), deployment](Result<void> result) {
    if (!self->active()) return;
    if (!result.ok()) return self->withdraw(deployment, result.error());
    self->offer_linked(deployment);
  });
}

void TraceSession::offer_linked(const DeploymentPtr& deployment) {
  std::vector<Error> errors;
  const size_t known = variants_.size();
  auto variant = variant_for(deployment, &errors);
  if (!variant.ok()) return withdraw(deployment, variant.error());
  if (variants_.size() > known) {
    if (auto loaded = load_variant(*variant); !loaded.ok()) {
      variants_.pop_back();
      return withdraw(deployment, loaded.error());
    }
  }
  find_symbols_of(deployment, [self = shared_from_this(), deployment](Result<void> result) {
    if (!self->active()) return;
    if (!result.ok()) return self->withdraw(deployment, result.error());
    self->install(deployment, [self, deployment](Result<void> installed) {
      if (!self->active()) return;
      if (!installed.ok()) return self->withdraw(deployment, installed.error());
      self->offer_installed(deployment);
    });
  });
}

void TraceSession::offer_installed(const DeploymentPtr& deployment) {
  deployment->arm([self = shared_from_this(), deployment](Result<void> result) {
    if (!self->active()) return;
    if (!result.ok()) return self->withdraw(deployment, result.error());
    if (deployment->armed()) self->offer_armed(deployment);
  });
}

void TraceSession::offer_armed(const DeploymentPtr& deployment) {
  deployment->baseline = context_.calls.totals(deployment->target());
  enable(*deployment);
  context_.engine.publish(engine_);
  const std::string& name = deployment->vmname;
  const Vm* vm = context_.registry.find(deployment->target());
  const bool again = had_.erase(deployment->target()) > 0;
  const bool rebooted = again && vm != nullptr && vm->rebooted();
  const std::string text = rebooted ? name + " rebooted; tracing it again"
                           : again  ? name + " is back; tracing it again"
                                    : name + " joined; tracing it";
  send_event(name, text, nullptr, vm);
}

void TraceSession::withdraw(const DeploymentPtr& deployment, const Error& error) {
  auto found = guests_.find(deployment->target());
  if (found == guests_.end() || found->second != deployment) return;  // lost meanwhile: said already
  guests_.erase(found);
  deployment->disarm([deployment](const Result<void>&) {});
  send_event(deployment->vmname, deployment->vmname + ": cannot be traced: " + error.message);
}

}  // namespace ht::daemon
