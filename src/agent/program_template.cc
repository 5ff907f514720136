#include "agent/program_template.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <map>
#include <mutex>

#include <fmt/format.h>

namespace ht::agent {
namespace {

struct Section {
  const char* name;
  bpf_prog_type type;
  bpf_attach_type attach_type;
};
constexpr Section kSections[] = {
    {"ht_raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_CGROUP_INET_INGRESS},  // the second is 0: it has none
    {"ht_fentry", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY},
    {"ht_fexit", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT},
};

// What libbpf says of a program only while it loads it: where its functions begin, without which the kernel takes no
// program with a callback.
struct FunctionInfo {
  Bytes bytes;
  uint32_t count = 0, size = 0;
  int types_fd = 0;  // libbpf's own: open as long as the object
};
std::mutex info_mutex;
std::map<const bpf_program*, FunctionInfo> info_of_programs;

int keep_function_info(bpf_program* program, bpf_prog_load_opts* options, long) {
  const auto* bytes = static_cast<const uint8_t*>(options->func_info);
  FunctionInfo info{{}, options->func_info_cnt, options->func_info_rec_size, static_cast<int>(options->prog_btf_fd)};
  if (bytes != nullptr) info.bytes.assign(bytes, bytes + size_t{info.count} * info.size);
  std::lock_guard lock(info_mutex);
  info_of_programs[program] = std::move(info);
  return 0;
}

bool is_wide_load(const bpf_insn& instruction) {
  return instruction.code == (BPF_LD | BPF_IMM | BPF_DW) && instruction.src_reg == 0;
}

// The last line of the verifier's listing that says something of the program, not of the listing.
std::string reason_in(const std::string& listing) {
  std::string reason;
  for (size_t at = 0; at < listing.size();) {
    const size_t end = std::min(listing.find('\n', at), listing.size());
    const std::string line = listing.substr(at, end - at);
    if (!line.empty() && !line.starts_with("processed ") && !line.starts_with("verification time")) reason = line;
    at = end + 1;
  }
  return reason.substr(0, 200);
}

}  // namespace

void ProgramTemplate::register_sections() {
  static std::once_flag once;
  std::call_once(once, [] {
    LIBBPF_OPTS(libbpf_prog_handler_opts, options, .prog_prepare_load_fn = keep_function_info);
    for (const Section& section : kSections)
      libbpf_register_prog_handler(section.name, section.type, section.attach_type, &options);
  });
}

Result<ProgramTemplate> ProgramTemplate::of(const bpf_program* program) {
  ProgramTemplate result;
  result.name_ = bpf_program__name(program);
  result.type_ = bpf_program__type(program);
  result.attach_type_ = bpf_program__expected_attach_type(program);
  {
    std::lock_guard lock(info_mutex);
    const auto found = info_of_programs.find(program);
    if (found == info_of_programs.end()) return Error(fmt::format("program {} is no template", result.name_));
    result.function_info_ = std::move(found->second.bytes);
    result.function_count_ = found->second.count;
    result.function_size_ = found->second.size;
    result.types_fd_ = found->second.types_fd;
    info_of_programs.erase(found);
  }
  const bpf_insn* instructions = bpf_program__insns(program);
  result.instructions_.assign(instructions, instructions + bpf_program__insn_cnt(program));
  for (size_t i = 0; i + 1 < result.instructions_.size(); ++i) {
    if (!is_wide_load(result.instructions_[i])) continue;
    const uint64_t value = static_cast<uint32_t>(result.instructions_[i].imm) |
                           static_cast<uint64_t>(static_cast<uint32_t>(result.instructions_[i + 1].imm)) << 32;
    if (value >= HT_PATCH_MAGIC && value < HT_PATCH_MAGIC + HT_PATCH_COUNT)
      result.places_[value - HT_PATCH_MAGIC].push_back(i);
  }
  if (result.places_[HT_PATCH_PROBE].empty())
    return Error(fmt::format("program {} has no place for a probe's number", result.name_));
  return result;
}

Result<UniqueFd> ProgramTemplate::load(const Copy& copy) const {
  const uint64_t constants[HT_PATCH_COUNT] = {copy.probe, copy.arguments.count, copy.arguments.widths};
  std::vector<bpf_insn> instructions = instructions_;
  for (size_t constant = 0; constant < HT_PATCH_COUNT; ++constant) {
    for (size_t place : places_[constant]) {
      instructions[place].imm = static_cast<int32_t>(constants[constant]);
      instructions[place + 1].imm = static_cast<int32_t>(constants[constant] >> 32);
    }
  }
  LIBBPF_OPTS(bpf_prog_load_opts, options);
  options.expected_attach_type = attach_type_;
  options.attach_btf_id = copy.target;
  options.attach_btf_obj_fd = static_cast<uint32_t>(copy.target_types);
  options.prog_btf_fd = static_cast<uint32_t>(types_fd_);
  options.func_info = function_info_.data();
  options.func_info_cnt = function_count_;
  options.func_info_rec_size = function_size_;
  int fd = bpf_prog_load(type_, name_.c_str(), "GPL", instructions.data(), instructions.size(), &options);
  if (fd >= 0) return UniqueFd(fd);
  Error error = errno_error("the kernel refuses the program", -fd);
  std::string listing(size_t{64} << 10, '\0');  // once more, to hear why
  options.log_buf = listing.data();
  options.log_size = static_cast<uint32_t>(listing.size());
  options.log_level = 1;
  fd = bpf_prog_load(type_, name_.c_str(), "GPL", instructions.data(), instructions.size(), &options);
  if (fd >= 0) return UniqueFd(fd);
  listing.resize(std::min(listing.size(), listing.find('\0')));
  error.hint = reason_in(listing);
  return error;
}

}  // namespace ht::agent
