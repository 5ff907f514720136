// The kernel's tracepoints: the typedef btf_trace_NAME that the kernel's types have for each says its name and its
// arguments, tracefs says which subsystem its event belongs to. A tracepoint without an event belongs to the module
// that has it: "vmlinux" for the kernel itself.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/kernel_types.h"
#include "agent/probe_arguments.h"

namespace ht::agent {

struct Tracepoint {
  std::string subsystem, name;
  ProbeArguments arguments;
  std::string module;    // vmlinux, or that which it comes and goes with
  bool present = false;  // loaded
};

// Those that `types` itself has: from id `first` on, which for a module's types is where the kernel's end. Subsystems
// are left empty.
std::vector<Tracepoint> tracepoints_of(const types::TypeFile& types, types::TypeId first);

class TracepointTable {
 public:
  explicit TracepointTable(std::shared_ptr<KernelTypes> types) : types_(std::move(types)) {}

  // Looks what there is now. An index names the same tracepoint for good.
  void refresh();
  const std::vector<Tracepoint>& all() const { return all_; }

 private:
  void add(std::vector<Tracepoint> found, const std::string& module);

  const std::shared_ptr<KernelTypes> types_;
  std::vector<Tracepoint> all_;
  std::map<std::string, size_t, std::less<>> by_name_;
  std::map<std::string, uint64_t> modules_;  // as of the last look
  bool vmlinux_read_ = false;
};

}  // namespace ht::agent
