// Dynamic variables of a session: thread-locals and associative arrays, in one store of bounded size, shared by all
// slots. A hash table in shards with a small lock each; a lock is held only for copying in or out of the store, never
// while guest memory is read. Entries come in size classes (powers of two) from one arena; freed ones are kept for
// reuse by class, and an exhausted class is served from a larger one.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "engine/session.h"
#include "engine/spin_lock.h"
#include "engine/value.h"

namespace ht::engine {

// A key as bytes: scope, variable, thread and tuple, in the form that Machine builds.
struct DynamicKey {
  const uint8_t* bytes = nullptr;
  uint32_t size = 0;
  uint64_t hash = 0;
};

class DynamicStore {
 public:
  struct Entry {
    Entry* next;
    uint64_t hash;
    Value value;          // by value
    uint64_t generation;  // changes whenever the entry changes hands
    uint32_t key_size;
    uint32_t size;  // bytes by reference; 0: by value
    uint32_t size_class;
    Tag tag;  // of what the bytes hold
    // key bytes, padded to 8, then the bytes by reference
    uint8_t* key() { return reinterpret_cast<uint8_t*>(this + 1); }
    uint8_t* bytes() { return key() + (key_size + 7) / 8 * 8; }
  };
  // What a clause holds on to of a by-reference element; it dies with the element. One that is not there reads as zero
  // bytes and is made by the first write into it, for which its key is kept (by the clause).
  struct Handle {
    Entry* entry = nullptr;
    uint64_t generation = 0;
    uint64_t hash = 0;
    uint32_t size = 0;
    const uint8_t* key = nullptr;
    uint32_t key_size = 0;
  };

  // Lowers config.dynvarsize if so much cannot be had and config says so.
  static Result<DynamicStore> create(SessionConfig& config);
  static Result<DynamicStore> create(uint64_t bytes);

  // False when there is no such element.
  bool load(const DynamicKey& key, Value* value);
  // Copies at most `room` bytes of a by-reference element; returns its size, 0 when there is none.
  uint32_t load_bytes(const DynamicKey& key, uint8_t* out, uint32_t room, Tag* tag);
  bool open(const DynamicKey& key, Handle* handle);
  // Inside an open element; false when it is gone.
  bool read(const Handle& handle, uint32_t offset, void* out, uint32_t size, Tag* tag);
  enum class Written { kDone, kGone, kFull };
  Written write(Handle& handle, uint32_t offset, const void* data, uint32_t size, Tag tag);

  // False when the store is exhausted; an element that could not be replaced is gone then, so that it reads as 0.
  bool store(const DynamicKey& key, Value value);
  bool store_bytes(const DynamicKey& key, const uint8_t* data, uint32_t size, Tag tag);
  void remove(const DynamicKey& key);

 private:
  static constexpr unsigned kShards = 64;
  static constexpr unsigned kSmallest = 6;  // 64 bytes: a header and a key of one word
  static constexpr unsigned kClasses = 20;

  struct alignas(64) Shard {
    SpinLock lock;
  };
  struct State {  // behind a pointer: locks do not move
    std::array<Shard, kShards> shards;
    SpinLock arena_lock;
    std::array<Entry*, kClasses> free{};
    uint64_t arena_used = 0;
    uint64_t generation = 0;
  };

  SpinLock& lock_of(uint64_t hash) { return state_->shards[hash & (kShards - 1)].lock; }
  Entry** bucket_of(uint64_t hash) { return buckets_ + (hash & bucket_mask_); }
  Entry** find(const DynamicKey& key);
  Entry* allocate(uint64_t bytes);
  void release(Entry* entry);
  bool make(Handle& handle);
  Entry* replace(const DynamicKey& key, uint32_t size);

  std::unique_ptr<State> state_;
  Mapping arena_, table_;
  Entry** buckets_ = nullptr;
  uint64_t bucket_mask_ = 0;
};

}  // namespace ht::engine
