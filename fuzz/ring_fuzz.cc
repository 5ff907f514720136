// A hostile guest's ring: the input's bytes become the ring's pages, and the host's scan must survive them: no crash,
// bounded work, and nothing written but state words and the heartbeat of the ring's own pages.
//
// Input: one byte for how many scans, then per scan a list of patches (u16 offset, 8 bytes) up to a zero length; the
// generation is known to the fuzzer through the header that it patches, so that it can forge words that look real.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/bytes.h"
#include "call/fake_guest.h"
#include "call/host_ring.h"

namespace {

using namespace ht;

class Sink final : public call::EntrySink {
 public:
  explicit Sink(call::fake::Guest& guest) : guest_(guest) {}
  bool run(const ht_entry& entry) override {
    runs++;
    // Now and then the guest changes the ring under the host's feet, while the host runs the program.
    if (entry.args[0] == 1) guest_.ring(0).header.identity.nonce[entry.args[1] % 16] ^= 1;
    if (entry.args[0] == 2) guest_.ring(0).entries[entry.args[1] % HT_RING_ENTRIES].word = entry.args[2];
    return entry.probe % 2 == 0;
  }
  uint32_t runs = 0;

 private:
  call::fake::Guest& guest_;
};

void check(bool condition) {
  if (!condition) std::abort();
}

void patch(call::fake::Guest& guest, ByteReader& input) {
  uint8_t count = input.u8();
  for (uint8_t i = 0; i < count && input.ok(); i++) {
    uint16_t where = input.u16();
    uint64_t value = input.u64();
    size_t offset = size_t{where} * 8 % sizeof(ht_ring);
    // A value whose top byte is 0xff stands for a word of this session.
    if (value >> 56 == 0xff) value = ht_word(guest.generation(), value >> 8 & 0x1ff, value & 0xff);
    std::memcpy(guest.memory.data() + offset, &value, sizeof(value));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader input(ByteView(data, size));
  call::fake::Guest guest(2);  // the second ring is somebody else's memory
  auto opened = call::HostRing::open(guest.set.rings[0], guest.nonce, *guest.ram);
  check(opened.ok());
  call::HostRing ring = std::move(opened).value();
  Bytes others(guest.memory.data() + sizeof(ht_ring), guest.memory.data() + guest.memory.size());
  for (int scans = 0; scans < 8 && input.ok() && input.remaining() > 0; scans++) {
    patch(guest, input);
    Sink sink(guest);
    call::ScanResult result = ring.scan(HT_RING_ENTRIES, sink);
    check(sink.runs <= HT_RING_ENTRIES && result.handled() <= HT_RING_ENTRIES);
    if (!ring.intact()) {
      Bytes before(guest.memory.data(), guest.memory.data() + sizeof(ht_ring));
      Sink never(guest);
      check(ring.scan(HT_RING_ENTRIES, never).handled() == 0);
      ring.beat();
      check(ring.release() == 0);
      check(std::memcmp(before.data(), guest.memory.data(), before.size()) == 0);
    }
    ring.beat();
  }
  ring.release();
  call::CallCounters counters;
  ring.add_losses(counters);
  check(std::memcmp(others.data(), guest.memory.data() + sizeof(ht_ring), others.size()) == 0);
  return 0;
}
