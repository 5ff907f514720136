// The producer's side of one slot's ring of records. See session_memory.h.
#pragma once

#include "engine/session_memory.h"

namespace ht::engine {

class RecordWriter {
 public:
  RecordWriter() = default;
  RecordWriter(const SessionMemory& memory, uint32_t slot, const SessionConfig& config)
      : slot_(&memory.slot(slot)),
        control_(&memory.control(slot)),
        ring_(memory.ring(slot)),
        size_(memory.header().ring_size),
        capacity_(config.bufsize),
        overwrites_(config.policy == BufferPolicy::kRing) {}

  // Room for a record of `size` bytes (a multiple of 8, header included) that costs `cost` and leaves `spare` of cost;
  // null when there is none. Nothing is visible before publish(); reserving again forgets an earlier reservation.
  uint8_t* reserve(uint32_t size, uint32_t cost, uint64_t spare = 0) {
    if (!overwrites_) take_note();
    while (!fits(size, cost, spare)) {
      if (!overwrites_ || !forget_oldest()) return nullptr;
    }
    const uint64_t place = produced_ % size_;
    const uint64_t padding = padding_before(size);
    if (padding != 0) {
      RecordHeader pad{};
      pad.size = static_cast<uint32_t>(padding);
      pad.kind = static_cast<uint16_t>(RecordKind::kPadding);
      std::memcpy(ring_ + place, &pad, 8);
    }
    reserved_ = padding + size;
    reserved_cost_ = cost;
    return ring_ + (produced_ + padding) % size_;
  }
  void publish() {
    produced_ += reserved_;
    produced_cost_ += reserved_cost_;
    reserved_ = reserved_cost_ = 0;
    slot_->produced.store(produced_, std::memory_order_release);
  }

 private:
  // How far the client has come.
  void take_note() {
    const uint64_t consumed = control_->consumed.load(std::memory_order_acquire);
    if (consumed <= consumed_ || consumed > produced_) return;
    consumed_ = consumed;
    const uint64_t cost = control_->consumed_cost.load(std::memory_order_relaxed);
    if (cost > consumed_cost_ && cost <= produced_cost_) consumed_cost_ = cost;
  }
  uint64_t padding_before(uint32_t size) const {
    const uint64_t rest = size_ - produced_ % size_;
    return size <= rest ? 0 : rest;
  }
  bool fits(uint32_t size, uint32_t cost, uint64_t spare) const {
    return produced_ - consumed_ + padding_before(size) + size <= size_ &&
           produced_cost_ - consumed_cost_ + cost + spare <= capacity_;
  }
  // Policy ring: the engine itself consumes, to make room. False when there is nothing left to forget.
  bool forget_oldest() {
    if (consumed_ == produced_) return false;
    const uint8_t* place = ring_ + consumed_ % size_;
    RecordHeader oldest{};
    std::memcpy(&oldest, place, 8);  // padding has no more
    if (static_cast<RecordKind>(oldest.kind) != RecordKind::kPadding) {
      std::memcpy(&oldest, place, sizeof oldest);
      consumed_cost_ += oldest.cost;
    }
    consumed_ += oldest.size;
    slot_->oldest.store(consumed_, std::memory_order_release);
    return true;
  }

  SlotHeader* slot_ = nullptr;
  const ControlSlot* control_ = nullptr;
  uint8_t* ring_ = nullptr;
  uint64_t size_ = 0;
  uint64_t capacity_ = 0;  // in cost
  bool overwrites_ = false;
  uint64_t produced_ = 0, produced_cost_ = 0;
  uint64_t consumed_ = 0, consumed_cost_ = 0;
  uint64_t reserved_ = 0, reserved_cost_ = 0;
};

}  // namespace ht::engine
