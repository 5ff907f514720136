// Names of this machine's addresses: of its kernel, from /proc/kallsyms, and of its processes, from their mappings and
// the ELF files mapped there. Everything is read when first asked for and kept. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "symbols/kernel_map.h"
#include "symbols/object_symbols.h"
#include "symbols/process_map.h"
#include "symbols/symbol.h"

namespace ht::symbols {

class MachineSymbols {
 public:
  std::optional<Symbol> kernel(uint64_t address);
  std::optional<Symbol> user(uint32_t pid, uint64_t address);
  // "object:0x1", the offset in its mapping; no file is read.
  std::optional<std::string> user_offset(uint32_t pid, uint64_t address);

 private:
  // Of a file; null elsewhere.
  const ProcessMap::Mapping* mapping_of(uint32_t pid, uint64_t address);

  const ObjectSymbols& symbols_of(uint32_t pid, const ProcessMap::Mapping& mapping);

  std::unique_ptr<KernelMap> kernel_;
  uint64_t kernel_read_ns_ = 0;
  std::map<std::string, ObjectSymbols> files_;  // by device and inode
  std::map<uint32_t, ProcessMap> processes_;
};

}  // namespace ht::symbols
