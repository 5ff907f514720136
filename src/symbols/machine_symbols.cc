#include "symbols/machine_symbols.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/clock.h"

namespace ht::symbols {
namespace {

constexpr uint64_t kReadAgainNs = 5'000'000'000;

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

std::optional<Symbol> MachineSymbols::kernel(uint64_t address) {
  if (address < kKernelBase) return std::nullopt;
  std::optional<Symbol> found = kernel_ == nullptr ? std::nullopt : kernel_->find(address);
  const uint64_t now = system_clock().monotonic_ns();
  if (found || (kernel_ != nullptr && now - kernel_read_ns_ < kReadAgainNs)) return found;
  // A module may have come since.
  kernel_ = std::make_unique<KernelMap>(KernelMap::of_running_kernel());
  kernel_read_ns_ = now;
  return kernel_->find(address);
}

const ProcessMap::Mapping* MachineSymbols::mapping_of(uint32_t pid, uint64_t address) {
  if (address == 0) return nullptr;
  auto known = processes_.find(pid);
  if (known == processes_.end()) known = processes_.emplace(pid, ProcessMap::of(pid)).first;
  const ProcessMap::Mapping* mapping = known->second.find(address);
  const uint64_t start = ProcessMap::start_of(pid);
  if (start != 0 && (mapping == nullptr || start != known->second.start())) {
    // It may have mapped more since, or be another one. Of one that has gone what was known stays.
    known->second = ProcessMap::of(pid);
    mapping = known->second.find(address);
  }
  return mapping == nullptr || mapping->path.empty() ? nullptr : mapping;
}

// The path is the process's own: in its file systems it may name another file than in ours, or none any more.
const ObjectSymbols& MachineSymbols::symbols_of(uint32_t pid, const ProcessMap::Mapping& mapping) {
  const auto known = files_.find(mapping.file);
  if (known != files_.end()) return known->second;
  const std::string mapped = fmt::format("/proc/{}/map_files/{:x}-{:x}", pid, mapping.begin, mapping.end);
  ObjectSymbols symbols(::access(mapped.c_str(), R_OK) == 0 ? mapped : mapping.path);
  return files_.emplace(mapping.file, std::move(symbols)).first->second;
}

std::optional<std::string> MachineSymbols::user_offset(uint32_t pid, uint64_t address) {
  const ProcessMap::Mapping* mapping = mapping_of(pid, address);
  if (mapping == nullptr) return std::nullopt;
  return fmt::format("{}:{:#x}", base_name(mapping->path), address - mapping->begin);
}

std::optional<Symbol> MachineSymbols::user(uint32_t pid, uint64_t address) {
  const ProcessMap::Mapping* mapping = mapping_of(pid, address);
  if (mapping == nullptr) return std::nullopt;
  const ObjectSymbols& file = symbols_of(pid, *mapping);
  Symbol result{base_name(mapping->path), "", 0};
  uint64_t inside = 0;
  if (const SymbolTable::Entry* entry = file.find(address - mapping->begin + mapping->offset, &inside)) {
    result.name = entry->name;
    result.start = address - (inside - entry->start);
  }
  return result;
}

}  // namespace ht::symbols
