// The kernel of this machine as programs without -E see it: its types (BTF of the kernel and of its modules, under
// /sys/kernel/btf) and its symbols (/proc/kallsyms). Nothing is opened before it is asked for, each thing once.
// Not for several threads.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "symbols/kallsyms.h"
#include "types/type_file.h"

namespace ht::types {

using symbols::kKernelModule;

class RunningKernel {
 public:
  struct Symbol {
    uint64_t address = 0;  // 0 where the kernel hides addresses
    std::string module;    // "vmlinux" or a module's name
    bool is_function = false;
  };

  explicit RunningKernel(std::string btf_directory = "/sys/kernel/btf", std::string symbols = "/proc/kallsyms")
      : directory_(std::move(btf_directory)), symbols_path_(std::move(symbols)) {}

  // Raw BTF in place of the kernel's types; then there are no modules. Before anything is asked for.
  void use_type_file(std::string path) {
    type_file_ = std::move(path);
    directory_.clear();
  }

  // Whether anything has been asked for.
  bool opened() const { return symbols_read_ || !files_.empty(); }

  // The kernel's own name for what a program calls a module: "vmlinux" for "kernel", "genunix" and "unix" too.
  static std::string_view canonical(std::string_view module);

  // The types of "vmlinux" or of a module. The error says why there are none.
  Result<std::shared_ptr<const TypeFile>> types(std::string_view module);
  // All that can be read, vmlinux first.
  std::vector<std::shared_ptr<const TypeFile>> all_types();

  // The symbol in that module, or in the first one that has it (vmlinux first) if `module` is empty.
  std::optional<Symbol> symbol(std::string_view module, std::string_view name);

 private:
  struct Entry {
    std::string name;
    Symbol symbol;
  };
  void read_symbols();

  std::string directory_, symbols_path_, type_file_;
  std::map<std::string, Result<std::shared_ptr<const TypeFile>>, std::less<>> files_;
  std::vector<Entry> symbols_;  // by name, vmlinux's before modules'
  bool symbols_read_ = false;
};

}  // namespace ht::types
