// Loading and storing the program's variables: globals, clause-locals, thread-locals and associative arrays.
#include <algorithm>
#include <mutex>

#include "engine/hash.h"
#include "engine/machine.h"

namespace ht::engine {

using dif::Fault;
using dif::Scope;

namespace {

bool is_dynamic(const VariableShape& shape) {
  return shape.array || shape.scope == Scope::kThread;
}
constexpr Value kUnset{0, kTagAbsent};

}  // namespace

bool Machine::load_variable(const VariableShape& shape, Value* result) {
  if (is_dynamic(shape)) return load_dynamic(shape, result);
  if (shape.scope == Scope::kLocal) return load_local(shape, result);
  if (shape.by_ref) return load_global_by_ref(shape, result);
  *result = session_.globals.scalar(shape.index).load();
  return true;
}

bool Machine::store_variable(const VariableShape& shape, Value value) {
  if (!shape.by_ref) value.bits = narrow(value.bits, shape.size, shape.is_signed);
  if (is_dynamic(shape)) return store_dynamic(shape, value);
  if (shape.scope == Scope::kLocal) return store_local(shape, value);
  if (shape.by_ref) return store_global_by_ref(shape, value);
  session_.globals.scalar(shape.index).store(value);
  return true;
}

// A string is copied out, so that it stays what it was while the clause looks at it. Other objects are used in place.
bool Machine::load_global_by_ref(const VariableShape& shape, Value* result) {
  ByRefCell& cell = *session_.globals.by_ref(shape.index);
  if (!shape.string) {
    *result = engine_address(Region::kGlobal, shape.index);
    return true;
  }
  char* room = string_room();
  if (room == nullptr) return false;
  uint32_t characters = 0;
  {
    const std::lock_guard guard(cell.lock);
    if (!cell.present) {
      *result = kUnset;
      return true;
    }
    characters = std::min(cell.used, strsize()) - 1;
    std::memcpy(room, cell.bytes.get(), characters);
  }
  *result = finish_string(characters);
  return true;
}

// What a by-reference variable is to hold: a string with its NUL, or shape.size bytes. May be a view into by_ref_.
bool Machine::fetch_by_ref(const VariableShape& shape, Value value, const uint8_t** data, uint32_t* size, Tag* tag) {
  uint8_t* buffer = by_ref_.get();
  const Space space = shape.user ? Space::kUser : Space::kKernel;
  *data = buffer;
  *tag = kTagNone;
  if (!shape.string) {
    *size = shape.size;
    return read(space, value, buffer, shape.size, tag);
  }
  std::string_view text;
  const uint32_t limit = std::min(shape.size, strsize()) - 1;
  if (!fetch_string(space, value, reinterpret_cast<char*>(buffer), limit, &text)) return false;
  std::memmove(buffer, text.data(), text.size());
  buffer[text.size()] = 0;
  *size = static_cast<uint32_t>(text.size()) + 1;
  return true;
}

bool Machine::store_global_by_ref(const VariableShape& shape, Value value) {
  ByRefCell& cell = *session_.globals.by_ref(shape.index);
  const uint8_t* data = nullptr;
  uint32_t size = 0;
  Tag tag = kTagNone;
  if (value.bits != 0 && !fetch_by_ref(shape, value, &data, &size, &tag)) return false;
  const std::lock_guard guard(cell.lock);
  cell.present = value.bits != 0;
  cell.tag = tag;
  cell.used = size;
  if (value.bits == 0) {
    std::memset(cell.bytes.get(), 0, cell.size);
  } else {
    std::memcpy(cell.bytes.get(), data, size);
    if (!shape.string) std::memset(cell.bytes.get() + size, 0, cell.size - size);  // larger for another kernel
  }
  return true;
}

bool Machine::load_local(const VariableShape& shape, Value* result) {
  Local& local = locals_[shape.index];
  const bool fresh = local.firing == firing_;
  if (!shape.by_ref) {
    *result = fresh ? local.value : Value{};
    return true;
  }
  if (!fresh) {
    local.firing = firing_;
    local.present = false;
    local.tag = kTagNone;
    std::memset(local.bytes.get(), 0, shape.string ? 1 : local.size);
  }
  *result = shape.string && !local.present ? kUnset : engine_address(Region::kLocal, shape.index);
  return true;
}

bool Machine::store_local(const VariableShape& shape, Value value) {
  Local& local = locals_[shape.index];
  if (!shape.by_ref) {
    local.firing = firing_;
    local.value = value;
    return true;
  }
  const uint8_t* data = nullptr;
  uint32_t size = 0;
  Tag tag = kTagNone;
  if (value.bits != 0 && !fetch_by_ref(shape, value, &data, &size, &tag)) return false;
  local.firing = firing_;
  local.present = value.bits != 0;
  local.tag = tag;
  if (value.bits != 0) {
    std::memcpy(local.bytes.get(), data, size);
  }
  std::memset(local.bytes.get() + size, 0, local.size - size);  // a string may be indexed beyond its end
  return true;
}

// Scope and variable, then the thread, then the tuple: values as words, strings and objects with their length.
bool Machine::build_key(const VariableShape& shape, DynamicKey* key) {
  uint8_t* out = key_memory_.data();
  const auto word = [&out](uint64_t value) {
    std::memcpy(out, &value, 8);
    out += 8;
  };
  word(uint64_t{shape.array} << 40 | static_cast<uint64_t>(shape.scope) << 32 | shape.id);
  if (shape.scope == Scope::kThread) {
    const Firing& firing = context_->firing;
    word(firing.target);
    word(firing.task != 0 ? firing.task : firing.tid);
  }
  for (unsigned i = 0; shape.array && i < tuple_size_; ++i) {
    const TupleEntry& entry = tuple_[i];
    if (!entry.by_ref) {
      word(entry.value.bits);
      continue;
    }
    if (entry.string) {
      std::string_view text;
      if (entry.value.bits != 0 &&
          !fetch_string(Space::kKernel, entry.value, reinterpret_cast<char*>(out + 8), strsize() - 1, &text)) {
        return false;
      }
      if (!text.empty()) std::memmove(out + 8, text.data(), text.size());  // A null string has no bytes to point at.
      word(text.size());
      out += text.size();
      continue;
    }
    Tag tag;
    if (entry.size > kMaxByRef) return fail(Fault::kBadsize, entry.size);
    if (!read(Space::kKernel, entry.value, out + 8, entry.size, &tag)) return false;
    word(entry.size);
    out += entry.size;
  }
  key->bytes = key_memory_.data();
  key->size = static_cast<uint32_t>(out - key_memory_.data());
  key->hash = hash_bytes(0, key->bytes, key->size);
  return true;
}

// A struct or array in dynamic variable space: its address, whether it is there already or not.
bool Machine::open_dynamic(const DynamicKey& key, const VariableShape& shape, Value* result) {
  if (handle_count_ == handles_.size()) return fail(Fault::kNoscratch);
  DynamicStore::Handle& handle = handles_[handle_count_];
  if (!session_.dynamics.open(key, &handle)) {
    if (key.size > kHandleKeys - handle_keys_used_) return fail(Fault::kNoscratch);
    uint8_t* kept = handle_keys_.get() + handle_keys_used_;
    std::memcpy(kept, key.bytes, key.size);
    handle_keys_used_ += key.size;
    handle = {nullptr, 0, key.hash, shape.size, kept, key.size};
  }
  *result = engine_address(Region::kDynamic, handle_count_++);
  return true;
}

bool Machine::load_dynamic(const VariableShape& shape, Value* result) {
  DynamicKey key;
  if (!build_key(shape, &key)) return false;
  DynamicStore& store = session_.dynamics;
  if (!shape.by_ref) {
    *result = {};
    store.load(key, result);
    return true;
  }
  if (!shape.string) return open_dynamic(key, shape, result);
  char* room = string_room();
  if (room == nullptr) return false;
  Tag tag;
  const uint32_t size = store.load_bytes(key, reinterpret_cast<uint8_t*>(room), strsize(), &tag);
  *result = size == 0 ? kUnset : finish_string(size - 1);
  return true;
}

bool Machine::store_dynamic(const VariableShape& shape, Value value) {
  DynamicKey key;
  if (!build_key(shape, &key)) return false;
  DynamicStore& store = session_.dynamics;
  if (value.bits == 0) {
    store.remove(key);
    return true;
  }
  bool stored = false;
  if (!shape.by_ref) {
    stored = store.store(key, value);
  } else {
    const uint8_t* data;
    uint32_t size;
    Tag tag;
    if (!fetch_by_ref(shape, value, &data, &size, &tag)) return false;
    stored = store.store_bytes(key, data, size, tag);
  }
  if (!stored) session_.memory.count_drop(slot_, Drop::kDynamic);
  return true;
}

}  // namespace ht::engine
