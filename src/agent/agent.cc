// The agent of this machine: its identity, its kernel's probes, and AgentCore over the real rings.
#include "agent/agent.h"

#include <bpf/libbpf.h>
#include <dirent.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "agent/agent_core.h"
#include "agent/kernel_symbols.h"
#include "agent/kernel_view.h"
#include "agent/libbpf_report.h"
#include "agent/module_types.h"
#include "agent/own_names.h"
#include "agent/rings.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/log.h"
#include "symbols/kallsyms.h"
#include "symbols/machine_symbols.h"

namespace ht::agent {
namespace {

constexpr const char* kTypesDirectory = "/sys/kernel/btf";
constexpr const char* kTypes = "/sys/kernel/btf/vmlinux";

std::string first_line(const std::string& path) {
  auto text = read_text_file(path);
  if (!text) return {};
  return text->substr(0, text->find('\n'));
}

// The names behind sys_enter_ in tracefs; empty where it is not mounted.
std::vector<std::string> syscall_tracepoints() {
  constexpr std::string_view kPrefix = "sys_enter_";
  std::vector<std::string> names;
  for (const char* path : {"/sys/kernel/tracing/events/syscalls", "/sys/kernel/debug/tracing/events/syscalls"}) {
    DIR* directory = opendir(path);
    if (directory == nullptr) continue;
    while (const dirent* entry = readdir(directory)) {
      std::string_view name = entry->d_name;
      if (name.starts_with(kPrefix)) names.emplace_back(name.substr(kPrefix.size()));
    }
    closedir(directory);
    break;
  }
  return names;
}

class KernelRings final : public AgentCore::RingHandle {
 public:
  explicit KernelRings(Rings rings) : rings_(std::move(rings)) {}
  int map_fd() const override { return rings_.map_fd(); }
  const call::RingSet& set() const override { return rings_.set(); }
  call::CallCounters counters() const override { return rings_.counters(); }
  void close_breaker() override { rings_.close_breaker(); }

 private:
  Rings rings_;
};

Result<std::unique_ptr<AgentCore::RingHandle>> make_kernel_rings(const call::Nonce& nonce, uint32_t cpus) {
  ASSIGN_OR_RETURN(Rings rings, Rings::create(nonce, cpus));
  return std::unique_ptr<AgentCore::RingHandle>(std::make_unique<KernelRings>(std::move(rings)));
}

class LocalAgent final : public Agent {
 public:
  LocalAgent(GuestInfo info, std::vector<std::unique_ptr<Provider>> providers)
      : info_(std::move(info)), core_(std::move(providers), [cpus = info_.cpus](const call::Nonce& nonce) {
          return make_kernel_rings(nonce, cpus);
        }) {}

  const GuestInfo& info() const override { return info_; }
  Result<Bytes> types() const override { return read_file(kTypes); }
  Result<std::vector<ModuleTypes>> modules_with(const std::vector<types::TypeName>& names) const override {
    return find_modules(kTypesDirectory, names);
  }
  Result<Bytes> module_types(const std::string& module) const override {
    return read_module_types(kTypesDirectory, module);
  }
  std::vector<std::optional<symbols::Symbol>> at(bool kernel, uint32_t pid,
                                                 std::span<const uint64_t> addresses) override {
    if (machine_ == nullptr) machine_ = std::make_unique<symbols::MachineSymbols>();
    std::vector<std::optional<symbols::Symbol>> found;
    for (uint64_t address : addresses) {
      found.push_back(kernel ? machine_->kernel(address) : machine_->user(pid, address));
    }
    return found;
  }
  void forget_addresses() override { machine_.reset(); }
  Result<FoundSymbols> symbols(const std::vector<SymbolName>& names) const override {
    return find_kernel_symbols(names, info_.cpus);
  }
  OwnNames names() const override { return own_names(); }
  std::vector<Probe> list(const dif::ProbeDesc& description, uint32_t first, size_t limit) const override {
    return core_.list(description, first, limit);
  }
  std::vector<ClauseMatch> match(const dif::Program& program) const override { return core_.match(program); }
  Result<call::RingSet> arm(uint64_t program, const std::vector<uint32_t>& probes, const call::Nonce& nonce) override {
    return core_.arm(program, probes, nonce);
  }
  void disarm(uint64_t program) override { core_.disarm(program); }
  void disarm_all() override { core_.disarm_all(); }
  call::CallCounters counters() const override { return core_.counters(); }

 private:
  GuestInfo info_;
  std::unique_ptr<symbols::MachineSymbols> machine_;
  AgentCore core_;
};

GuestInfo identify(const PageTables& tables) {
  GuestInfo info;
  utsname names{};
  uname(&names);
  info.kernel = names.release;
  info.boot_id = first_line("/proc/sys/kernel/random/boot_id");
  if (auto types = read_file(kTypes)) info.types_hash = sha256_hex(*types);
  info.cpus = static_cast<uint32_t>(std::max(1, libbpf_num_possible_cpus()));
  info.kernel_root = tables.kernel_root;
  info.levels = tables.levels;
  info.page_offset = tables.page_offset;
  return info;
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::create() {
  keep_libbpf_messages();
  ASSIGN_OR_RETURN(std::string kallsyms, symbols::read_kallsyms());
  Symbols symbols = Symbols::parse(kallsyms);
  auto memory = open_kernel_memory();
  if (!memory) log::warn("{}", memory.error().text());
  KernelMemory* reader = memory ? memory->get() : nullptr;

  std::vector<Syscall> calls = syscalls_of_table(symbols, reader);
  if (calls.empty()) calls = known_syscalls(syscall_tracepoints());
  std::vector<std::unique_ptr<Provider>> providers;
  providers.push_back(make_syscall_provider(calls));
  auto types = std::make_shared<KernelTypes>();
  auto tracepoints = std::make_shared<TracepointTable>(types);
  providers.push_back(make_rawtp_provider(tracepoints));
  providers.push_back(make_sdt_provider(tracepoints));
  providers.push_back(make_fbt_provider(types));
  GuestInfo info = identify(find_page_tables(symbols, reader));
  return std::unique_ptr<Agent>(std::make_unique<LocalAgent>(std::move(info), std::move(providers)));
}

}  // namespace ht::agent
