#include "daemon/address_names.h"

#include "base/log.h"
#include "daemon/guest_text.h"

namespace ht::daemon {
namespace {

// Takes over what can be shown: names of printable characters, of symbols that begin at the address or before it.
channel::ResolveReply checked(const channel::AddressesReply& answer, const channel::ResolveRequest& request,
                              const Limits& limits) {
  channel::ResolveReply reply;
  for (int i = 0; i < request.addresses_size(); ++i) {
    channel::ResolvedName* name = reply.add_names();
    if (i >= answer.names_size()) continue;
    const channel::AddressName& said = answer.names(i);
    if (!printable(said.module(), limits.name) || !printable(said.name(), limits.name)) continue;
    if (said.start() > request.addresses(i)) continue;
    name->set_module(said.module());
    name->set_name(said.name());
    name->set_start(said.start());
  }
  return reply;
}

channel::ToMinion question(uint64_t number, const channel::ResolveRequest& request) {
  channel::ToMinion message;
  channel::AddressesRequest& ask = *message.mutable_addresses();
  ask.set_request(number);
  ask.set_kernel(request.kernel());
  ask.set_pid(request.pid());
  *ask.mutable_addresses() = request.addresses();
  return message;
}

}  // namespace

AddressNames::~AddressNames() {
  for (engine::TargetId target : asked_) {
    Vm* vm = context_.registry.find(target);
    if (vm == nullptr || !vm->ready()) continue;
    const uint64_t number = context_.next_program++;
    vm->exchange().expect(Exchange::Body::kAddresses, std::to_string(number), context_.limits.address_names,
                          [](channel::FromMinion*, const Error&) {});
    vm->send(question(number, {}));
  }
}

void AddressNames::resolve(const channel::ResolveRequest& request, Done done) {
  const auto target = static_cast<engine::TargetId>(request.target());
  Vm* vm = context_.registry.find(target);
  const bool too_many = static_cast<uint32_t>(request.addresses_size()) > context_.limits.addresses;
  if (vm == nullptr || !vm->ready() || vm->boot() != request.boot() || too_many || request.addresses().empty()) {
    return done({});
  }
  asked_.insert(target);
  const uint64_t number = context_.next_program++;
  vm->exchange().expect(Exchange::Body::kAddresses, std::to_string(number), context_.limits.address_names,
                        [&limits = context_.limits, request, name = vm->name(), done = std::move(done)](
                            channel::FromMinion* message, const Error& failed) {
                          if (message != nullptr) return done(checked(message->addresses(), request, limits));
                          log::warn("{}: names of addresses: {}", name, failed.message);
                          done({});
                        });
  vm->send(question(number, request));
}

}  // namespace ht::daemon
