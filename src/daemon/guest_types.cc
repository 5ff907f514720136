#include "daemon/guest_types.h"

#include <algorithm>

#include "base/log.h"
#include "symbols/kallsyms.h"

namespace ht::daemon {

GuestTypes::GuestTypes(const Limits& limits, VmRegistry& registry, TypeFetcher& fetcher, Linker& linker,
                       uint64_t& next_request, engine::TargetId target, const std::string& program_sha256,
                       const dif::Program& program, std::vector<bool> needed, Done done)
    : limits_(limits),
      registry_(registry),
      fetcher_(fetcher),
      linker_(linker),
      next_request_(next_request),
      target_(target),
      sha256_(program_sha256),
      program_(program),
      needed_(std::move(needed)),
      done_(std::move(done)) {}

Vm* GuestTypes::vm() const {
  Vm* vm = registry_.find(target_);
  return vm != nullptr && vm->ready() ? vm : nullptr;
}

void GuestTypes::finish(Error error) {
  Done done = std::move(done_);
  done(std::move(error));
}

void GuestTypes::run() {
  Vm* guest = vm();
  if (guest == nullptr) return finish(Error("the guest is gone"));
  fetcher_.fetch(*guest, [self = shared_from_this()](auto types) { self->on_kernel(std::move(types)); });
}

void GuestTypes::on_kernel(Result<std::shared_ptr<const types::TypeFile>> types) {
  if (!types.ok()) return finish(std::move(types).error());
  kernel_ = *types;
  link();
}

void GuestTypes::link() {
  std::vector<types::CombinedTypes::Module> modules;
  for (const auto& [name, types] : modules_) modules.push_back({name, types});
  combined_ = std::make_shared<const types::CombinedTypes>(kernel_, std::move(modules));
  const Vm* guest = vm();
  if (guest == nullptr) return finish(Error("the guest is gone"));
  const Linked linked =
      linker_.link(sha256_, program_, combined_.get(), {guest->name(), guest->hello().kernel()}, needed_);
  std::vector<types::TypeName> fresh;
  std::copy_if(linked.wanted.begin(), linked.wanted.end(), std::back_inserter(fresh), [this](const auto& name) {
    return name.name.size() <= limits_.name && name.module.size() <= limits_.name && asked_.insert(name).second;
  });
  if (fresh.empty() || rounds_++ == limits_.module_rounds) {
    Done done = std::move(done_);
    return done(combined_);
  }
  ask(fresh);
}

void GuestTypes::ask(const std::vector<types::TypeName>& names) {
  Vm* guest = vm();
  const uint64_t request = next_request_++;
  guest->exchange().expect(
      Exchange::Body::kModules, std::to_string(request), limits_.which_modules,
      [self = shared_from_this(), count = names.size()](channel::FromMinion* message, const Error& failed) {
        self->on_modules(message, failed, count);
      });
  channel::ToMinion message;
  message.mutable_modules()->set_request(request);
  for (const types::TypeName& name : names) {
    channel::TypeName* to = message.mutable_modules()->add_names();
    to->set_module(name.module);
    to->set_kind(static_cast<uint32_t>(name.kind));
    to->set_name(name.name);
  }
  guest->send(message);
}

void GuestTypes::on_modules(channel::FromMinion* message, const Error& failed, size_t names) {
  if (message == nullptr) return finish(failed);
  if (auto taken = take(message->modules(), names); !taken.ok()) return finish(std::move(taken).error());
  fetch_next();
}

// What it offers is looked at before any of it is uploaded.
Result<void> GuestTypes::take(const channel::ModulesReply& reply, size_t names) {
  if (!reply.error().empty()) return Error("the types of its modules: " + reply.error());
  const Error nonsense("its answer about its modules' types makes no sense");
  if (static_cast<size_t>(reply.modules_size()) > names) return nonsense;
  for (const channel::Module& module : reply.modules()) {
    if (modules_.contains(module.name())) continue;
    const bool twice = std::any_of(offered_.begin(), offered_.end(),
                                   [&](const TypeFetcher::Module& offered) { return offered.name == module.name(); });
    if (twice || !symbols::is_module_name(module.name()) || module.name() == symbols::kKernelModule ||
        !is_hash(module.hash())) {
      return nonsense;
    }
    bytes_ += std::min<uint64_t>(module.size(), limits_.module_bytes + 1);
    if (modules_.size() + offered_.size() >= limits_.modules || bytes_ > limits_.module_bytes) {
      return Error("the program needs the types of too many of its modules");
    }
    offered_.push_back({module.name(), module.hash(), module.size()});
  }
  return {};
}

void GuestTypes::fetch_next() {
  if (offered_.empty()) {
    if (combined_->modules() != modules_.size()) return link();
    Done done = std::move(done_);  // nobody has what is missing: the link says so
    return done(combined_);
  }
  Vm* guest = vm();
  if (guest == nullptr) return finish(Error("the guest is gone"));
  const TypeFetcher::Module next = std::move(offered_.back());
  offered_.pop_back();
  fetcher_.fetch_module(*guest, kernel_, next, [self = shared_from_this(), next](auto types) {
    if (!types.ok()) return self->finish(std::move(types).error());
    if (Vm* seen = self->vm()) seen->saw_module(next.name, next.hash);
    self->modules_[next.name] = *types;
    self->fetch_next();
  });
}

}  // namespace ht::daemon
