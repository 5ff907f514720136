#include "daemon/trace_session.h"

#include <fcntl.h>

#include <algorithm>

#include "base/glob.h"
#include "base/hash.h"
#include "base/log.h"
#include "daemon/guest_symbols.h"
#include "daemon/settle.h"
#include "dif/verify.h"
#include "object/elf.h"

namespace ht::daemon {
namespace {

bool describes(const dif::ProbeDesc& description, const GuestProbe& probe) {
  return field_match(description.provider, probe.provider) && field_match(description.module, probe.module) &&
         field_match(description.function, probe.function) && field_match(description.name, probe.name);
}

channel::Diagnostic cannot_enable(const Error& error) {
  return to_diagnostic(Error("could not enable tracing: " + error.message, error.hint));
}

Result<UniqueFd> duplicate(int fd) {
  UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) return errno_error("cannot pass the session's buffers");
  return copy;
}

}  // namespace

KnownGuest known_guest(const Vm& vm, const VmRegistry& registry) {
  KnownGuest guest;
  guest.target = vm.target();
  guest.names = {vm.name(), vm.hello().hostname(), vm.hello().kernel(), {}};
  guest.names.addresses.assign(vm.hello().addresses().begin(), vm.hello().addresses().end());
  // The host knows its guests' names better than they do: nobody is traced in another's place.
  for (const Vm* other : registry.vms()) {
    if (other == &vm || other->name() != guest.names.hostname) continue;
    log::warn("{} says that its host name is {}, which is the name of another guest: it is not taken as one", vm.name(),
              guest.names.hostname);
    guest.names.hostname.clear();
    break;
  }
  guest.ready = vm.ready();
  guest.state = vm.state_name() + (vm.detail().empty() ? "" : ": " + vm.detail());
  return guest;
}

std::vector<KnownGuest> known_guests(const VmRegistry& registry) {
  std::vector<KnownGuest> guests;
  for (const Vm* vm : registry.vms()) guests.push_back(known_guest(*vm, registry));
  return guests;
}

channel::Diagnostic to_diagnostic(const Error& error, const std::string& guest) {
  channel::Diagnostic diagnostic;
  diagnostic.set_message(error.message);
  diagnostic.set_tag(error.tag);
  diagnostic.set_hint(error.hint);
  diagnostic.set_file(error.pos.file);
  diagnostic.set_line(error.pos.line);
  diagnostic.set_column(error.pos.column);
  diagnostic.set_guest(guest);
  return diagnostic;
}

TraceSession::TraceSession(SessionContext& context, uint64_t id, Send send)
    : context_(context), id_(id), send_(std::move(send)) {}

TraceSession::~TraceSession() = default;

void TraceSession::submit(const channel::SubmitRequest& request, std::function<void()> refused) {
  refused_ = std::move(refused);
  if (auto loaded = load(request); !loaded.ok()) return refuse({to_diagnostic(loaded.error())});
  progress("looking for guests", 0, 0);
  settle_guests(context_, targets_of(program_), resolver_, [self = shared_from_this()] {
    if (self->state_ == State::kSetup) self->choose_guests();
  });
}

Result<void> TraceSession::load(const channel::SubmitRequest& request) {
  auto program = object::read(as_bytes(request.elf()));
  if (!program.ok()) return Error("the program is not a valid ELF object of ours: " + program.error().message);
  if (auto valid = dif::verify(*program, dif::Stage::kCompiled); !valid.ok()) {
    return Error("the program in the ELF object is not valid: " + valid.error().message);
  }
  program_ = std::move(*program);
  sha256_ = sha256_hex(as_bytes(request.elf()));
  needs_types_ = link::needs_types(program_);
  destructive_ = request.destructive();
  allow_no_match_ = request.allow_no_match();
  partial_ = request.partial();
  ASSIGN_OR_RETURN(resolver_, target_resolver({request.resolvers().begin(), request.resolvers().end()}));
  matched_.assign(program_.clauses.size(), 0);
  context_.store.hold(ProgramStore::Kind::kBase, sha256_, as_bytes(request.elf()));
  return {};
}

