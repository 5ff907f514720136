// Speculations: records held back until their fate is known. One private buffer per speculation, shared by all slots
// under a small lock, so a commit moves everything at once and an id is free again immediately.
#pragma once

#include <memory>
#include <vector>

#include "engine/record_writer.h"
#include "engine/spin_lock.h"

namespace ht::engine {

class Speculations {
 public:
  static Result<Speculations> create(uint32_t count, uint64_t size);

  uint32_t count() const { return static_cast<uint32_t>(speculations_.size()); }
  // A free id from 1, now active; 0 when there is none.
  uint32_t open();
  // Names the present use of an active id; 0 when it is inactive (or 0).
  uint64_t use(uint32_t id);
  enum class Append { kDone, kInactive, kFull };
  Append append(uint32_t id, uint64_t use, const uint8_t* record, uint32_t size);
  // Moves what was recorded to `writer` and frees the id. Returns how many records did not fit there.
  uint64_t commit(uint32_t id, RecordWriter& writer);
  void discard(uint32_t id);

 private:
  struct Speculation {
    SpinLock lock;
    uint64_t use = 0;   // odd: active
    uint64_t used = 0;  // bytes
    Mapping memory;
  };
  std::vector<std::unique_ptr<Speculation>> speculations_;
};

}  // namespace ht::engine
