#include "daemon/vm.h"

#include <arpa/inet.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "agent/agent.h"
#include "base/log.h"
#include "daemon/type_store.h"

namespace ht::daemon {
namespace {

constexpr uint32_t kVersion = 1;
constexpr uint32_t kGreetings = 4;  // until an agent counts as absent

std::string random_bytes() {
  std::string bytes(16, '\0');
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) ::abort();
  return bytes;
}

// Never 0. No two boots that could be mixed up have one number, not even of machines that follow each other in a name.
uint16_t next_boot() {
  static uint16_t last = 0;
  if (++last == 0) ++last;
  return last;
}

// Empty if fine. What a guest says of itself ends up in messages, tables and file names.
std::string wrong_with_name(const std::string& name, const Limits& limits) {
  if (name.size() > limits.name) return "it says a name that is too long";
  const bool control = std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  return control ? "it says a name with control characters" : "";
}

std::string wrong_with_addresses(const google::protobuf::RepeatedPtrField<std::string>& addresses) {
  if (addresses.size() > static_cast<int>(agent::Agent::kMostAddresses)) return "it says too many addresses";
  for (const std::string& address : addresses) {
    unsigned char room[sizeof(in6_addr)];
    if (::inet_pton(AF_INET, address.c_str(), room) != 1 && ::inet_pton(AF_INET6, address.c_str(), room) != 1) {
      return "it says an address that is no address";
    }
  }
  return {};
}

std::string wrong_with(const channel::Hello& hello, const Limits& limits) {
  if (hello.version() != kVersion) {
    return "its agent speaks version " + std::to_string(hello.version()) + " of the protocol, this dtraced " +
           std::to_string(kVersion);
  }
  for (const std::string* text : {&hello.hostname(), &hello.kernel(), &hello.boot_id()}) {
    if (std::string wrong = wrong_with_name(*text, limits); !wrong.empty()) return wrong;
  }
  if (std::string wrong = wrong_with_addresses(hello.addresses()); !wrong.empty()) return wrong;
  if (!is_hash(hello.types_hash()) && !hello.types_hash().empty()) return "its Hello holds no valid hash of types";
  if (hello.cpus() == 0 || hello.cpus() > limits.cpus) return "its Hello claims an impossible number of CPUs";
  if (hello.levels() != 4 && hello.levels() != 5) return "its Hello claims impossible page tables";
  if (hello.minion().size() != 16) return "its Hello does not identify the agent";
  return {};
}

}  // namespace

Vm::Vm(asio::io_context& loop, const Limits& limits, engine::TargetId target, FoundVm found, Watcher& watcher)
    : loop_(loop),
      limits_(limits),
      target_(target),
      found_(std::move(found)),
      watcher_(watcher),
      process_(loop),
      timer_(loop),
      burst_timer_(loop),
      exchange_(loop) {}

Vm::~Vm() {
  if (connection_) connection_->close();
}

std::string Vm::state_name() const {
  switch (state_) {
    case State::kConnecting:
      return "connecting";
    case State::kNoAgent:
      return "no-agent";
    case State::kReady:
      return "ready";
    case State::kBusy:
      return "busy";
    case State::kGone:
      return "gone";
    case State::kFailed:
      return "failed";
  }
  return "unknown";
}

guest::AddressSpaceInfo Vm::address_space() const {
  return {hello_.kernel_root(), hello_.levels(), hello_.page_offset()};
}

void Vm::set_state(State state, std::string detail) {
  if (state != state_ || detail != detail_) {
    state_ = state;
    detail_ = std::move(detail);
    log::info("{}: {}{}{}", name(), state_name(), detail_.empty() ? "" : ": ", detail_);
  }
}

void Vm::start(std::shared_ptr<guest::GuestRam> ram, const std::string& claims) {
  ram_ = std::move(ram);
  claims_ = claims;
  log::info("{}: found, process {}, {}", name(), found_.pid, found_.socket);
  watch_process();
  if (state_ != State::kGone) connect();
}

// A pidfd becomes readable when the process ends: no polling, and no other process with the same number.
void Vm::watch_process() {
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, found_.pid, 0)));
  if (!pidfd) {
    set_state(State::kGone, "its hypervisor process ended");
    return;
  }
  std::error_code ignored;
  process_.assign(pidfd.release(), ignored);
  process_.async_wait(asio::posix::stream_descriptor::wait_read,
                      [this, alive = std::weak_ptr(alive_)](const std::error_code& cancelled) {
                        if (cancelled || alive.expired()) return;
                        close_connection();
                        lose("its hypervisor process ended");
                        set_state(State::kGone, "its hypervisor process ended");
                        ram_.reset();
                        watcher_.vm_gone(*this);  // destroys this
                      });
}

bool Vm::claim() {
  if (claims_.empty() || claim_) return true;
  std::string holder;
  auto lock = LockFile::take(
      claims_ + "/vm-" + std::to_string(found_.pid) + "-" + std::to_string(found_.started) + ".lock", &holder);
  if (lock.ok()) {
    claim_.emplace(std::move(*lock));
    return true;
  }
  if (holder.empty()) log::warn("{}: {}", name(), lock.error().message);
  set_state(State::kBusy, "another dtraced serves it: " + (holder.empty() ? lock.error().message : holder));
  return false;
}

void Vm::retry_if_busy() {
  if (state_ == State::kBusy) connect();
}

