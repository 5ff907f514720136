// libbpf's messages and the kernel's reasons: see libbpf_report.h.
#include "agent/libbpf_report.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <string>

#include "base/log.h"

namespace ht::agent {
namespace {

std::mutex last_mutex;
std::string last_warning;

int keep(enum libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  char text[2048];
  int length = std::vsnprintf(text, sizeof(text), format, arguments);
  std::string line(text);
  while (!line.empty() && line.back() == '\n') line.pop_back();
  log::debug("{}", line);
  std::lock_guard lock(last_mutex);
  if (level == LIBBPF_WARN && line.size() < 300) last_warning = line;  // longer ones are the verifier's listing
  return length;
}

// The requirement that this kernel does not meet, or empty.
std::string missing_requirement(int error) {
  if (geteuid() != 0 && (error == -EPERM || error == -EACCES))
    return "loading eBPF programs needs root, or CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN";
  if (error == -EPERM) return "the kernel forbids eBPF here (lockdown, or a container without CAP_BPF)";
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
    return "this kernel has no BTF type information: it needs CONFIG_DEBUG_INFO_BTF";
  if (libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_loop, nullptr) == 0)
    return "this kernel has no bpf_loop: it needs Linux 5.17 or newer";
  return {};
}

}  // namespace

void keep_libbpf_messages() {
  static std::once_flag once;
  std::call_once(once, [] { libbpf_set_print(keep); });
}

Error libbpf_error(std::string_view what, int error) {
  std::string reason = missing_requirement(error);
  if (!reason.empty()) return Error(fmt::format("cannot {}: {}", what, reason));
  std::lock_guard lock(last_mutex);
  Error result = errno_error(fmt::format("cannot {}", what), -error);
  result.hint = last_warning;
  return result;
}

uint64_t recursion_misses(int program_fd) {
  bpf_prog_info info{};
  uint32_t size = sizeof(info);
  return bpf_obj_get_info_by_fd(program_fd, &info, &size) == 0 ? info.recursion_misses : 0;
}

}  // namespace ht::agent
