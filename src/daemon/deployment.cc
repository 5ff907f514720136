#include "daemon/deployment.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>

#include "daemon/guest_text.h"

namespace ht::daemon {
Deployment::Deployment(const Limits& limits, VmRegistry& registry, CallService& calls, engine::TargetId target,
                       uint64_t program, GuestUse use)
    : limits_(limits), registry_(registry), calls_(calls), target_(target), program_(program), use_(std::move(use)) {
  if (const Vm* guest = vm(); guest != nullptr) {
    vmname = guest->name();
    kernel = guest->hello().kernel();
  }
}

Vm* Deployment::vm() const {
  Vm* vm = registry_.find(target_);
  return vm != nullptr && vm->ready() ? vm : nullptr;
}

void Deployment::finish(Result<void> result) {
  Done done = std::move(done_);
  done_ = nullptr;
  if (done) done(std::move(result));
}

void Deployment::install(std::shared_ptr<const Bytes> object, std::string sha256, Done done) {
  done_ = std::move(done);
  object_ = std::move(object);
  sha256_ = std::move(sha256);
  if (object_->size() > limits_.installed) return finish(Error("the program is too large for a guest"));
  send_object();
}

void Deployment::send_object() {
  Vm* guest = vm();
  if (guest == nullptr) return finish(Error("the guest is gone"));
  state_ = State::kInstalling;
  matches_.clear();
  matched_ = 0;
  guest->exchange().expect(Exchange::Body::kInstalled, std::to_string(program_), limits_.install,
                           [self = shared_from_this()](channel::FromMinion* message, const Error& failed) {
                             self->on_installed(message, failed);
                           });
  for (size_t at = 0; at < object_->size(); at += channel::kChunk) {
    const size_t size = std::min(channel::kChunk, object_->size() - at);
    channel::ToMinion message;
    channel::Install& install = *message.mutable_install();
    install.set_program(program_);
    install.set_sha256(sha256_);
    install.set_offset(at);
    install.set_total(object_->size());
    install.set_data(object_->data() + at, size);
    guest->send(message);
  }
}

void Deployment::on_installed(channel::FromMinion* message, const Error& failed) {
  if (state_ != State::kInstalling) return;
  if (message == nullptr) {
    if (++tries_ < limits_.tries && vm() != nullptr) return send_object();
    return finish(failed);
  }
  const channel::Installed& answer = message->installed();
  if (!answer.error().empty()) return finish(Error("the guest refuses the program: " + answer.error().substr(0, 500)));
  if (auto taken = take_matches(answer); !taken.ok()) {
    const Error error = taken.error();
    if (Vm* guest = vm()) guest->cut_off("cut off: " + error.message);
    return finish(error);
  }
  if (answer.more()) return;
  state_ = State::kInstalled;
  object_.reset();
  finish({});
}

Result<void> Deployment::take_matches(const channel::Installed& answer) {
  for (const channel::ClauseMatch& from : answer.matches()) {
    if (from.clause() >= use_.size()) return Error("it claims probes for a clause that does not exist");
    const auto& meant = use_[from.clause()];
    if (std::find(meant.begin(), meant.end(), true) == meant.end()) {
      return Error("it claims probes for a clause that is not meant for it");
    }
    GuestMatch match;
    match.clause = from.clause();
    for (const channel::Probe& probe : from.probes()) {
      if (++matched_ > limits_.probes) return Error("it claims too many probes");
      if (probe.number() >= limits_.probe_number) return Error("it claims a probe with an impossible number");
      for (const std::string* text : {&probe.provider(), &probe.module(), &probe.function(), &probe.name()}) {
        if (!printable(*text, limits_.name)) return Error("it claims a probe with an impossible name");
      }
      match.probes.push_back({probe.number(), probe.provider(), probe.module(), probe.function(), probe.name()});
    }
    if (!match.probes.empty()) matches_.push_back(std::move(match));
  }
  return {};
}

void Deployment::arm(Done done) {
  done_ = std::move(done);
  if (state_ != State::kInstalled) return finish(Error("the guest is gone"));
  if (matches_.empty()) return finish({});
  if (::getrandom(nonce_.data(), nonce_.size(), 0) != static_cast<ssize_t>(nonce_.size())) std::abort();
  state_ = State::kArming;
  request_arm(false);
}

void Deployment::request_arm(bool again) {
  Vm* guest = vm();
  if (guest == nullptr) return finish(Error("the guest is gone"));
  guest->exchange().expect(Exchange::Body::kArmed, std::to_string(program_), limits_.arm,
                           [self = shared_from_this(), again](channel::FromMinion* message, const Error& failed) {
                             self->on_armed(message, failed, again);
                           });
  channel::ToMinion message;
  channel::Arm& arm = *message.mutable_arm();
  arm.set_program(program_);
  arm.set_nonce(nonce_.data(), nonce_.size());
  for (const GuestMatch& match : matches_) {
    if (arm.clauses().empty() || *arm.clauses().rbegin() != match.clause) arm.add_clauses(match.clause);
  }
  guest->send(message);
}

void Deployment::on_armed(channel::FromMinion* message, const Error& failed, bool again) {
  const bool wanted = state_ == State::kArming;
  Vm* guest = vm();
  if (message == nullptr) {
    if (!wanted) return;
    // Armed or not: only a new connection makes sure that it is not.
    if (guest != nullptr) guest->reset("it did not answer when it was to arm a program");
    return finish(failed);
  }
  const channel::Armed& answer = message->armed();
  if (!answer.error().empty()) {
    if (wanted) finish(Error("the guest cannot arm it: " + answer.error().substr(0, 500)));
    return;
  }
  if (guest == nullptr) return finish(Error("the guest is gone"));
  // Also when it is to be disarmed already: its rings may be those that another program's arming finds.
  if (auto taken = calls_.armed(*guest, program_, answer, nonce_); !taken.ok()) {
    const Error error("its rings cannot be used: " + taken.error().message);
    guest->cut_off("cut off: " + error.message);
    return finish(error);
  }
  if (!wanted) return;
  if (!again) return request_arm(true);
  state_ = State::kArmed;
  finish({});
}

void Deployment::disarm(Done done) {
  const bool nothing = state_ == State::kNew || state_ == State::kEnded || state_ == State::kDisarming;
  done_ = std::move(done);
  Vm* guest = vm();
  if (nothing || guest == nullptr) {
    state_ = State::kEnded;
    return finish({});
  }
  state_ = State::kDisarming;
  calls_.disarming(target_);
  guest->exchange().expect(Exchange::Body::kDisarmed, std::to_string(program_), limits_.disarm,
                           [self = shared_from_this()](channel::FromMinion* message, const Error& failed) {
                             if (self->state_ != State::kDisarming) return self->finish(failed);
                             self->state_ = State::kEnded;
                             const channel::Counters* counters =
                                 message == nullptr ? nullptr : &message->disarmed().counters();
                             self->calls_.disarmed(self->target_, self->program_, counters);
                             Vm* silent = message == nullptr ? self->vm() : nullptr;
                             if (silent != nullptr) silent->reset("it did not answer when it was to disarm a program");
                             self->finish({});
                           });
  channel::ToMinion message;
  message.mutable_disarm()->set_program(program_);
  guest->send(message);
}

void Deployment::lost() {
  state_ = State::kEnded;
  if (done_) finish(Error("the guest is gone"));
}

}  // namespace ht::daemon