void TraceSession::refuse(std::vector<channel::Diagnostic> errors) {
  channel::FromDaemon message;
  for (auto& error : errors) *message.mutable_failure()->add_errors() = std::move(error);
  message.mutable_failure();
  send_(message, {});
  auto refused = std::move(refused_);
  if (refused) refused();
}

void TraceSession::progress(const std::string& text, uint32_t done, uint32_t total) {
  channel::FromDaemon message;
  message.mutable_progress()->set_text(text);
  message.mutable_progress()->set_done(done);
  message.mutable_progress()->set_total(total);
  send_(message, {});
}

void TraceSession::for_each_guest(const std::string& what, const Step& step, void (TraceSession::*next)()) {
  std::vector<DeploymentPtr> all;
  for (const auto& [target, deployment] : guests_) all.push_back(deployment);
  const auto total = static_cast<uint32_t>(all.size());
  auto done = std::make_shared<uint32_t>(0);
  auto one_done = [self = shared_from_this(), done, total, what, next] {
    if (self->state_ != State::kSetup) return;
    if (++*done > total) return ((*self).*next)();
    self->progress(what, *done, total);
  };
  for (const DeploymentPtr& deployment : all) {
    step(deployment, [self = shared_from_this(), deployment, one_done](Result<void> result) {
      if (self->state_ != State::kSetup) return;
      if (!result.ok()) self->leave_out(deployment, result.error());
      one_done();
    });
  }
  one_done();  // last, so that the phase does not end while it is being begun
}

void TraceSession::leave_out(const DeploymentPtr& deployment, const Error& error) {
  channel::GuestStatus status;
  status.set_target(deployment->target());
  status.set_vmname(deployment->vmname);
  status.set_kernel(deployment->kernel);
  status.set_state("left out");
  Error said = error;
  said.hint += (said.hint.empty() ? "" : "; ") + deployment->vmname + " is left out";
  *status.add_errors() = to_diagnostic(said, deployment->vmname);
  left_out_.push_back(std::move(status));
  left_out_uses_.push_back(deployment->use());
  log::info("session {}: {} is left out: {}", id_, deployment->vmname, error.message);
  guests_.erase(deployment->target());
  deployment->disarm([deployment](const Result<void>&) {});
}

bool TraceSession::refuse_if_nobody_is_left() {
  if (!guests_.empty() || left_out_.empty()) return false;
  std::vector<channel::Diagnostic> errors;
  for (const channel::GuestStatus& status : left_out_) {
    for (channel::Diagnostic error : status.errors()) {
      if (error.line() == 0) error.set_message(status.vmname() + ": " + error.message());
      errors.push_back(std::move(error));
    }
  }
  refuse(std::move(errors));
  return true;
}

void TraceSession::choose_guests() {
  const std::vector<KnownGuest> known = known_guests(context_.registry);
  decide_targets(targets_of(program_), known, resolver_);
  Plan plan = plan_targets(program_, known, resolver_, allow_no_match_);
  if (!plan.errors.empty()) {
    std::vector<channel::Diagnostic> errors;
    for (const Error& error : plan.errors) errors.push_back(to_diagnostic(error));
    return refuse(std::move(errors));
  }
  host_ = std::move(plan.host);
  for (auto& [target, use] : plan.guests) {
    guests_[target] = std::make_shared<Deployment>(context_.limits, context_.registry, context_.calls, target,
                                                   context_.next_program++, std::move(use));
  }
  fetch_types();
}

void TraceSession::fetch_types() {
  if (!needs_types_) return link_all();
  for_each_guest(
      "reading types",
      [this](const DeploymentPtr& deployment, Deployment::Done done) { fetch_types_of(deployment, std::move(done)); },
      &TraceSession::link_all);
}

