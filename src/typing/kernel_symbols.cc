#include "typing/kernel_symbols.h"

#include <algorithm>
#include <string>

namespace ht::typing {
namespace {

// Variables that people ask for, stable over many releases of the kernel. BTF has no variables but per-CPU ones.
struct Known {
  std::string_view name;
  std::string_view pointer;  // the spelling of a pointer to it
};
constexpr Known kKnown[] = {
    {"init_task", "struct task_struct *"},
    {"init_mm", "struct mm_struct *"},
    {"init_net", "struct net *"},
    {"init_cred", "struct cred *"},
    {"init_pid_ns", "struct pid_namespace *"},
    {"init_user_ns", "struct user_namespace *"},
    {"init_uts_ns", "struct uts_namespace *"},
    {"jiffies", "unsigned long *"},
    {"jiffies_64", "unsigned long *"},
    {"max_pfn", "unsigned long *"},
    {"total_forks", "unsigned long *"},
    {"nr_threads", "int *"},
    {"max_threads", "int *"},
    {"pid_max", "int *"},
    {"panic_timeout", "int *"},
    {"nr_cpu_ids", "unsigned int *"},
    {"system_state", "enum system_states *"},
    {"saved_command_line", "char **"},
};
constexpr std::string_view kDefault = "unsigned long *";
constexpr std::string_view kVmlinux = "vmlinux";

}  // namespace

Value kernel_symbol(const Lattice& lattice, std::string_view symbol) {
  const size_t quote = std::min(symbol.find('`'), symbol.size());
  const std::string_view module = symbol.substr(0, quote);
  const std::string_view name = quote < symbol.size() ? symbol.substr(quote + 1) : symbol;
  const types::TypeFile* types = lattice.types();
  if (types != nullptr) {
    // Which module has a symbol that is named without one only the running kernel can tell: most often vmlinux.
    const bool is_kernels = module.empty() || module == kVmlinux;
    for (types::Kind kind : {types::Kind::kVar, types::Kind::kFunc}) {
      if (auto id = types->find_in(is_kernels ? kVmlinux : module, kind, name)) {
        return Value::typed(types->target(*id), 1);
      }
    }
    for (const Known& known : kKnown) {
      if (!is_kernels || known.name != name) continue;
      Value v = lattice.spelled(known.pointer);
      if (v.kind == ValueKind::kTyped) return v;
    }
  }
  return lattice.spelled(kDefault);
}

}  // namespace ht::typing
