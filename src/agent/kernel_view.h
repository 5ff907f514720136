// What the agent can learn of the running kernel beyond /proc: its symbols, and its memory, read by a small eBPF
// program that is run, not attached (bpf/reader.bpf.c).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace ht::agent {

// The kernel's own symbols (those of modules are left out).
class Symbols {
 public:
  // Text as in /proc/kallsyms; all addresses zero (no permission) gives no symbols.
  static Symbols parse(std::string_view text);
  std::optional<uint64_t> address(std::string_view name) const;
  // All names at an address.
  std::vector<std::string_view> names(uint64_t address) const;
  bool empty() const { return by_name_.empty(); }

 private:
  std::unordered_map<std::string, uint64_t> by_name_;
  std::unordered_multimap<uint64_t, std::string_view> by_address_;  // views of by_name_'s keys
};

class KernelMemory {
 public:
  virtual ~KernelMemory() = default;
  virtual Result<Bytes> read(uint64_t address, size_t size) = 0;
};
// Errors when the kernel does not let us (no eBPF, no permission, locked down).
Result<std::unique_ptr<KernelMemory>> open_kernel_memory();

struct PageTables {
  uint64_t kernel_root = 0;  // physical; 0: not found
  uint32_t levels = 4;
  uint64_t page_offset = 0;
};
// Where x86-64 keeps them. `memory` may be null.
PageTables find_page_tables(const Symbols& symbols, KernelMemory* memory);

struct Syscall {
  uint32_t number = 0;
  std::string name;  // the kernel's: the name of its tracepoint without sys_enter_
};
// By the kernel's own system call table, in number order; empty if it cannot be read.
std::vector<Syscall> syscalls_of_table(const Symbols& symbols, KernelMemory* memory);
// The calls of kKnownSyscalls; when `tracepoints` (names without sys_enter_) is not empty, those among them.
std::vector<Syscall> known_syscalls(const std::vector<std::string>& tracepoints);

}  // namespace ht::agent
