// The engine's side of one slot's pair of aggregation buffers: finding the bin of a key and following the client's
// flips. See session_memory.h for the protocol. The hash index is private memory; its entries carry the generation for
// which they are valid, so that clearing costs nothing.
#pragma once

#include <span>

#include "engine/session_memory.h"

namespace ht::engine {

// A key as evaluated: laid out by dif::aggregation_layout in `bytes`, but of each part only the first `used` bytes are
// meaningful (a string up to its NUL); the rest counts as zero.
struct BinKey {
  struct Part {
    uint32_t offset;
    uint32_t used;
  };
  uint32_t aggregation = 0, variant = 0, clause = 0, action = 0;
  uint32_t key_size = 0;
  uint32_t value_words = 0;
  uint64_t initial = 0;  // of every value word
  const uint8_t* bytes = nullptr;
  std::span<const Part> parts;
};

class AggregationWriter {
 public:
  static Result<AggregationWriter> create(const SessionMemory& memory, uint32_t slot, uint64_t aggsize);

  // Around the updates of one firing; enter() may be called repeatedly.
  void enter() {
    if (!inside_) begin();
  }
  void leave() {
    if (inside_) end();
  }
  // The values of the key's bin, made if it is not there; null when the buffer is full. Only between enter and leave.
  uint64_t* find(const BinKey& key);

 private:
  struct IndexEntry {
    uint64_t hash;
    uint32_t offset;      // in units of 8 bytes
    uint32_t generation;  // low half of the buffer's
  };

  void begin();
  void end();
  void start_buffer(uint32_t flip);
  bool matches(const uint8_t* bin, const BinKey& key) const;
  uint64_t* append(const BinKey& key, IndexEntry& entry, uint64_t hash);

  SlotHeader* slot_ = nullptr;
  const ControlSlot* control_ = nullptr;
  uint8_t* buffers_[2] = {};
  uint64_t size_ = 0;
  Mapping index_memory_;
  IndexEntry* index_ = nullptr;
  uint64_t index_mask_ = 0;

  bool inside_ = false;
  bool started_ = false;
  uint32_t flip_ = 0;
  uint32_t generation_ = 0;
  uint64_t epoch_ = 0;
  uint64_t used_ = 0;
  uint8_t* buffer_ = nullptr;
};

}  // namespace ht::engine