void Vm::connect() {
  if (!claim()) return;
  auto socket = channel::connect_unix(found_.socket);
  if (!socket.ok()) return connect_later(socket.error().message);
  failed_connects_ = 0;
  garbage_ = 0;
  unasked_ = 0;
  unanswered_ = 0;
  set_state(State::kConnecting, "waiting for its agent");
  connection_ = channel::Connection::create(loop_, std::move(*socket), {});
  connection_->start({[this](ByteView payload) { on_message(payload); }, [this](uint64_t bytes) { on_garbage(bytes); },
                      [this](const Error&) {
                        connection_.reset();
                        lose("its channel was closed");
                        connect_later("its channel was closed");
                      }});
  instance_ = random_bytes();
  greet();
}

void Vm::connect_later(const std::string& why) {
  if (++failed_connects_ > limits_.reconnects) return cut_off(why);
  set_state(State::kConnecting, why);
  timer_.after(limits_.reconnect, [this] { connect(); });
}

void Vm::greet() {
  channel::ToMinion message;
  message.mutable_greeting()->set_version(kVersion);
  message.mutable_greeting()->set_instance(instance_);
  send(message);
  if (state_ != State::kConnecting) return;
  // What is written before the guest's driver has seen us connect may be lost: a few times, then no more.
  timer_.after(limits_.hello / kGreetings, [this] {
    if (++unanswered_ < kGreetings) return greet();
    set_state(State::kNoAgent, "no agent answers: is dtraced -m running in the guest?");
    watcher_.vm_silent(*this);
  });
}

void Vm::send(const channel::ToMinion& message) {
  if (connection_) connection_->send(message);
}

void Vm::saw_module(const std::string& module, const std::string& hash) {
  if (modules_.size() >= limits_.modules_seen && !modules_.contains(module)) return;
  modules_[module] = hash;
}

bool Vm::has_module(const std::string& module, const std::string& hash) const {
  auto found = modules_.find(module);
  return found != modules_.end() && found->second == hash;
}

void Vm::close_connection() {
  if (connection_) connection_->close();
  connection_.reset();
  timer_.cancel();
  burst_timer_.cancel();
}

void Vm::lose(const std::string& why) {
  const bool was_ready = ready();
  if (was_ready) set_state(State::kConnecting, why);
  modules_.clear();
  exchange_.fail_all(Error("the guest is gone: " + why));
  if (was_ready) watcher_.vm_lost(*this, why);
}

void Vm::reset(const std::string& why) {
  if (state_ == State::kGone || state_ == State::kFailed) return;
  close_connection();
  lose(why);
  connect_later(why);
}

void Vm::cut_off(const std::string& why) {
  if (state_ == State::kGone) return;
  close_connection();
  lose(why);
  set_state(State::kFailed, why);
}

void Vm::revive() {
  if (state_ == State::kNoAgent && connection_) return greet();
  if (state_ != State::kFailed) return;
  failed_connects_ = 0;
  connect();
}

void Vm::on_garbage(uint64_t bytes) {
  garbage_ += bytes;
  if (burst_ == 0) {
    burst_timer_.after(limits_.burst, [this] {
      log::warn("{}: {} bytes on its channel were no message and were skipped", name(), burst_);
      burst_ = 0;
      if (connection_) greet();  // a Hello may have been among them
    });
  }
  burst_ += bytes;
  if (garbage_ > limits_.garbage) {
    cut_off("cut off: " + std::to_string(garbage_) + " bytes on its channel were no message");
  }
}

void Vm::unasked() {
  if (++unasked_ > limits_.unasked) cut_off("cut off: it keeps sending what nobody asked for");
}

void Vm::on_message(ByteView payload) {
  channel::FromMinion message;
  if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return on_garbage(payload.size() + channel::kFrameHeader);
  }
  if (message.has_hello()) return on_hello(message.hello());
  if (ready() && exchange_.deliver(message)) return;
  unasked();  // late, twice, or made up
}

void Vm::ask_names(uint64_t request, std::function<void()> done) {
  exchange_.expect(Exchange::Body::kNames, std::to_string(request), limits_.names,
                   [this, done = std::move(done)](channel::FromMinion* message, const Error& failed) {
                     if (message != nullptr) {
                       take_names(*message->mutable_names());
                     } else {
                       log::warn("{}: what it is called now: {}", name(), failed.message);
                     }
                     done();
                   });
  channel::ToMinion message;
  message.mutable_names()->set_request(request);
  send(message);
}

void Vm::take_names(channel::Names& names) {
  std::string wrong = wrong_with_name(names.hostname(), limits_);
  if (wrong.empty()) wrong = wrong_with_addresses(names.addresses());
  if (!wrong.empty()) return cut_off("cut off: " + wrong);
  hello_.set_hostname(std::move(*names.mutable_hostname()));
  hello_.mutable_addresses()->Swap(names.mutable_addresses());
}

void Vm::on_hello(const channel::Hello& hello) {
  if (std::string wrong = wrong_with(hello, limits_); !wrong.empty()) return cut_off("cut off: " + wrong);
  const bool same = ready() && hello.minion() == hello_.minion() && hello.boot_id() == hello_.boot_id();
  if (hello.instance() == instance_ && same) return unasked();  // we greeted twice
  if (ready() && !same) {
    lose(hello.boot_id() != hello_.boot_id() ? "it rebooted" : "its agent was started again");
  }
  if (hello.instance() != instance_) {
    unasked();
    if (connection_) greet();
    return;
  }
  if (hello.boot_id() != hello_.boot_id() || boot_ == 0) boot_ = next_boot();
  rebooted_ = !hello_.boot_id().empty() && hello.boot_id() != hello_.boot_id();
  hello_ = hello;
  timer_.cancel();
  set_state(State::kReady, "");
  log::info("{}: {}, kernel {}, {} CPUs", name(), hello_.hostname(), hello_.kernel(), hello_.cpus());
  watcher_.vm_ready(*this);
}

}  // namespace ht::daemon
