#include "engine/speculation.h"

#include <algorithm>
#include <mutex>

namespace ht::engine {
namespace {

constexpr uint64_t kMostMemory = uint64_t{1} << 36;  // touched only where something is recorded

}  // namespace

Result<Speculations> Speculations::create(SessionConfig& config) {
  Speculations result;
  const uint64_t count = std::max(config.nspec, 1u);
  for (;;) {
    const bool possible = config.specsize <= kMostMemory && speculation_bytes(config.specsize) <= kMostMemory / count;
    auto memory = possible ? Mapping::anonymous(std::max(count * speculation_bytes(config.specsize), kMemoryPage))
                           : Result<Mapping>(Error("Memory allocation failure"));
    if (memory) {
      result.memory_ = std::move(*memory);
      break;
    }
    if (!config.resize || config.specsize < 8) return Error("Memory allocation failure");
    config.specsize /= 2;
  }
  result.room_ = speculation_bytes(config.specsize);
  result.capacity_ = config.specsize;
  result.period_ = std::max<uint64_t>(config.cleanrate_ns, 1);
  for (uint32_t i = 0; i < config.nspec; ++i) {
    auto speculation = std::make_unique<Speculation>();
    speculation->memory = result.memory_.data() + i * result.room_;
    result.speculations_.push_back(std::move(speculation));
  }
  return result;
}

// Whether it is free of an earlier use: a point of the grid has passed since that ended.
bool Speculations::clean(Speculation& speculation, uint64_t now) const {
  if (speculation.retired == 0) return true;
  const auto point = [this](uint64_t time) { return (time - std::min(time, epoch_)) / period_; };
  if (point(now) <= point(speculation.retired)) return false;
  speculation.retired = 0;
  return true;
}

uint32_t Speculations::open(uint64_t now, bool* busy) {
  *busy = false;
  for (uint32_t id = 1; id <= count(); ++id) {
    Speculation& speculation = *speculations_[id - 1];
    const std::lock_guard guard(speculation.lock);
    if (speculation.use % 2 != 0) continue;
    if (!clean(speculation, now)) {
      *busy = true;
      continue;
    }
    ++speculation.use;
    speculation.used = speculation.cost = 0;
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
  uint32_t cost;
  std::memcpy(&cost, record + offsetof(RecordHeader, cost), sizeof cost);
  Speculation& speculation = *speculations_[id - 1];
  const std::lock_guard guard(speculation.lock);
  if (speculation.use != use) return Append::kInactive;
  if (size > room_ - speculation.used || cost > capacity_ - speculation.cost) return Append::kFull;
  std::memcpy(speculation.memory + speculation.used, record, size);
  speculation.used += size;
  speculation.cost += cost;
  return Append::kDone;
}

uint64_t Speculations::commit(uint32_t id, uint64_t now, RecordWriter& writer, uint64_t spare) {
  if (id == 0 || id > count()) return 0;
  Speculation& speculation = *speculations_[id - 1];
  const std::lock_guard guard(speculation.lock);
  if (speculation.use % 2 == 0) return 0;
  uint64_t lost = 0;
  for (uint64_t position = 0; position < speculation.used;) {
    const uint8_t* record = speculation.memory + position;
    RecordHeader header;
    std::memcpy(&header, record, sizeof header);
    position += header.size;
    header.timestamp = now;  // it is output where the commit stands among the records of all CPUs
    if (uint8_t* room = writer.reserve(header.size, header.cost, spare); room != nullptr) {
      std::memcpy(room, record, header.size);
      std::memcpy(room, &header, sizeof header);
      writer.publish();
    } else {
      ++lost;
    }
  }
  ++speculation.use;
  speculation.retired = now;
  return lost;
}

void Speculations::discard(uint32_t id, uint64_t now) {
  if (id == 0 || id > count()) return;
  Speculation& speculation = *speculations_[id - 1];
  const std::lock_guard guard(speculation.lock);
  if (speculation.use % 2 == 0) return;
  ++speculation.use;
  speculation.retired = now;
}

}  // namespace ht::engine
