// An eBPF program of which many copies are loaded, one for each probe: see probe_patch.h. libbpf prepares it once
// (relocations, maps), as part of its object; copies go to the kernel from the prepared instructions.
#pragma once

#include <bpf/libbpf.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/probe_arguments.h"
#include "agent/probe_patch.h"
#include "base/bytes.h"
#include "base/fd.h"
#include "base/result.h"

namespace ht::agent {

class ProgramTemplate {
 public:
  struct Copy {
    uint32_t probe = 0;
    ProbeArguments arguments;
    uint32_t target = 0;   // the type id of the function that it is for; 0 if it is for none
    int target_types = 0;  // descriptor of the module's types that have it; 0: vmlinux's
  };

  // Makes libbpf know the sections of such programs (ht_raw_tp, ht_fentry, ht_fexit). Before their object is opened.
  static void register_sections();
  // After its object has been loaded. As good as long as the object is.
  static Result<ProgramTemplate> of(const bpf_program* program);

  // The program's descriptor. For several threads at once.
  Result<UniqueFd> load(const Copy& copy) const;

 private:
  ProgramTemplate() = default;

  std::string name_;
  bpf_prog_type type_ = BPF_PROG_TYPE_UNSPEC;
  bpf_attach_type attach_type_ = BPF_CGROUP_INET_INGRESS;
  int types_fd_ = 0;  // of the program's own types
  std::vector<bpf_insn> instructions_;
  std::array<std::vector<size_t>, HT_PATCH_COUNT> places_;  // of each constant among the instructions
  Bytes function_info_;
  uint32_t function_count_ = 0, function_size_ = 0;
};

}  // namespace ht::agent
