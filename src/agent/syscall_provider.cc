// The syscall provider: syscall:vmlinux:NAME:entry and :return for every system call, where NAME is the kernel's own
// name of it (newstat, not stat), as in /sys/kernel/tracing/events/syscalls. Two eBPF programs serve all probes
// (bpf/syscall.bpf.c), each attached only while one of its probes is armed.
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "agent/libbpf_report.h"
#include "agent/provider.h"
#include "syscall.skel.h"

namespace ht::agent {
namespace {

// The kinds, in the order of the lowest bit of a probe's number and of the bits in the program's table.
constexpr std::array<std::string_view, 2> kKinds = {"entry", "return"};

class SyscallProvider final : public Provider {
 public:
  SyscallProvider(const std::vector<Syscall>& calls, uint32_t only_process) : only_process_(only_process) {
    for (const Syscall& call : calls) {
      if (call.number >= sizeof(syscall_bpf::syscall_bpf__bss::armed)) continue;
      for (uint32_t kind = 0; kind < kKinds.size(); kind++)
        probes_.push_back({call.number * 2 + kind, "syscall", "vmlinux", call.name, std::string(kKinds[kind])});
    }
  }
  ~SyscallProvider() override { unload(); }

  std::string_view name() const override { return "syscall"; }
  std::vector<Probe> find(const dif::ProbeDesc& description, uint32_t first, size_t limit) override {
    std::vector<Probe> found;
    for (const Probe& probe : probes_) {
      if (found.size() == limit) break;
      if (probe.number >= first && means(description, probe.module, probe.function, probe.name)) found.push_back(probe);
    }
    return found;
  }
  bool has(uint32_t number) const override {
    return std::any_of(probes_.begin(), probes_.end(), [&](const Probe& probe) { return probe.number == number; });
  }

  Result<void> arm(const std::vector<uint32_t>& numbers, int rings_fd) override {
    if (programs_ == nullptr) RETURN_IF_ERROR(load(rings_fd));
    std::array<uint32_t, 2> added = {0, 0};
    for (uint32_t number : numbers) added[number & 1]++;
    for (uint32_t kind = 0; kind < kKinds.size(); kind++) {
      if (added[kind] == 0 || links_[kind] != nullptr) continue;
      auto attached = attach(kind);
      if (!attached) {
        for (uint32_t other = 0; other < kKinds.size(); other++)
          if (armed_[other] == 0) detach(other);
        return attached;
      }
    }
    for (uint32_t number : numbers) __atomic_fetch_or(bits(number), mask(number), __ATOMIC_RELEASE);
    for (uint32_t kind = 0; kind < kKinds.size(); kind++) armed_[kind] += added[kind];
    return {};
  }

  void disarm(const std::vector<uint32_t>& numbers) override {
    if (programs_ == nullptr) return;
    for (uint32_t number : numbers) {
      __atomic_fetch_and(bits(number), static_cast<uint8_t>(~mask(number)), __ATOMIC_RELEASE);
      armed_[number & 1]--;
    }
    for (uint32_t kind = 0; kind < kKinds.size(); kind++)
      if (armed_[kind] == 0) detach(kind);
  }

  void unload() override {
    for (uint32_t kind = 0; kind < kKinds.size(); kind++) detach(kind);
    syscall_bpf__destroy(programs_);
    programs_ = nullptr;
    armed_ = {0, 0};
  }

  uint64_t misses() const override {
    if (programs_ == nullptr) return 0;
    return recursion_misses(bpf_program__fd(programs_->progs.ht_sys_enter)) +
           recursion_misses(bpf_program__fd(programs_->progs.ht_sys_exit));
  }

 private:
  uint8_t* bits(uint32_t number) { return &programs_->bss->armed[number / 2]; }
  static uint8_t mask(uint32_t number) { return static_cast<uint8_t>(1u << (number & 1)); }

  Result<void> load(int rings_fd) {
    keep_libbpf_messages();
    syscall_bpf* programs = syscall_bpf__open();
    if (programs == nullptr) return libbpf_error("open the system call programs", -errno);
    programs->rodata->filter_tgid = only_process_;
    int error = bpf_map__reuse_fd(programs->maps.rings, rings_fd);
    if (error == 0) error = syscall_bpf__load(programs);
    if (error != 0) {
      syscall_bpf__destroy(programs);
      return libbpf_error("load the system call programs", error);
    }
    programs_ = programs;
    return {};
  }
  Result<void> attach(uint32_t kind) {
    links_[kind] = bpf_program__attach(kind == 0 ? programs_->progs.ht_sys_enter : programs_->progs.ht_sys_exit);
    if (links_[kind] != nullptr) return {};
    return libbpf_error(kind == 0 ? "attach to sys_enter" : "attach to sys_exit", -errno);
  }
  void detach(uint32_t kind) {
    bpf_link__destroy(links_[kind]);
    links_[kind] = nullptr;
  }

  const uint32_t only_process_;
  std::vector<Probe> probes_;
  syscall_bpf* programs_ = nullptr;
  std::array<bpf_link*, 2> links_ = {nullptr, nullptr};
  std::array<uint32_t, 2> armed_ = {0, 0};
};

}  // namespace

std::unique_ptr<Provider> make_syscall_provider(const std::vector<Syscall>& calls, uint32_t only_process) {
  return std::make_unique<SyscallProvider>(calls, only_process);
}

}  // namespace ht::agent
