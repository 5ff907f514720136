// Speculations: records held back until their fate is known. One private buffer per speculation, shared by all slots
// under a small lock, so a commit moves everything at once, whatever CPU recorded it. As with DTrace an id that was
// committed or discarded is not free again at once but when it has been cleaned, at the next point of the cleaning
// rate's grid; until then speculation() finds it busy. Nothing has to be done for it: who asks looks at the clock.
#pragma once

#include <memory>
#include <vector>

#include "engine/record_writer.h"
#include "engine/spin_lock.h"

namespace ht::engine {

class Speculations {
 public:
  // Lowers config.specsize if so much cannot be had and config says so.
  static Result<Speculations> create(SessionConfig& config);
  // The session starts now: the cleaning grid begins.
  void start(uint64_t now) { epoch_ = now; }

  uint32_t count() const { return static_cast<uint32_t>(speculations_.size()); }
  // A free id from 1, now active; 0 when there is none, and then whether one is being cleaned. `now` is the firing's
  // timestamp, so nothing becomes free in the middle of a firing.
  uint32_t open(uint64_t now, bool* busy);
  // Names the present use of an active id; 0 when it is inactive (or 0).
  uint64_t use(uint32_t id);
  enum class Append { kDone, kInactive, kFull };
  Append append(uint32_t id, uint64_t use, const uint8_t* record, uint32_t size);
  // Moves what was recorded to `writer`, as recorded at `now`, leaving `spare` there; the id is busy from then on.
  // Returns how many records did not fit.
  uint64_t commit(uint32_t id, uint64_t now, RecordWriter& writer, uint64_t spare);
  void discard(uint32_t id, uint64_t now);

 private:
  struct Speculation {
    SpinLock lock;
    uint64_t use = 0;      // odd: active
    uint64_t used = 0;     // bytes
    uint64_t cost = 0;     // of what is held
    uint64_t retired = 0;  // when it was committed or discarded; 0: clean
    uint8_t* memory = nullptr;
  };
  bool clean(Speculation& speculation, uint64_t now) const;

  std::vector<std::unique_ptr<Speculation>> speculations_;
  Mapping memory_;
  uint64_t room_ = 0;      // bytes per speculation
  uint64_t capacity_ = 0;  // specsize
  uint64_t epoch_ = 0, period_ = 1;
};

}  // namespace ht::engine
