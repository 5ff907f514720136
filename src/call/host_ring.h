// The host's end of one ring (see ring_abi.h): finds posted entries, claims them, hands out copies, and marks them
// done. The memory belongs to a guest that may write anything at any moment: every word is read once, checked, and only
// then used; every write is a compare-and-swap of a word that only this session can have put there.
#pragma once

#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "call/ring_abi.h"
#include "call/ring_set.h"
#include "guest/guest_ram.h"

namespace ht::call {

// Runs one call. `entry` is a private copy, not yet checked beyond what HostRing knows (its CPU). False: refused.
class EntrySink {
 public:
  virtual ~EntrySink() = default;
  virtual bool run(const ht_entry& entry) = 0;
};

struct ScanResult {
  uint32_t ran = 0;
  uint32_t rejected = 0;
  uint32_t late = 0;     // ran, but the guest had given up
  bool damaged = false;  // the header is not this session's any more; nothing has been written since that was seen
  uint32_t handled() const { return ran + rejected; }
};

class HostRing {
 public:
  // Maps the pages. Errors when there are too few or too many, they are not RAM, or the header is not a ring of this
  // version, of that CPU and with that nonce.
  static Result<HostRing> open(const RingPages& where, const Nonce& nonce, const guest::GuestRam& ram);

  uint32_t cpu() const { return cpu_; }
  bool intact() const;  // the header is still this session's
  bool has_nonce(const Nonce& nonce) const;

  // Serves at most `budget` posted entries, and looks at no more than those and HT_RING_ENTRIES.
  ScanResult scan(uint32_t budget, EntrySink& sink);
  // The same for the calls that come next in order, which are nearly all, without reading `head`, a cache line that the
  // guest writes at every call. Calls that nested or were burnt wait for a scan().
  ScanResult scan_next(uint32_t budget, EntrySink& sink);
  // Lets every waiting call go, without running it. Returns how many.
  uint32_t release();
  // For the first ring: the host is here, one beat more; the host leaves.
  void beat();
  void leave();
  // Adds what the guest has counted. The guest can lie.
  void add_losses(CallCounters& counters) const;

 private:
  ht_ring_header* header() const { return reinterpret_cast<ht_ring_header*>(header_.data()); }
  ht_entry* entry(uint64_t sequence) const;
  void scan_window(uint32_t budget, EntrySink& sink, ScanResult& result);
  bool serve_next(uint64_t head, uint64_t sequence, EntrySink& sink, ScanResult& result);
  enum class Served { kPending, kFinished, kRan, kLate, kRejected, kDamaged };
  Served serve(uint64_t sequence, uint64_t head, EntrySink& sink, bool* older);
  void write_host_word(uint64_t next);
  bool finish(ht_entry& entry, uint64_t running, bool is_async);

  Mapping header_;
  std::vector<Mapping> pages_;
  uint32_t cpu_ = 0;
  uint64_t nonce_[2] = {0, 0};
  uint64_t generation_ = 0;
  uint64_t tail_ = 0;  // everything before it is finished
  uint64_t beat_ = 0;  // the heartbeat word as we wrote it last
};

}  // namespace ht::call
