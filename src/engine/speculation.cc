#include "engine/speculation.h"

#include <mutex>

namespace ht::engine {

Result<Speculations> Speculations::create(uint32_t count, uint64_t size) {
  Speculations result;
  for (uint32_t i = 0; i < count; ++i) {
    auto speculation = std::make_unique<Speculation>();
    if (size != 0) {
      ASSIGN_OR_RETURN(speculation->memory, Mapping::anonymous(size));
    }
    result.speculations_.push_back(std::move(speculation));
  }
  return result;
}

uint32_t Speculations::open() {
  for (uint32_t id = 1; id <= count(); ++id) {
    Speculation& speculation = *speculations_[id - 1];
    const std::lock_guard guard(speculation.lock);
    if (speculation.use % 2 != 0) continue;
    ++speculation.use;
    speculation.used = 0;
    return id;
  }
  return 0;
}

uint64_t Speculations::use(uint32_t id) {
  if (id == 0 || id > count()) return 0;
  Speculation& speculation = *speculations_[id - 1];
  const std::lock_guard guard(speculation.lock);
  return speculation.use % 2 != 0 ? speculation.use : 0;
}

Speculations::Append Speculations::append(uint32_t id, uint64_t use, const uint8_t* record, uint32_t size) {
  Speculation& speculation = *speculations_[id - 1];
  const std::lock_guard guard(speculation.lock);
  if (speculation.use != use) return Append::kInactive;
  if (size > speculation.memory.size() - speculation.used) return Append::kFull;
  std::memcpy(speculation.memory.data() + speculation.used, record, size);
  speculation.used += size;
  return Append::kDone;
}

uint64_t Speculations::commit(uint32_t id, RecordWriter& writer) {
  if (id == 0 || id > count()) return 0;
  Speculation& speculation = *speculations_[id - 1];
  const std::lock_guard guard(speculation.lock);
  if (speculation.use % 2 == 0) return 0;
  uint64_t lost = 0;
  for (uint64_t position = 0; position < speculation.used;) {
    const uint8_t* record = speculation.memory.data() + position;
    uint32_t size;
    std::memcpy(&size, record + offsetof(RecordHeader, size), sizeof size);
    if (uint8_t* room = writer.reserve(size); room != nullptr) {
      std::memcpy(room, record, size);
      writer.publish();
    } else {
      ++lost;
    }
    position += size;
  }
  ++speculation.use;
  return lost;
}

void Speculations::discard(uint32_t id) {
  if (id == 0 || id > count()) return;
  Speculation& speculation = *speculations_[id - 1];
  const std::lock_guard guard(speculation.lock);
  if (speculation.use % 2 != 0) ++speculation.use;
}

}  // namespace ht::engine