void TraceSession::fetch_types_of(const DeploymentPtr& deployment, Deployment::Done done) {
  auto types_found = [self = shared_from_this(), deployment, done = std::move(done)](auto types) {
    if (!types.ok()) return done(std::move(types).error());
    deployment->types_hash = (*types)->hash();
    self->types_[deployment->types_hash] = *types;
    done({});
  };
  std::make_shared<GuestTypes>(context_.limits, context_.registry, context_.types, context_.linker,
                               context_.next_program, deployment->target(), sha256_, program_,
                               needed_clauses(deployment.get()), std::move(types_found))
      ->run();
}

// The program linked for that guest's kernel, from this session or anew. The errors of the link go to `errors`.
Result<TraceSession::Variant*> TraceSession::variant_for(const DeploymentPtr& deployment, std::vector<Error>* errors) {
  if (deployment && !program_.types_hash.empty()) {
    // Linked by the client: it runs on that kernel and on no other.
    const Vm* vm = context_.registry.find(deployment->target());
    deployment->types_hash = vm != nullptr ? vm->hello().types_hash() : "";
    if (deployment->types_hash != program_.types_hash) {
      Error other("the program is linked for kernel " + program_.kernel +
                      link::suffix({deployment->vmname, deployment->kernel}),
                  "an object that is not linked runs on every kernel that has what it uses");
      errors->push_back(other);
      return other;
    }
  }
  const std::string hash = needs_types_ && deployment ? deployment->types_hash : "";
  const std::vector<bool> needed = needed_clauses(deployment.get());
  for (auto& variant : variants_) {
    if (variant->types_hash == hash && variant->needed == needed) return variant.get();
  }
  const types::CombinedTypes* types = hash.empty() ? nullptr : types_[hash].get();
  link::TargetName target;
  if (deployment) target = {deployment->vmname, deployment->kernel};
  Linked linked = context_.linker.link(sha256_, program_, types, target, needed);
  if (linked.program == nullptr) {
    Error first = linked.errors.empty() ? Error("it cannot be linked") : linked.errors[0];
    *errors = std::move(linked.errors);
    return first;
  }
  for (auto& variant : variants_) {
    if (variant->program == linked.program) return variant.get();  // other clauses, but it fits as a whole
  }
  auto variant = std::make_unique<Variant>();
  variant->types_hash = hash;
  variant->needed = needed;
  variant->program = std::move(linked.program);
  variants_.push_back(std::move(variant));
  return variants_.back().get();
}

// The clauses that this guest may run, and those of the host's own probes, which run as any guest's program says.
std::vector<bool> TraceSession::needed_clauses(const Deployment* deployment) const {
  std::vector<bool> needed(program_.clauses.size(), false);
  for (const HostUse& use : host_) needed[use.clause] = true;
  for (size_t i = 0; deployment != nullptr && i < needed.size(); ++i) {
    const std::vector<bool>& use = deployment->use()[i];
    if (std::find(use.begin(), use.end(), true) != use.end()) needed[i] = true;
  }
  return needed;
}

void TraceSession::link_all() {
  if (refuse_if_nobody_is_left()) return;
  std::vector<channel::Diagnostic> refusals;
  std::map<std::pair<std::string, std::vector<bool>>, bool> failed;  // one kernel's errors are said once
  const auto all = guests_;
  for (const auto& [target, deployment] : all) {
    progress("linking", 0, 0);
    std::vector<Error> errors;
    if (variant_for(deployment, &errors).ok()) continue;
    bool& said = failed[{deployment->types_hash, needed_clauses(deployment.get())}];
    for (const Error& error : errors) {
      if (!said) refusals.push_back(to_diagnostic(error, deployment->vmname));
    }
    said = true;
    if (partial_) leave_out(deployment, errors.empty() ? Error("it cannot be linked") : errors[0]);
  }
  if (!refusals.empty() && !partial_) return refuse(std::move(refusals));
  if (refuse_if_nobody_is_left()) return;
  if (variants_.empty()) {  // the host's own probes only
    std::vector<Error> errors;
    if (!variant_for(nullptr, &errors).ok()) {
      for (const Error& error : errors) refusals.push_back(to_diagnostic(error));
      return refuse(std::move(refusals));
    }
  }
  create_engine_session();
}

