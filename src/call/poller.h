// The host's end of the exitless call: one thread that polls the rings of any number of guests and hands every posted
// entry to the engine. Runs only while a guest is added: with nothing armed there is no thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "call/ring_set.h"
#include "engine/engine.h"
#include "guest/guest_ram.h"

namespace ht::call {

class Poller {
 public:
  // `slot` is the engine slot this thread fires on.
  static std::unique_ptr<Poller> create(engine::Engine& engine, uint32_t slot);
  virtual ~Poller() = default;  // stops the thread

  // Starts serving a guest. `ram` gives the rings' pages (writable) and the guest's memory for reading; `space` is what
  // the agent said of its page tables; `probe_limit` the highest probe number that may be armed. Errors when the pages
  // are not RAM, a header is not a ring or has another nonce.
  virtual Result<void> add(engine::TargetId target, const RingSet& rings, std::shared_ptr<guest::GuestRam> ram,
                           const guest::AddressSpaceInfo& space, uint32_t probe_limit) = 0;
  // Stops serving it: returns when the poller no longer touches its memory. Waiting calls of that guest are released.
  virtual void remove(engine::TargetId target) = 0;
  // After remove(): the last ones.
  virtual CallCounters counters(engine::TargetId target) const = 0;
  // Why a guest was cut off (its header no longer holds the nonce: it rebooted or overwrote it); empty if it is served.
  virtual std::string failure(engine::TargetId target) const = 0;
};

}  // namespace ht::call
