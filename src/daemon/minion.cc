#include "daemon/minion.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/log.h"
#include "dif/verify.h"
#include "object/elf.h"

namespace ht::daemon {
namespace {

constexpr uint32_t kVersion = 1;
constexpr size_t kMostPrograms = 256;
constexpr size_t kMostUploads = 4;       // side by side
constexpr int kMostNames = 4096;         // of types, in one question
constexpr size_t kMostProbes = 150'000;  // of a program; the overlord believes no guest that claims many more
constexpr size_t kMostObject = size_t{16} << 20;
constexpr uint32_t kProbesPerPage = 4000;  // well below a frame

std::string random_identity() {
  std::string bytes(16, '\0');
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  return bytes;
}

void fill_probe(channel::Probe* to, const agent::Probe& from) {
  to->set_number(from.number);
  to->set_provider(from.provider);
  to->set_module(from.module);
  to->set_function(from.function);
  to->set_name(from.name);
}

}  // namespace

Minion::Minion(agent::Agent& agent, Port& port) : agent_(agent), port_(port), identity_(random_identity()) {}

void Minion::run() {
  Bytes buffer(64 << 10);
  // The overlord may have greeted the process before this one, and be waiting.
  send_hello();
  for (;;) {
    switch (port_.wait()) {
      case Port::Event::kStopped:
        return;
      case Port::Event::kDisconnected:
        host_is_gone();
        if (!port_.wait_for_host()) return;
        break;
      case Port::Event::kData:
        receive(buffer);
        break;
    }
  }
}

void Minion::receive(std::span<uint8_t> buffer) {
  const size_t count = port_.read(buffer);
  decoder_.feed(buffer.first(count));
  while (auto payload = decoder_.next()) {
    channel::ToMinion message;
    if (message.ParseFromArray(payload->data(), static_cast<int>(payload->size()))) handle(message);
  }
}

void Minion::host_is_gone() {
  if (connected_) log::info("the host is gone: everything is disarmed");
  connected_ = false;
  decoder_.reset();
  instance_.clear();
  types_ = {};
  agent_.forget_addresses();
  if (programs_.empty()) return;
  agent_.disarm_all();
  programs_.clear();
}

void Minion::send(const channel::FromMinion& message) {
  const Bytes frame = channel::encode_frame(message);
  if (frame.size() > channel::kGuestFrameLimit) {
    log::error("an answer of {} bytes is too large to be sent", frame.size());
    return;
  }
  if (auto written = port_.write(frame); !written.ok()) {
    log::warn("{}", written.error().message);
    host_is_gone();
  }
}

void Minion::send_hello() {
  const agent::GuestInfo& info = agent_.info();
  channel::FromMinion message;
  channel::Hello& hello = *message.mutable_hello();
  hello.set_version(kVersion);
  const agent::OwnNames names = agent_.names();
  hello.set_hostname(names.hostname);
  hello.set_kernel(info.kernel);
  hello.set_boot_id(info.boot_id);
  hello.set_types_hash(info.types_hash);
  hello.set_cpus(info.cpus);
  hello.set_kernel_root(info.kernel_root);
  hello.set_levels(info.levels);
  hello.set_page_offset(info.page_offset);
  for (const std::string& address : names.addresses) hello.add_addresses(address);
  hello.set_minion(identity_);
  hello.set_instance(instance_);
  send(message);
}

void Minion::handle(const channel::ToMinion& message) {
  switch (message.body_case()) {
    case channel::ToMinion::kGreeting:
      return on_greeting(message.greeting());
    case channel::ToMinion::kTypes:
      return on_types(message.types());
    case channel::ToMinion::kNames:
      return on_names(message.names());
    case channel::ToMinion::kModules:
      return on_modules(message.modules());
    case channel::ToMinion::kAddresses:
      return on_addresses(message.addresses());
    case channel::ToMinion::kSymbols:
      return on_symbols(message.symbols());
    case channel::ToMinion::kList:
      return on_list(message.list());
    case channel::ToMinion::kInstall:
      return on_install(message.install());
    case channel::ToMinion::kArm:
      return on_arm(message.arm());
    case channel::ToMinion::kDisarm:
      return on_disarm(message.disarm());
    case channel::ToMinion::kStatus: {
      channel::FromMinion reply;
      reply.mutable_status()->set_programs(static_cast<uint32_t>(programs_.size()));
      fill(reply.mutable_status()->mutable_counters());
      return send(reply);
    }
    case channel::ToMinion::BODY_NOT_SET:
      return;
  }
}

void Minion::on_addresses(const channel::AddressesRequest& request) {
  if (request.addresses().empty()) agent_.forget_addresses();
  channel::FromMinion message;
  channel::AddressesReply& reply = *message.mutable_addresses();
  reply.set_request(request.request());
  const std::vector<uint64_t> addresses(request.addresses().begin(), request.addresses().end());
  for (const auto& symbol : agent_.at(request.kernel(), request.pid(), addresses)) {
    channel::AddressName* name = reply.add_names();
    if (!symbol) continue;
    name->set_module(symbol->module);
    name->set_name(symbol->name);
    name->set_start(symbol->start);
  }
  send(message);
}

void Minion::on_names(const channel::NamesRequest& request) {
  const agent::OwnNames names = agent_.names();
  channel::FromMinion message;
  channel::Names& reply = *message.mutable_names();
  reply.set_request(request.request());
  reply.set_hostname(names.hostname);
  for (const std::string& address : names.addresses) reply.add_addresses(address);
  send(message);
}

void Minion::on_greeting(const channel::Greeting& greeting) {
  if (greeting.instance() != instance_) {
    if (!programs_.empty()) log::info("another overlord: what the last one had armed is disarmed");
    host_is_gone();
    connected_ = true;
    instance_ = greeting.instance();
    log::info("an overlord is there");
  }
  send_hello();
}

// What was there when the upload began is what is sent, whole: a module may go meanwhile.
Result<const Bytes*> Minion::types_to_send(const channel::TypesRequest& request) {
  if (auto begun = types_.find(request.hash()); begun != types_.end()) return &begun->second;
  const bool kernels = request.module().empty();
  if (kernels && request.hash() != agent_.info().types_hash) return Error("this kernel's types have another hash");
  ASSIGN_OR_RETURN(Bytes blob, kernels ? agent_.types() : agent_.module_types(request.module()));
  if (!kernels && sha256_hex(blob) != request.hash()) return Error("the module's types are others by now");
  if (types_.size() >= kMostUploads) types_.erase(types_.begin());
  return &(types_[request.hash()] = std::move(blob));
}

void Minion::on_types(const channel::TypesRequest& request) {
  channel::FromMinion reply;
  channel::TypesChunk& chunk = *reply.mutable_types();
  chunk.set_hash(request.hash());
  chunk.set_module(request.module());
  chunk.set_offset(request.offset());
  auto found = types_to_send(request);
  if (!found.ok()) {
    chunk.set_error(found.error().message);
    return send(reply);
  }
  const Bytes& types = **found;
  const size_t offset = std::min<uint64_t>(request.offset(), types.size());
  const size_t size = std::min<size_t>({request.length(), types.size() - offset, channel::kGuestFrameLimit / 2});
  chunk.set_total(types.size());
  chunk.set_data(types.data() + offset, size);
  if (offset + size == types.size()) types_.erase(request.hash());
  send(reply);
}

void Minion::on_modules(const channel::ModulesRequest& request) {
  channel::FromMinion message;
  channel::ModulesReply& reply = *message.mutable_modules();
  reply.set_request(request.request());
  std::vector<types::TypeName> names;
  for (const channel::TypeName& name : request.names()) {
    names.push_back({name.module(), static_cast<types::Kind>(name.kind() & 0xff), name.name()});
  }
  auto found = request.names_size() > kMostNames ? Error("there are too many names") : agent_.modules_with(names);
  if (!found.ok()) {
    reply.set_error(found.error().message);
    return send(message);
  }
  for (const agent::ModuleTypes& types : *found) {
    channel::Module* module = reply.add_modules();
    module->set_name(types.module);
    module->set_size(types.size);
    module->set_hash(types.hash);
  }
  send(message);
}

void Minion::on_symbols(const channel::SymbolsRequest& request) {
  std::vector<agent::SymbolName> names;
  for (const channel::SymbolName& name : request.symbols()) names.push_back({name.module(), name.name()});
  channel::FromMinion message;
  channel::SymbolsReply& reply = *message.mutable_symbols();
  reply.set_request(request.request());
  auto found = agent_.symbols(names);
  if (!found.ok()) {
    reply.set_error(found.error().message);
    return send(message);
  }
  for (const agent::FoundSymbols::Symbol& symbol : found->symbols) {
    channel::Symbol* to = reply.add_symbols();
    to->set_found(symbol.found);
    to->set_address(symbol.address);
    to->set_per_cpu(symbol.per_cpu);
  }
  for (uint64_t offset : found->cpu_offsets) reply.add_cpu_offsets(offset);
  send(message);
}

void Minion::on_list(const channel::ListRequest& request) {
  dif::ProbeDesc description;
  description.provider = request.description().provider();
  description.module = request.description().module();
  description.function = request.description().function();
  description.name = request.description().name();
  channel::FromMinion reply;
  reply.mutable_list()->set_request(request.request());
  const uint32_t limit = std::clamp(request.limit(), 1u, kProbesPerPage);
  std::vector<agent::Probe> probes = agent_.list(description, request.first(), limit + 1);
  reply.mutable_list()->set_more(probes.size() > limit);
  if (probes.size() > limit) probes.pop_back();
  for (const agent::Probe& probe : probes) fill_probe(reply.mutable_list()->add_probes(), probe);
  send(reply);
}

void Minion::on_install(const channel::Install& install) {
  auto refuse = [&](const std::string& why) {
    programs_.erase(install.program());
    channel::FromMinion reply;
    reply.mutable_installed()->set_program(install.program());
    reply.mutable_installed()->set_error(why);
    send(reply);
  };
  if (install.offset() == 0) {
    if (!programs_.contains(install.program()) && programs_.size() >= kMostPrograms) {
      return refuse("there are too many programs");
    }
    // Sent again: what the first transfer had armed, if anything, is off.
    agent_.disarm(install.program());
    programs_[install.program()] = {install.sha256(), {}, false, {}};
  }
  auto found = programs_.find(install.program());
  // A piece of something given up, perhaps sent to the process before this one: its first piece will be sent again.
  if (found == programs_.end() || found->second.complete) return;
  Program& program = found->second;
  if (install.offset() != program.object.size() || install.total() > kMostObject || install.data().empty() ||
      program.object.size() + install.data().size() > install.total()) {
    return refuse("the transfer makes no sense");
  }
  program.object.insert(program.object.end(), install.data().begin(), install.data().end());
  if (program.object.size() < install.total()) return;
  if (auto finished = finish_install(&program); !finished.ok()) return refuse(finished.error().message);
  send_installed(install.program(), program);
}

Result<void> Minion::finish_install(Program* program) {
  if (sha256_hex(program->object) != program->sha256) return Error("the program arrived damaged");
  ASSIGN_OR_RETURN(dif::Program parsed, object::read(program->object));
  RETURN_IF_ERROR(dif::verify(parsed, dif::Stage::kLinked));
  program->matches = agent_.match(parsed);
  size_t probes = 0;
  for (const agent::ClauseMatch& match : program->matches) probes += match.probes.size();
  if (probes > kMostProbes) {
    return Error(fmt::format("its clauses name {} probes here, and {} are the most", probes, kMostProbes));
  }
  program->object = {};
  program->complete = true;
  return {};
}

void Minion::send_installed(uint64_t id, const Program& program) {
  channel::FromMinion reply;
  uint32_t on_page = 0;
  reply.mutable_installed()->set_program(id);
  for (const agent::ClauseMatch& match : program.matches) {
    channel::ClauseMatch* to = nullptr;
    for (const agent::Probe& probe : match.probes) {
      if (on_page == kProbesPerPage) {
        reply.mutable_installed()->set_more(true);
        send(reply);
        reply.mutable_installed()->clear_matches();
        on_page = 0;
        to = nullptr;
      }
      if (to == nullptr) {
        to = reply.mutable_installed()->add_matches();
        to->set_clause(match.clause);
      }
      fill_probe(to->add_probes(), probe);
      ++on_page;
    }
  }
  reply.mutable_installed()->set_more(false);
  send(reply);
}

void Minion::on_arm(const channel::Arm& arm) {
  channel::FromMinion reply;
  channel::Armed& armed = *reply.mutable_armed();
  armed.set_program(arm.program());
  auto found = programs_.find(arm.program());
  call::Nonce nonce{};
  if (found == programs_.end() || !found->second.complete) {
    armed.set_error("this program is not installed");
    return send(reply);
  }
  if (arm.nonce().size() != nonce.size()) {
    armed.set_error("the nonce has a wrong size");
    return send(reply);
  }
  std::copy(arm.nonce().begin(), arm.nonce().end(), nonce.begin());
  const std::set<uint32_t> clauses(arm.clauses().begin(), arm.clauses().end());
  std::set<uint32_t> probes;
  for (const agent::ClauseMatch& match : found->second.matches) {
    if (!clauses.contains(match.clause)) continue;
    for (const agent::Probe& probe : match.probes) probes.insert(probe.number);
  }
  auto rings = agent_.arm(arm.program(), {probes.begin(), probes.end()}, nonce);
  if (!rings.ok()) {
    armed.set_error(rings.error().message);
    return send(reply);
  }
  log::info("program {}: {} probes armed", arm.program(), probes.size());
  armed.set_nonce(rings->nonce.data(), rings->nonce.size());
  for (const call::RingPages& ring : rings->rings) {
    channel::RingPages* to = armed.add_rings();
    to->set_cpu(ring.cpu);
    for (uint64_t page : ring.pages) to->add_pages(page);
  }
  fill(armed.mutable_counters());
  send(reply);
}

void Minion::on_disarm(const channel::Disarm& disarm) {
  channel::FromMinion reply;
  reply.mutable_disarmed()->set_program(disarm.program());
  fill(reply.mutable_disarmed()->mutable_counters());  // before the last one takes them away
  agent_.disarm(disarm.program());
  programs_.erase(disarm.program());
  log::info("program {}: disarmed", disarm.program());
  send(reply);
}

void Minion::fill(channel::Counters* counters) const {
  const call::CallCounters from = agent_.counters();
  counters->set_ring_full(from.ring_full);
  counters->set_timed_out(from.timed_out);
  counters->set_breaker(from.breaker);
  counters->set_nested(from.nested);
}

}  // namespace ht::daemon