void TraceSession::create_engine_session() {
  auto config = engine::session_config(program_);
  if (!config.ok()) return refuse({to_diagnostic(config.error())});
  config->slots = context_.slots;
  config->destructive = destructive_;
  auto session = context_.engine.create_session(*config);
  if (!session.ok()) return refuse({cannot_enable(session.error())});
  engine_ = std::move(*session);
  adjustments_ = engine::adjustments(*config, engine_->config());
  for (auto& variant : variants_) {
    if (auto loaded = load_variant(variant.get()); !loaded.ok()) return refuse({cannot_enable(loaded.error())});
  }
  find_symbols();
}

void TraceSession::find_symbols() {
  const bool any = std::any_of(variants_.begin(), variants_.end(),
                               [](const auto& variant) { return !variant->program->symbols.empty(); });
  if (!any) return install_all();
  for_each_guest(
      "looking up kernel symbols",
      [this](const DeploymentPtr& deployment, Deployment::Done done) { find_symbols_of(deployment, std::move(done)); },
      &TraceSession::symbols_found);
}

// Addresses differ with each boot: the link stays that of the kernel, and the engine gets them beside it.
void TraceSession::find_symbols_of(const DeploymentPtr& deployment, Deployment::Done done) {
  std::vector<Error> errors;
  auto variant = variant_for(deployment, &errors);
  if (!variant.ok()) return done(std::move(variant).error());
  if ((*variant)->program->symbols.empty()) return done({});
  Vm* vm = context_.registry.find(deployment->target());
  if (vm == nullptr || !vm->ready()) return done(Error("the guest is gone"));
  ask_symbols(context_.limits, *vm, context_.next_program++, (*variant)->program,
              [self = shared_from_this(), deployment, done = std::move(done)](const SymbolsAnswer& answer) {
                if (answer.symbols != nullptr) {
                  if (self->engine_) self->engine_->set_symbols(deployment->target(), answer.symbols);
                  return done({});
                }
                for (const Error& error : answer.errors) {
                  if (!error.pos.known()) continue;
                  self->missing_symbols_.push_back(to_diagnostic(error, deployment->vmname));
                }
                done(answer.errors[0]);
              });
}

// What a guest's kernel lacks is as if it did not link there.
void TraceSession::symbols_found() {
  if (!missing_symbols_.empty() && !partial_) return refuse(std::move(missing_symbols_));
  install_all();
}

Result<void> TraceSession::load_variant(Variant* variant) {
  ASSIGN_OR_RETURN(variant->index, engine_->add_variant(variant->program));
  return {};
}

void TraceSession::install_all() {
  if (refuse_if_nobody_is_left()) return;
  for_each_guest(
      "installing",
      [this](const DeploymentPtr& deployment, Deployment::Done done) { install(deployment, std::move(done)); },
      &TraceSession::check_matches);
}

void TraceSession::install(const DeploymentPtr& deployment, Deployment::Done done) {
  std::vector<Error> errors;
  auto variant = variant_for(deployment, &errors);
  if (!variant.ok()) return done(std::move(variant).error());
  deployment->variant = (*variant)->index;
  auto object =
      std::make_shared<const Bytes>(object::write(program_for_guest(*(*variant)->program, deployment->use())));
  std::string sha256 = sha256_hex(*object);
  context_.store.hold(ProgramStore::Kind::kOutbound, sha256, *object);
  held_.push_back(sha256);
  deployment->install(std::move(object), std::move(sha256), std::move(done));
}

