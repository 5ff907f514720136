#include "engine/aggregation_writer.h"

#include <algorithm>
#include <bit>

#include "engine/hash.h"

namespace ht::engine {

Result<AggregationWriter> AggregationWriter::create(const SessionMemory& memory, uint32_t slot, uint64_t aggsize) {
  AggregationWriter writer;
  writer.slot_ = &memory.slot(slot);
  writer.control_ = &memory.control(slot);
  writer.buffers_[0] = memory.aggregation(slot, 0);
  writer.buffers_[1] = memory.aggregation(slot, 1);
  writer.size_ = std::min(memory.header().aggregation_size, aggsize);
  // No bin is smaller than its header and one word, so the index can never fill up: at most three in five are taken.
  const uint64_t entries = std::bit_ceil(writer.size_ / 24);
  ASSIGN_OR_RETURN(writer.index_memory_, Mapping::anonymous(entries * sizeof(IndexEntry)));
  writer.index_ = reinterpret_cast<IndexEntry*>(writer.index_memory_.data());
  writer.index_mask_ = entries - 1;
  return writer;
}

void AggregationWriter::begin() {
  inside_ = true;
  slot_->aggregation_epoch.exchange(++epoch_, std::memory_order_seq_cst);
  const uint32_t flip = control_->flip.load(std::memory_order_seq_cst);
  if (!started_ || flip != flip_) start_buffer(flip);
}

void AggregationWriter::end() {
  inside_ = false;
  slot_->aggregation_epoch.store(++epoch_, std::memory_order_release);
}

void AggregationWriter::start_buffer(uint32_t flip) {
  // The generation is that of the flip as the client counts it; the index needs one that never comes back, whatever the
  // client writes, so it has its own.
  started_ = true;
  flip_ = flip;
  if (++generation_ == 0) {
    std::memset(index_, 0, (index_mask_ + 1) * sizeof(IndexEntry));
    generation_ = 1;
  }
  buffer_ = buffers_[flip & 1];
  used_ = 0;
  AggregationHeader& header = slot_->aggregation[flip & 1];
  header.used.store(0, std::memory_order_relaxed);
  header.generation.store(uint64_t{flip} + 1, std::memory_order_relaxed);
}

bool AggregationWriter::matches(const uint8_t* bin, const BinKey& key) const {
  BinHeader header;
  std::memcpy(&header, bin, sizeof header);
  if (header.aggregation != key.aggregation || header.variant != key.variant || header.key_size != key.key_size ||
      header.value_words != key.value_words) {
    return false;
  }
  const uint8_t* bytes = bin + sizeof header;
  for (const BinKey::Part& part : key.parts) {
    if (std::memcmp(bytes + part.offset, key.bytes + part.offset, part.used) != 0) return false;
  }
  return true;
}

uint64_t* AggregationWriter::find(const BinKey& key) {
  uint64_t hash = hash_word(uint64_t{key.aggregation} << 32 | key.variant, key.key_size);
  for (const BinKey::Part& part : key.parts) hash = hash_bytes(hash, key.bytes + part.offset, part.used);
  for (uint64_t place = hash;; ++place) {
    IndexEntry& entry = index_[place & index_mask_];
    if (entry.generation != generation_) return append(key, entry, hash);
    if (entry.hash != hash) continue;
    uint8_t* bin = buffer_ + uint64_t{entry.offset} * 8;
    if (matches(bin, key)) return reinterpret_cast<uint64_t*>(bin + sizeof(BinHeader) + key.key_size);
  }
}

uint64_t* AggregationWriter::append(const BinKey& key, IndexEntry& entry, uint64_t hash) {
  const uint64_t size = sizeof(BinHeader) + uint64_t{key.key_size} + uint64_t{key.value_words} * 8;
  if (size > size_ - used_) return nullptr;
  uint8_t* bin = buffer_ + used_;
  const BinHeader header{static_cast<uint32_t>(size),
                         key.aggregation,
                         key.variant,
                         key.clause,
                         key.action,
                         key.key_size,
                         key.value_words,
                         0};
  std::memcpy(bin, &header, sizeof header);
  uint8_t* bytes = bin + sizeof header;
  std::memset(bytes, 0, key.key_size);
  for (const BinKey::Part& part : key.parts) std::memcpy(bytes + part.offset, key.bytes + part.offset, part.used);
  auto* values = reinterpret_cast<uint64_t*>(bytes + key.key_size);
  for (uint32_t word = 0; word < key.value_words; ++word) values[word] = key.initial;
  entry = {hash, static_cast<uint32_t>(used_ / 8), generation_};
  used_ += size;
  slot_->aggregation[flip_ & 1].used.store(used_, std::memory_order_release);
  return values;
}

}  // namespace ht::engine
