// A guest writes its own page tables and says where they are: the input is its RAM, the root and the addresses to read.
// Every read must stay inside the RAM (the sanitizer watches) and end.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/bytes.h"
#include "guest/guest_ram.h"

namespace {

using namespace ht;

constexpr size_t kPages = 16;
constexpr size_t kBytes = kPages * 4096;

// Two regions, so that there is a hole; one file for all runs, written through a mapping as the guest would.
struct Ram {
  std::shared_ptr<guest::GuestRam> ram;
  Mapping bytes;

  Ram() {
    UniqueFd file(::memfd_create("ram", MFD_CLOEXEC));
    if (::ftruncate(file.get(), kBytes) != 0) std::abort();
    auto mapping = Mapping::map(file.get(), kBytes, Mapping::Access::kReadWrite);
    if (!mapping.ok()) std::abort();
    bytes = std::move(mapping).value();
    auto created = guest::GuestRam::create(std::move(file), {{0, kBytes / 2, 0}, {0x100000, kBytes / 2, kBytes / 2}});
    if (!created.ok()) std::abort();
    ram = *created;
  }
};

}  // namespace

// Input: root, levels, an address and a size; then entries as 16-bit index and 64-bit value.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Ram ram;
  ByteReader reader({data, size});
  guest::AddressSpaceInfo space;
  space.kernel_root = reader.u32();
  space.levels = reader.u8();
  space.page_offset = reader.u64();
  const uint64_t address = reader.u64();
  const uint64_t pgd = reader.u64();
  const size_t length = reader.u16();
  if (!reader.ok()) return 0;
  std::memset(ram.bytes.data(), 0, kBytes);
  while (reader.remaining() >= 10) {
    const size_t index = reader.u16() % (kBytes / 8);
    const uint64_t entry = reader.u64();
    std::memcpy(ram.bytes.data() + index * 8, &entry, sizeof entry);
  }
  const std::unique_ptr<guest::Memory> memory = guest::walking_memory(ram.ram, space);
  Bytes out(length);
  uint64_t fault = 0;
  for (int round = 0; round < 2; ++round) {
    if (!memory->read_kernel(address, out.data(), length, &fault) && fault - address >= length) std::abort();
    if (!memory->read_user(pgd, address, out.data(), length, &fault) && length > 0 && fault - address >= length)
      std::abort();
    memory->begin_firing();
  }
  (void)ram.ram->at(address, length);
  (void)ram.ram->map_page(address);
  return 0;
}