// Every description must match a probe of some guest that it means, or one of the host's. With -x partial a guest that
// is left out may have been the one: it has said why it is left out, and that is enough.
std::vector<channel::Diagnostic> TraceSession::unmatched() const {
  const std::vector<GuestUse> excused = partial_ ? left_out_uses_ : std::vector<GuestUse>();
  std::vector<channel::Diagnostic> errors;
  for (uint32_t i = 0; i < program_.clauses.size(); ++i) {
    for (uint32_t j = 0; j < program_.clauses[i].probes.size(); ++j) {
      const dif::ProbeDesc& description = program_.clauses[i].probes[j];
      bool found = std::any_of(host_.begin(), host_.end(),
                               [&](const HostUse& use) { return use.clause == i && use.description == j; }) ||
                   std::any_of(excused.begin(), excused.end(), [&](const GuestUse& use) { return use[i][j]; });
      for (const auto& [target, deployment] : guests_) {
        if (found || !deployment->use()[i][j]) continue;
        for (const GuestMatch& match : deployment->matches()) {
          found = found || (match.clause == i &&
                            std::any_of(match.probes.begin(), match.probes.end(),
                                        [&](const GuestProbe& probe) { return describes(description, probe); }));
        }
      }
      if (found) continue;
      Error error("probe description " + description.text() + " does not match any probes");
      error.tag = "D_PDESC_ZERO";
      error.pos = description.pos;
      if (context_.registry.vms().empty()) error.hint = "no guest is known: see dtracedctl list";
      errors.push_back(to_diagnostic(error));
    }
  }
  return errors;
}

void TraceSession::check_matches() {
  if (refuse_if_nobody_is_left()) return;
  if (!allow_no_match_) {
    auto errors = unmatched();
    if (!errors.empty()) return refuse(std::move(errors));
  }
  arm_all();
}

void TraceSession::arm_all() {
  for_each_guest(
      "arming", [](const DeploymentPtr& deployment, Deployment::Done done) { deployment->arm(std::move(done)); },
      &TraceSession::submitted);
}

// Once for each description of the clause that names the probe; the guest says only that some did.
void TraceSession::enable(const Deployment& deployment) {
  for (const GuestMatch& match : deployment.matches()) {
    const std::vector<dif::ProbeDesc>& descriptions = program_.clauses[match.clause].probes;
    const std::vector<bool>& meant = deployment.use()[match.clause];
    for (const GuestProbe& probe : match.probes) {
      engine::ProbeName name{context_.ids.id(probe.provider, probe.module, probe.function, probe.name), probe.provider,
                             probe.module, probe.function, probe.name};
      for (size_t i = 0; i < descriptions.size(); ++i) {
        if (!meant[i] || !describes(descriptions[i], probe)) continue;
        ++matched_[match.clause];
        engine_->enable(deployment.target(), probe.number, name, deployment.variant, match.clause);
      }
    }
  }
}

void TraceSession::enable_host() {
  // Two descriptions of a clause that name one probe enable it twice.
  for (const HostUse& use : host_) {
    ++matched_[use.clause];
    engine::ProbeName name = use.probe.name;
    name.id = context_.ids.id(name.provider, name.module, name.function, name.name);
    engine_->enable(engine::kHost, use.probe.probe, name, variants_[0]->index, use.clause);
  }
}

void TraceSession::add_probe_names(google::protobuf::RepeatedPtrField<channel::ProbeName>* names) {
  const auto& all = engine_->probe_names();
  for (; names_sent_ < all.size(); ++names_sent_) {
    channel::ProbeName* name = names->Add();
    name->set_id(all[names_sent_].id);
    name->set_provider(all[names_sent_].provider);
    name->set_module(all[names_sent_].module);
    name->set_function(all[names_sent_].function);
    name->set_name(all[names_sent_].name);
  }
}

