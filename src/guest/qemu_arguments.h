// What a QEMU command line says of the guest's RAM: which backend holds it, whether it is shared, and where QEMU's
// machine puts it in the guest's physical addresses.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "guest/guest_ram.h"

namespace ht::guest {

enum class RamBackend { kMemfd, kFile, kAnonymous };

struct QemuMemory {
  RamBackend backend = RamBackend::kMemfd;
  uint64_t size = 0;          // bytes
  std::string path;           // kFile: a file, or a directory in which QEMU made one
  std::string machine;        // as given: "q35", "pc-i440fx-7.2"
  uint64_t max_below_4g = 0;  // -machine max-ram-below-4g; 0 if not given
};

// `arguments` as in /proc/PID/cmdline, the program first. The error says what is missing and what to write instead.
Result<QemuMemory> parse_qemu_arguments(const std::vector<std::string>& arguments);

// Where the RAM file appears in physical addresses; an error for machines other than pc, q35 and microvm.
Result<std::vector<RamRegion>> ram_regions(const QemuMemory& memory);

}  // namespace ht::guest
