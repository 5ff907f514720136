// The producer's side of one slot's ring of records. See session_memory.h.
#pragma once

#include "engine/session_memory.h"

namespace ht::engine {

class RecordWriter {
 public:
  RecordWriter() = default;
  RecordWriter(const SessionMemory& memory, uint32_t slot)
      : slot_(&memory.slot(slot)),
        control_(&memory.control(slot)),
        ring_(memory.ring(slot)),
        size_(memory.header().ring_size) {}

  // Room for a record of `size` bytes (a multiple of 8, header included); null when the ring is too full. Nothing is
  // visible before publish(); reserving again forgets an earlier reservation.
  uint8_t* reserve(uint32_t size) {
    const uint64_t consumed = control_->consumed.load(std::memory_order_acquire);
    if (consumed > consumed_ && consumed <= produced_) consumed_ = consumed;
    const uint64_t place = produced_ % size_;
    const uint64_t padding = size <= size_ - place ? 0 : size_ - place;
    if (produced_ - consumed_ + padding + size > size_) return nullptr;
    if (padding != 0) {
      RecordHeader pad{};
      pad.size = static_cast<uint32_t>(padding);
      pad.kind = static_cast<uint16_t>(RecordKind::kPadding);
      std::memcpy(ring_ + place, &pad, 8);
    }
    reserved_ = padding + size;
    return ring_ + (produced_ + padding) % size_;
  }
  void publish() {
    produced_ += reserved_;
    reserved_ = 0;
    slot_->produced.store(produced_, std::memory_order_release);
  }
  uint64_t capacity() const { return size_; }

 private:
  SlotHeader* slot_ = nullptr;
  const ControlSlot* control_ = nullptr;
  uint8_t* ring_ = nullptr;
  uint64_t size_ = 0;
  uint64_t produced_ = 0;
  uint64_t consumed_ = 0;
  uint64_t reserved_ = 0;
};

}  // namespace ht::engine
