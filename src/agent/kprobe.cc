#include "agent/kprobe.h"

#include <bpf/bpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace ht::agent {
namespace {

constexpr const char* kDevice = "/sys/bus/event_source/devices/kprobe/";

// The number behind `prefix` in a file of the kprobe device; -1 if there is none.
int number_in(const char* file, const std::string& prefix) {
  auto text = read_text_file(std::string(kDevice) + file);
  if (!text.ok() || !text->starts_with(prefix)) return -1;
  return std::atoi(text->c_str() + prefix.size());
}

}  // namespace

Result<std::vector<UniqueFd>> attach_kprobe(int program_fd, uint64_t address, bool at_return, uint64_t cookie) {
  static const int type = number_in("type", "");
  static const int return_bit = number_in("format/retprobe", "config:");
  if (type < 0 || return_bit < 0) return Error("this kernel has no kprobes");
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = static_cast<uint32_t>(type);
  attributes.config = at_return ? uint64_t{1} << return_bit : 0;
  attributes.config2 = address;
  UniqueFd event(static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!event) return errno_error("the kernel makes no kprobe there");
  LIBBPF_OPTS(bpf_link_create_opts, options);
  options.perf_event.bpf_cookie = cookie;
  UniqueFd link(bpf_link_create(program_fd, event.get(), BPF_PERF_EVENT, &options));
  if (!link) return errno_error("the kernel does not attach the program to a kprobe");
  std::vector<UniqueFd> links;
  links.push_back(std::move(link));
  links.push_back(std::move(event));
  return links;
}

}  // namespace ht::agent
