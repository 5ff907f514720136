#include "engine/dynamic_store.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>

namespace ht::engine {

Result<DynamicStore> DynamicStore::create(SessionConfig& config) {
  for (;; config.dynvarsize /= 2) {
    constexpr uint64_t most = uint64_t{1} << 40;
    auto store = config.dynvarsize <= most ? create(config.dynvarsize) : Result<DynamicStore>(Error(""));
    if (store) return store;
    if (!config.resize || config.dynvarsize < 8) return Error("Memory allocation failure");
  }
}

Result<DynamicStore> DynamicStore::create(uint64_t bytes) {
  DynamicStore store;
  store.state_ = std::make_unique<State>();
  ASSIGN_OR_RETURN(store.arena_, Mapping::anonymous(std::max<uint64_t>(bytes, 1)));
  // A shard's buckets are those whose low bits are the shard's number: there are at least as many as shards.
  const uint64_t buckets = std::max<uint64_t>(std::bit_ceil(bytes / 64 + 1), kShards);
  ASSIGN_OR_RETURN(store.table_, Mapping::anonymous(buckets * sizeof(Entry*)));
  store.buckets_ = reinterpret_cast<Entry**>(store.table_.data());
  store.bucket_mask_ = buckets - 1;
  return store;
}

DynamicStore::Entry** DynamicStore::find(const DynamicKey& key) {
  Entry** link = bucket_of(key.hash);
  for (; *link != nullptr; link = &(*link)->next) {
    Entry* entry = *link;
    if (entry->hash == key.hash && entry->key_size == key.size && std::memcmp(entry->key(), key.bytes, key.size) == 0) {
      break;
    }
  }
  return link;
}

DynamicStore::Entry* DynamicStore::allocate(uint64_t bytes) {
  const unsigned order = std::max<unsigned>(std::bit_width(bytes - 1), kSmallest);
  if (order - kSmallest >= kClasses) return nullptr;
  const unsigned wanted = order - kSmallest;
  const std::lock_guard guard(state_->arena_lock);
  Entry* entry = state_->free[wanted];
  unsigned size_class = wanted;
  if (entry == nullptr && arena_.size() - std::min<uint64_t>(state_->arena_used, arena_.size()) >= uint64_t{1}
                                                                                                       << order) {
    entry = reinterpret_cast<Entry*>(arena_.data() + state_->arena_used);
    state_->arena_used += uint64_t{1} << order;
  } else {
    while (entry == nullptr && ++size_class < kClasses) entry = state_->free[size_class];
    if (entry == nullptr) return nullptr;
    state_->free[size_class] = entry->next;
  }
  entry->size_class = size_class;
  std::atomic_ref(entry->generation).store(++state_->generation, std::memory_order_relaxed);
  return entry;
}

void DynamicStore::release(Entry* entry) {
  const std::lock_guard guard(state_->arena_lock);
  std::atomic_ref(entry->generation).store(++state_->generation, std::memory_order_relaxed);
  entry->next = state_->free[entry->size_class];
  state_->free[entry->size_class] = entry;
}

// The key's entry with room for `size` bytes by reference, made or made anew. The shard is locked.
DynamicStore::Entry* DynamicStore::replace(const DynamicKey& key, uint32_t size) {
  Entry** link = find(key);
  const uint64_t needed = sizeof(Entry) + (key.size + 7) / 8 * 8 + size;
  if (Entry* entry = *link; entry != nullptr) {
    if (needed <= uint64_t{1} << (entry->size_class + kSmallest)) {
      entry->size = size;
      return entry;
    }
    *link = entry->next;
    release(entry);
  }
  Entry* entry = allocate(needed);
  if (entry == nullptr) return nullptr;
  entry->hash = key.hash;
  entry->key_size = key.size;
  entry->size = size;
  std::memcpy(entry->key(), key.bytes, key.size);
  Entry** bucket = bucket_of(key.hash);
  entry->next = *bucket;
  *bucket = entry;
  return entry;
}

bool DynamicStore::load(const DynamicKey& key, Value* value) {
  const std::lock_guard guard(lock_of(key.hash));
  Entry* entry = *find(key);
  if (entry == nullptr) return false;
  *value = entry->value;
  return true;
}

uint32_t DynamicStore::load_bytes(const DynamicKey& key, uint8_t* out, uint32_t room, Tag* tag) {
  const std::lock_guard guard(lock_of(key.hash));
  Entry* entry = *find(key);
  if (entry == nullptr) return 0;
  *tag = entry->tag;
  std::memcpy(out, entry->bytes(), std::min(room, entry->size));
  return std::min(room, entry->size);
}

bool DynamicStore::open(const DynamicKey& key, Handle* handle) {
  const std::lock_guard guard(lock_of(key.hash));
  Entry* entry = *find(key);
  if (entry == nullptr) return false;
  *handle = {entry, entry->generation, key.hash, entry->size, nullptr, 0};
  return true;
}

bool DynamicStore::read(const Handle& handle, uint32_t offset, void* out, uint32_t size, Tag* tag) {
  if (handle.entry == nullptr) {
    if (offset > handle.size || size > handle.size - offset) return false;
    *tag = kTagNone;
    std::memset(out, 0, size);
    return true;
  }
  // The entry's memory stays the arena's whoever owns it; the generation says whether it is still ours. It may have
  // moved to another shard meanwhile, but then the generation has changed under the lock of the old one.
  const std::lock_guard guard(lock_of(handle.hash));
  Entry* entry = handle.entry;
  if (std::atomic_ref(entry->generation).load(std::memory_order_relaxed) != handle.generation) return false;
  if (offset > entry->size || size > entry->size - offset) return false;
  *tag = entry->tag;
  std::memcpy(out, entry->bytes() + offset, size);
  return true;
}

// Makes the element that the handle names, all zeros, unless somebody has done so meanwhile. The shard is locked.
bool DynamicStore::make(Handle& handle) {
  const DynamicKey key{handle.key, handle.key_size, handle.hash};
  Entry* entry = *find(key);
  if (entry == nullptr) {
    entry = replace(key, handle.size);
    if (entry == nullptr) return false;
    entry->tag = kTagNone;
    std::memset(entry->bytes(), 0, handle.size);
  }
  handle.entry = entry;
  handle.generation = std::atomic_ref(entry->generation).load(std::memory_order_relaxed);
  return true;
}

DynamicStore::Written DynamicStore::write(Handle& handle, uint32_t offset, const void* data, uint32_t size, Tag tag) {
  const std::lock_guard guard(lock_of(handle.hash));
  if (offset > handle.size || size > handle.size - offset) return Written::kGone;
  if (handle.entry == nullptr && !make(handle)) return Written::kFull;
  Entry* entry = handle.entry;
  if (std::atomic_ref(entry->generation).load(std::memory_order_relaxed) != handle.generation) return Written::kGone;
  if (offset > entry->size || size > entry->size - offset) return Written::kGone;
  entry->tag = combine(entry->tag, tag);
  std::memcpy(entry->bytes() + offset, data, size);
  return Written::kDone;
}

bool DynamicStore::store(const DynamicKey& key, Value value) {
  const std::lock_guard guard(lock_of(key.hash));
  Entry* entry = replace(key, 0);
  if (entry == nullptr) return false;
  entry->value = value;
  return true;
}

bool DynamicStore::store_bytes(const DynamicKey& key, const uint8_t* data, uint32_t size, Tag tag) {
  const std::lock_guard guard(lock_of(key.hash));
  Entry* entry = replace(key, size);
  if (entry == nullptr) return false;
  entry->tag = tag;
  std::memcpy(entry->bytes(), data, size);
  return true;
}

void DynamicStore::remove(const DynamicKey& key) {
  const std::lock_guard guard(lock_of(key.hash));
  Entry** link = find(key);
  Entry* entry = *link;
  if (entry == nullptr) return;
  *link = entry->next;
  release(entry);
}

}  // namespace ht::engine