void TraceSession::add_variants(google::protobuf::RepeatedPtrField<std::string>* variants) {
  for (; variants_sent_ < variants_.size(); ++variants_sent_) {
    const Bytes object = object::write(*variants_[variants_sent_]->program);
    variants->Add()->assign(object.begin(), object.end());
  }
}

void TraceSession::submitted() {
  if (refuse_if_nobody_is_left()) return;
  enable_host();
  for (const auto& [target, deployment] : guests_) enable(*deployment);
  context_.engine.publish(engine_);

  channel::FromDaemon message;
  channel::Submitted& reply = *message.mutable_submitted();
  reply.set_session(id_);
  add_variants(reply.mutable_variants());
  add_probe_names(reply.mutable_probes());
  for (const auto& [target, deployment] : guests_) {
    channel::GuestStatus* status = reply.add_guests();
    status->set_target(target);
    status->set_vmname(deployment->vmname);
    if (const Vm* vm = context_.registry.find(target)) status->set_boot(vm->boot());
    status->set_kernel(deployment->kernel);
    status->set_state(deployment->armed() ? "armed" : "nothing matched");
    status->set_matched(deployment->matched());
    status->set_variant(deployment->variant);
  }
  for (const channel::GuestStatus& status : left_out_) *reply.add_guests() = status;
  for (uint64_t count : matched_) reply.add_matched(count);
  for (const std::string& text : adjustments_) reply.add_adjustments(text);

  auto data = duplicate(engine_->data_fd());
  auto control = duplicate(engine_->control_fd());
  if (!data.ok() || !control.ok()) return refuse({to_diagnostic(data.ok() ? control.error() : data.error())});
  std::vector<UniqueFd> fds;
  fds.push_back(std::move(*data));
  fds.push_back(std::move(*control));
  state_ = State::kSubmitted;
  log::info("session {}: {} guests, {} left out", id_, guests_.size(), left_out_.size());
  send_(message, std::move(fds));
  for (Vm* vm : context_.registry.vms()) {  // that came while this was being set up
    if (vm->ready()) vm_ready(*vm);
  }
}

Result<void> TraceSession::start() {
  if (state_ != State::kSubmitted) return Error("there is no session to start");
  // What was lost while it was being armed is nobody's loss: nothing ran yet.
  for (const auto& [target, deployment] : guests_) deployment->baseline = context_.calls.totals(target);
  RETURN_IF_ERROR(engine_->start());
  state_ = State::kRunning;
  return {};
}

void TraceSession::end(Ended ended) {
  if (ended) ended_.push_back(std::move(ended));
  if (state_ == State::kEnding) return;
  if (state_ == State::kEnded) return finish_end();
  const bool ran = state_ == State::kRunning;
  state_ = State::kEnding;
  auto open = std::make_shared<size_t>(guests_.size() + 1);
  auto one_done = [self = shared_from_this(), open, ran] {
    if (--*open > 0) return;
    for (const auto& [target, deployment] : self->guests_) {
      channel::GuestDrops drops;
      if (ran) self->note_drops(*deployment, &drops);
    }
    self->finish_end();
  };
  const auto all = guests_;
  for (const auto& [target, deployment] : all) {
    deployment->disarm([one_done](const Result<void>&) { one_done(); });
  }
  one_done();
}

void TraceSession::finish_end() {
  if (state_ != State::kEnded) {
    state_ = State::kEnded;
    if (engine_) {
      engine_->stop();
      context_.engine.remove(engine_);
    }
    guests_.clear();
    context_.store.release(ProgramStore::Kind::kBase, sha256_);
    for (const std::string& sha256 : held_) context_.store.release(ProgramStore::Kind::kOutbound, sha256);
    log::info("session {}: ended", id_);
  }
  channel::Stopped stopped;
  for (const auto& [name, drops] : drops_) *stopped.add_drops() = drops;
  auto all = std::move(ended_);
  ended_.clear();
  for (Ended& ended : all) ended(stopped);
}

}  // namespace ht::daemon
