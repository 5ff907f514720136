#include "daemon/lister.h"

#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "daemon/guest_text.h"
#include "daemon/settle.h"

namespace ht::daemon {
namespace {

constexpr uint32_t kPage = 2000;  // probes; well below a frame even with long names

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace

Lister::Lister(SessionContext& context, channel::ListProbesRequest request, Send send)
    : context_(context), request_(std::move(request)), send_(std::move(send)) {
  description_.target = request_.target();
  description_.provider = request_.provider();
  description_.module = request_.module();
  description_.function = request_.function();
  description_.name = request_.name();
}

void Lister::run() {
  auto resolver = target_resolver({request_.resolvers().begin(), request_.resolvers().end()});
  if (!resolver.ok()) return fail(resolver.error());
  resolver_ = std::move(*resolver);
  settle_guests(context_, {description_.target}, resolver_, [self = shared_from_this()] {
    if (!self->stopped_) self->choose_guests();
  });
}

void Lister::fail(const Error& error) {
  channel::FromDaemon message;
  *message.mutable_failure()->add_errors() = to_diagnostic(error);
  send_(message);
}

void Lister::choose_guests() {
  const auto known = known_guests(context_.registry);
  decide_targets({description_.target}, known, resolver_);
  if (auto error = target_error(description_.target, known, resolver_)) return fail(*error);
  if (description_.target.empty()) {
    for (const engine::HostProbe& probe : engine::match_host_probes(description_)) {
      channel::ListedProbe* listed = page_.add_probes();
      listed->set_vmname(host_name());
      channel::ProbeName* name = listed->mutable_probe();
      name->set_provider(probe.name.provider);
      name->set_module(probe.name.module);
      name->set_function(probe.name.function);
      name->set_name(probe.name.name);
      name->set_id(context_.ids.id(name->provider(), name->module(), name->function(), name->name()));
    }
  }
  if (!means_host_only(description_)) {
    for (const KnownGuest& guest : known) {
      if (guest.ready && resolver_.means(description_.target, guest.names)) guests_.push_back(guest.target);
    }
  }
  std::reverse(guests_.begin(), guests_.end());
  next_guest();
}

void Lister::next_guest() {
  if (stopped_) return;
  while (!guests_.empty()) {
    const Vm* vm = context_.registry.find(guests_.back());
    if (vm != nullptr && vm->ready()) {
      vmname_ = vm->name();
      listed_ = 0;
      return ask(0);
    }
    guests_.pop_back();
  }
  if (!any_answered_ && !failures_.empty()) return fail(failures_[0]);
  flush(false);
}

void Lister::ask(uint32_t first) {
  Vm* vm = context_.registry.find(guests_.back());
  if (vm == nullptr || !vm->ready()) {
    guests_.pop_back();
    return next_guest();
  }
  request_id_ = context_.next_program++;
  vm->exchange().expect(Exchange::Body::kList, std::to_string(request_id_), context_.limits.list,
                        [self = shared_from_this()](channel::FromMinion* message, const Error& failed) {
                          self->on_page(message, failed);
                        });
  channel::ToMinion message;
  channel::ListRequest& list = *message.mutable_list();
  list.set_request(request_id_);
  list.mutable_description()->set_provider(description_.provider);
  list.mutable_description()->set_module(description_.module);
  list.mutable_description()->set_function(description_.function);
  list.mutable_description()->set_name(description_.name);
  list.set_first(first);
  list.set_limit(kPage);
  vm->send(message);
}

void Lister::on_page(channel::FromMinion* message, const Error& failed) {
  if (stopped_) return;
  Result<uint32_t> last = message == nullptr ? Result<uint32_t>(failed) : add(message->list());
  if (last.ok()) {
    any_answered_ = true;
    const bool more = message->list().more() && !message->list().probes().empty();
    if (page_.probes_size() > 0) flush(true);
    if (more) return ask(*last + 1);
  } else {
    log::warn("{}: listing its probes: {}", vmname_, last.error().message);
    failures_.emplace_back(vmname_ + ": " + last.error().message);
  }
  guests_.pop_back();
  next_guest();
}

Result<uint32_t> Lister::add(const channel::ListReply& page) {
  uint32_t last = 0;
  for (const channel::Probe& probe : page.probes()) {
    if (++listed_ > context_.limits.listed) return Error("it lists too many probes");
    if (probe.number() >= context_.limits.probe_number) return Error("it lists a probe with an impossible number");
    for (const std::string* text : {&probe.provider(), &probe.module(), &probe.function(), &probe.name()}) {
      if (!printable(*text, context_.limits.name)) return Error("it lists a probe with an impossible name");
    }
    last = std::max(last, probe.number());
    channel::ListedProbe* listed = page_.add_probes();
    listed->set_vmname(vmname_);
    channel::ProbeName* name = listed->mutable_probe();
    name->set_provider(probe.provider());
    name->set_module(probe.module());
    name->set_function(probe.function());
    name->set_name(probe.name());
    name->set_id(context_.ids.id(probe.provider(), probe.module(), probe.function(), probe.name()));
  }
  return last;
}

void Lister::flush(bool more) {
  channel::FromDaemon message;
  page_.set_more(more);
  *message.mutable_list_probes() = std::move(page_);
  page_ = {};
  send_(message);
}

}  // namespace ht::daemon
