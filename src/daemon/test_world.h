// For tests: an overlord with its real engine in a thread, guests that are real Minions with an agent of the test's own
// (their "QEMU" is a listening socket), and a poller that only takes notes. Clients are real ones.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/glob.h"
#include "base/hash.h"
#include "channel/client.h"
#include "channel/connection.h"
#include "daemon/minion.h"
#include "daemon/overlord.h"
#include "daemon/test_directory.h"
#include "dif/assembler.h"
#include "object/elf.h"
#include "types/module_search.h"

namespace ht::daemon::test {

// Waits for what another thread brings about.
template <typename Condition>
bool until(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

class FakeAgent final : public agent::Agent {
 public:
  explicit FakeAgent(std::string hostname, std::string boot_id = "boot-1") {
    own_names_.hostname = std::move(hostname);
    info_.kernel = "6.1.0-test";
    info_.boot_id = std::move(boot_id);
    info_.cpus = 2;
    for (const char* name : {"read", "write", "getppid"}) {
      add("syscall", name, "entry");
      add("syscall", name, "return");
    }
  }
  void add(const std::string& provider, const std::string& function, const std::string& name) {
    probes_.push_back({static_cast<uint32_t>(probes_.size()), provider, "vmlinux", function, name});
  }
  void set_types(Bytes blob, std::string hash) {
    types_ = std::move(blob);
    info_.types_hash = std::move(hash);
  }

  void load_module(const std::string& name, Bytes blob) {
    std::lock_guard lock(mutex_);
    modules_[name] = std::move(blob);
  }

  const agent::GuestInfo& info() const override { return info_; }
  Result<Bytes> types() const override { return types_; }
  Result<std::vector<agent::ModuleTypes>> modules_with(const std::vector<types::TypeName>& names) const override {
    std::lock_guard lock(mutex_);
    ++asked_for_modules;
    if (!answer_modules.empty()) return answer_modules;
    std::vector<agent::ModuleTypes> found;
    std::vector<bool> had(names.size());
    for (const auto& [module, blob] : modules_) {
      const auto defined = types::defines(blob, types::btf_strings(types_).value_or(""), names);
      bool meant = false;
      for (size_t i = 0; i < names.size(); ++i) {
        const bool first = names[i].module.empty() && defined[i] && !had[i];
        had[i] = had[i] || defined[i];
        meant = meant || first || names[i].module == module;
      }
      if (meant) found.push_back({module, blob.size(), sha256_hex(blob)});
    }
    return found;
  }
  Result<Bytes> module_types(const std::string& module) const override {
    std::lock_guard lock(mutex_);
    auto found = modules_.find(module);
    if (found == modules_.end()) return Error("there is no such module");
    ++uploaded[module];
    return found->second;
  }
  std::vector<std::optional<symbols::Symbol>> at(bool kernel, uint32_t pid,
                                                 std::span<const uint64_t> addresses) override {
    std::lock_guard lock(mutex_);
    std::vector<std::optional<symbols::Symbol>> found;
    for (uint64_t address : addresses) {
      const auto known = names_at.find({kernel ? 0 : pid, address});
      found.push_back(known == names_at.end() ? std::nullopt : std::optional(known->second));
    }
    return found;
  }
  void forget_addresses() override { ++forgotten; }
  std::map<std::pair<uint32_t, uint64_t>, symbols::Symbol> names_at;  // before the world starts
  std::atomic<int> forgotten{0};

  Result<agent::FoundSymbols> symbols(const std::vector<agent::SymbolName>& names) const override {
    agent::FoundSymbols found = answer_symbols;
    if (!found.symbols.empty()) return found;
    for (const agent::SymbolName& name : names) {
      const auto known = kernel_symbols.find(name.module + "`" + name.name);
      found.symbols.push_back(known != kernel_symbols.end() ? known->second : agent::FoundSymbols::Symbol{});
    }
    return found;
  }
  agent::OwnNames names() const override {
    std::lock_guard lock(mutex_);
    return own_names_;
  }
  // From the test's thread, at any time.
  void set_names(std::string hostname, std::vector<std::string> addresses = {}) {
    std::lock_guard lock(mutex_);
    own_names_ = {std::move(hostname), std::move(addresses)};
  }
  std::vector<agent::Probe> list(const dif::ProbeDesc& d, uint32_t first, size_t limit) const override {
    std::vector<agent::Probe> found;
    for (const agent::Probe& p : probes_) {
      if (found.size() == limit || p.number < first) continue;
      if (field_match(d.provider, p.provider) && field_match(d.module, p.module) &&
          field_match(d.function, p.function) && field_match(d.name, p.name)) {
        found.push_back(p);
      }
    }
    return found;
  }
  std::vector<agent::ClauseMatch> match(const dif::Program& program) const override {
    std::vector<agent::ClauseMatch> matches;
    for (uint32_t i = 0; i < program.clauses.size(); ++i) {
      std::map<uint32_t, agent::Probe> found;
      for (const auto& description : program.clauses[i].probes) {
        for (const auto& probe : list(description, 0, SIZE_MAX)) found[probe.number] = probe;
      }
      agent::ClauseMatch match{i, {}};
      for (auto& [number, probe] : found) match.probes.push_back(probe);
      if (!match.probes.empty()) matches.push_back(std::move(match));
    }
    return matches;
  }
  Result<call::RingSet> arm(uint64_t program, const std::vector<uint32_t>& probes, const call::Nonce& nonce) override {
    std::lock_guard lock(mutex_);
    if (!refusal.empty()) return Error(refusal);
    if (armed_.empty()) rings_.nonce = nonce;
    armed_[program] = {probes.begin(), probes.end()};
    return rings_;
  }
  void disarm(uint64_t program) override {
    std::lock_guard lock(mutex_);
    armed_.erase(program);
  }
  void disarm_all() override {
    std::lock_guard lock(mutex_);
    armed_.clear();
  }
  call::CallCounters counters() const override { return {}; }

  std::set<uint32_t> armed() const {
    std::lock_guard lock(mutex_);
    std::set<uint32_t> all;
    for (const auto& [program, probes] : armed_) all.insert(probes.begin(), probes.end());
    return all;
  }
  std::string refusal;
  std::map<std::string, agent::FoundSymbols::Symbol> kernel_symbols;  // module`name
  agent::FoundSymbols answer_symbols;                                 // said whatever is asked, if it has symbols
  std::vector<agent::ModuleTypes> answer_modules;                     // said whatever is asked, if it is not empty
  mutable std::atomic<unsigned> asked_for_modules = 0;
  mutable std::map<std::string, unsigned> uploaded;  // modules, how often; under the mutex, so for when all is quiet

 private:
  agent::GuestInfo info_;
  agent::OwnNames own_names_;
  Bytes types_;
  std::map<std::string, Bytes> modules_;
  std::vector<agent::Probe> probes_;
  mutable std::mutex mutex_;
  call::RingSet rings_{.nonce = {}, .rings = {{0, {0x1000}}, {1, {0x2000}}}};
  std::map<uint64_t, std::set<uint32_t>> armed_;
};

// The guest's port and the hypervisor's chardev in one: a listening socket that serves one host at a time.
class SocketPort final : public Port {
 public:
  SocketPort(const std::string& path, int stop_fd) : stop_(stop_fd) {
    listener_ = std::move(channel::listen_unix(path)).value();
  }
  Event wait() override {
    if (!host_) return Event::kDisconnected;
    pollfd polls[2] = {{host_.get(), POLLIN, 0}, {stop_, POLLIN, 0}};
    ::poll(polls, 2, -1);
    if (polls[1].revents != 0) return Event::kStopped;
    char byte = 0;
    if (::recv(host_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
      std::lock_guard lock(mutex_);
      host_.reset();
      return Event::kDisconnected;
    }
    return Event::kData;
  }
  bool wait_for_host() override {
    pollfd polls[2] = {{listener_.get(), POLLIN, 0}, {stop_, POLLIN, 0}};
    ::poll(polls, 2, -1);
    if (polls[1].revents != 0) return false;
    std::lock_guard lock(mutex_);
    host_ = UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return true;
  }
  size_t read(std::span<uint8_t> buffer) override {
    const ssize_t count = ::read(host_.get(), buffer.data(), buffer.size());
    return count > 0 ? static_cast<size_t>(count) : 0;
  }
  Result<void> write(ByteView data) override {
    if (mute) return {};
    std::lock_guard lock(mutex_);
    while (!data.empty()) {
      const ssize_t count = ::send(host_.get(), data.data(), data.size(), MSG_NOSIGNAL);
      if (count <= 0) return Error("the host is gone");
      data = data.subspan(static_cast<size_t>(count));
    }
    return {};
  }
  void hang_up() {
    std::lock_guard lock(mutex_);
    if (host_) ::shutdown(host_.get(), SHUT_RDWR);
  }
  std::atomic<bool> mute = false;

 private:
  std::mutex mutex_;  // host_ changes hands in the minion's thread, and is written to by tests
  UniqueFd listener_, host_;
  int stop_;
};

class FakeGuest {
 public:
  FakeGuest(std::string name, std::string directory)
      : name_(std::move(name)), path_(directory + "/" + name_ + ".port") {
    EXPECT_EQ(::pipe2(stop_, O_CLOEXEC), 0);
    port_ = std::make_unique<SocketPort>(path_, stop_[0]);
    agent = std::make_unique<FakeAgent>(name_ + "-host");
  }
  ~FakeGuest() {
    halt();
    if (process_ > 0) kill_process();
    ::close(stop_[0]);
    ::close(stop_[1]);
  }
  void boot() {
    thread_ = std::thread([this] { Minion(*agent, *port_).run(); });
  }
  void halt() {
    if (!thread_.joinable()) return;
    EXPECT_EQ(::write(stop_[1], "x", 1), 1);
    thread_.join();
    char byte = 0;
    EXPECT_EQ(::read(stop_[0], &byte, 1), 1);
  }
  // As the hypervisor's reset does: the channel stays open on the host's side.
  void reboot(const std::string& boot_id) {
    halt();
    agent = std::make_unique<FakeAgent>(name_ + "-host", boot_id);
    boot();
  }
  // A process to stand for the hypervisor; only for tests that kill it.
  void give_process() {
    process_ = ::fork();
    if (process_ == 0) {
      for (;;) ::pause();
    }
  }
  void kill_process() {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }
  FoundVm found() const {
    FoundVm vm;
    vm.pid = process_ > 0 ? process_ : ::getpid();
    vm.started = std::hash<std::string>()(name_);
    vm.name = name_;
    vm.socket = path_;
    return vm;
  }
  SocketPort& port() { return *port_; }
  std::unique_ptr<FakeAgent> agent;

 private:
  std::string name_, path_;
  int stop_[2] = {-1, -1};
  std::unique_ptr<SocketPort> port_;
  std::thread thread_;
  pid_t process_ = 0;
};

class FakeFinder final : public VmFinder {
 public:
  std::vector<FoundVm> scan() override {
    std::lock_guard lock(mutex_);
    return vms_;
  }
  Result<FoundVm> look(pid_t pid, const std::string&) override {
    return Error("there is no process " + std::to_string(pid));
  }
  void add(FoundVm vm) {
    std::lock_guard lock(mutex_);
    vms_.push_back(std::move(vm));
  }
  void clear() {
    std::lock_guard lock(mutex_);
    vms_.clear();
  }

 private:
  std::mutex mutex_;
  std::vector<FoundVm> vms_;
};

// What pollers were told, and what they are to say.
struct PollerNotes {
  std::mutex mutex;
  std::map<engine::TargetId, int> added;  // times
  std::set<engine::TargetId> serving;
  std::map<engine::TargetId, call::CallCounters> counters;
  std::map<engine::TargetId, std::string> failures;

  bool serves(engine::TargetId target) {
    std::lock_guard lock(mutex);
    return serving.contains(target);
  }
};

class FakePoller final : public call::Poller {
 public:
  explicit FakePoller(PollerNotes& notes) : notes_(notes) {}
  Result<void> add(engine::TargetId target, const call::RingSet& rings, std::shared_ptr<guest::GuestRam>,
                   const guest::AddressSpaceInfo&, uint32_t) override {
    std::lock_guard lock(notes_.mutex);
    EXPECT_EQ(rings.rings.size(), 2u);
    ++notes_.added[target];
    notes_.serving.insert(target);
    return {};
  }
  void remove(engine::TargetId target) override {
    std::lock_guard lock(notes_.mutex);
    notes_.serving.erase(target);
    notes_.failures.erase(target);
  }
  call::CallCounters counters(engine::TargetId target) const override {
    std::lock_guard lock(notes_.mutex);
    return notes_.counters[target];
  }
  std::string failure(engine::TargetId target) const override {
    std::lock_guard lock(notes_.mutex);
    return notes_.failures[target];
  }

 private:
  PollerNotes& notes_;
};

class World {
 public:
  World() {
    limits.hello = milliseconds(300);
    limits.reconnect = milliseconds(2);
    limits.watch = milliseconds(10);
    limits.burst = milliseconds(5);
  }
  ~World() { stop(); }

  FakeGuest& guest(const std::string& name) {
    auto& guest = guests_[name];
    if (!guest) guest = std::make_unique<FakeGuest>(name, directory_.path());
    return *guest;
  }
  // Boots these guests and starts the overlord.
  void start(const std::vector<std::string>& names) {
    auto parts_finder = std::make_unique<FakeFinder>();
    finder = parts_finder.get();
    for (const std::string& name : names) {
      guest(name).boot();
      finder->add(guest(name).found());
    }
    Overlord::Parts parts;
    parts.finder = std::move(parts_finder);
    parts.open_ram = [](pid_t, const std::vector<std::string>&) { return std::shared_ptr<guest::GuestRam>(); };
    parts.engine = engine::Engine::create(2, system_clock());
    engine = parts.engine.get();
    parts.pollers.push_back(std::make_unique<FakePoller>(notes));
    parts.limits = limits;
    parts.claims = directory_.path();
    Options options;
    options.directory = directory_.path() + "/d";
    options.own_directory = true;
    std::filesystem::create_directories(options.directory + "/types");
    std::filesystem::create_directories(options.directory + "/base");
    std::filesystem::create_directories(options.directory + "/outbound");
    root = options.directory;
    loop_ = std::make_unique<asio::io_context>();
    overlord_ = std::make_unique<Overlord>(*loop_, layout_of(options), std::move(parts));
    ASSERT_TRUE(overlord_->start().ok());
    thread_ = std::thread([this] { loop_->run(); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    loop_->stop();
    thread_.join();
    overlord_.reset();
    loop_.reset();
  }
  std::unique_ptr<channel::Client> client() {
    auto connected = channel::Client::connect(root);
    EXPECT_TRUE(connected.ok());
    return std::move(connected).value();
  }
  channel::VmInfo vm(const std::string& name) {
    auto list = client()->vm_list();
    EXPECT_TRUE(list.ok());
    for (const auto& info : list->vms()) {
      if (info.name() == name) return info;
    }
    return {};
  }
  bool idle() {  // no program anywhere
    auto list = client()->vm_list();
    for (const auto& info : list->vms()) {
      if (info.programs() != 0) return false;
    }
    return true;
  }

  Limits limits;
  PollerNotes notes;
  FakeFinder* finder = nullptr;
  engine::Engine* engine = nullptr;
  std::string root;
  const std::string& claims() const { return directory_.path(); }

 private:
  TestDirectory directory_;
  std::map<std::string, std::unique_ptr<FakeGuest>> guests_;
  std::unique_ptr<asio::io_context> loop_;
  std::unique_ptr<Overlord> overlord_;
  std::thread thread_;
};

inline dif::ProbeDesc desc(std::string target, std::string provider, std::string function, std::string name) {
  dif::ProbeDesc description;
  description.target = std::move(target);
  description.provider = std::move(provider);
  description.function = std::move(function);
  description.name = std::move(name);
  return description;
}

inline channel::SubmitRequest request_for(const dif::Program& program) {
  const Bytes object = object::write(program);
  channel::SubmitRequest request;
  request.set_elf(object.data(), object.size());
  return request;
}

// trace() of what `code` computes, a value of `type`; its instructions are at line 3, column 7.
inline channel::SubmitRequest trace_request(const dif::ProbeDesc& description, std::string_view code,
                                            const dif::Type& type) {
  dif::Program program;
  program.files = {""};
  program.sources.push_back({"test", false, std::string(64, '0')});
  dif::Action action;
  action.kind = dif::ActionKind::kDifexpr;
  action.record = true;
  auto difo = dif::assemble(code);
  EXPECT_TRUE(difo.ok());
  action.args.push_back(std::move(difo).value());
  action.args[0].rtype = type;
  action.args[0].lines = {{0, 3, 7, 0}};
  action.arg_kinds = {dif::ActionKind::kDifexpr};
  action.arg_params = {0};
  dif::Clause& clause = program.clauses.emplace_back();
  clause.probes = {description};
  clause.actions.push_back(std::move(action));
  return request_for(program);
}

// trace(curthread->MEMBER)
inline channel::SubmitRequest member_request(const std::string& member, const std::string& target = "vm*") {
  const std::string code = "ldgs 256, %r1\nusetx \"" + member + "\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1";
  return trace_request(desc(target, "syscall", "read", "entry"), code, dif::Type::unknown());
}

// Clauses without actions: a record for each firing.
inline channel::SubmitRequest request(const std::vector<dif::ProbeDesc>& descriptions,
                                      const std::map<std::string, std::string>& options = {}) {
  dif::Program program;
  program.options = options;
  program.files = {""};
  program.sources.push_back({"test", false, std::string(64, '0')});
  for (const auto& description : descriptions) program.clauses.emplace_back().probes = {description};
  return request_for(program);
}

}  // namespace ht::daemon::test
