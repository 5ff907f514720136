// Names for addresses: of this machine's kernel, from /proc/kallsyms, and of its processes, from their mappings and the
// ELF files mapped there. Everything is read when first asked for and kept. Only addresses of the host may be asked
// about; a guest's mean nothing here. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dif/layout.h"

namespace ht::consumer {

struct Symbol {
  std::string module;  // kernel module, or base name of the mapped file
  std::string name;    // empty: only the module is known
  uint64_t start = 0;
};

// Symbols of one module or file by address. Of several at one address the one that reads best is kept.
class SymbolTable {
 public:
  // `size` 0: up to the next symbol.
  void add(uint64_t start, uint64_t size, std::string name, uint32_t module = 0);
  void sort();  // once, after the last add()
  struct Entry {
    uint64_t start = 0, size = 0;
    uint32_t module = 0;
    std::string name;
  };
  // The symbol that covers `address`; nothing after the last one of unknown size.
  const Entry* find(uint64_t address) const;
  bool empty() const { return entries_.empty(); }

 private:
  std::vector<Entry> entries_;
};

class Symbols {
 public:
  Symbols();
  ~Symbols();
  Symbols(const Symbols&) = delete;
  Symbols& operator=(const Symbols&) = delete;

  // Until then nothing has a name.
  void use_host() { host_ = true; }
  // The process of -c or -p, whose addresses %A shows.
  void set_target(uint32_t pid) { target_ = pid; }
  uint32_t target() const { return target_; }

  std::optional<Symbol> kernel(uint64_t address);
  std::optional<Symbol> user(uint32_t pid, uint64_t address);

  // Option noresolve: frames of user stacks are shown as user_offset(), and no file is read.
  void set_noresolve(bool noresolve) { noresolve_ = noresolve; }
  bool noresolve() const { return noresolve_; }
  // "object:0x1", the offset in its mapping.
  std::optional<std::string> user_offset(uint32_t pid, uint64_t address);

  // Makes the address in `field` of an aggregation's keys that of its symbol or module, if it has a name; leaves fields
  // of other kinds alone.
  void reduce(const dif::Field& field, std::span<uint8_t> keys);

 private:
  struct Kernel;
  struct File;
  struct Mapping {
    uint64_t begin = 0, end = 0, offset = 0;
    std::string path;
  };
  struct Process;
  const Mapping* mapping_of(uint32_t pid, uint64_t address);

  bool host_ = false;
  bool noresolve_ = false;
  uint32_t target_ = 0;
  std::unique_ptr<Kernel> kernel_;
  std::map<std::string, std::shared_ptr<const File>> files_;
  std::map<uint32_t, std::unique_ptr<Process>> processes_;
  std::map<std::string, uint64_t> modules_;  // first address seen of each kernel module, and of each file of a process
};

}  // namespace ht::consumer
