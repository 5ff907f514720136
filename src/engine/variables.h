// Storage of a session's global variables, and the shape of all its variables. Made from the program's table when the
// first variant is added; later variants are links of the same program and must agree with it.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "base/result.h"
#include "dif/program.h"
#include "engine/spin_lock.h"
#include "engine/value.h"

namespace ht::engine {

// What the engine needs to know of a variable to load and store it.
struct VariableShape {
  uint32_t index = 0;  // in the storage of its scope: id - 0x500
  uint16_t id = 0;
  dif::Scope scope = dif::Scope::kGlobal;
  bool array = false;
  bool by_ref = false;  // its value is `size` bytes
  bool string = false;  // and is copied up to its NUL
  bool user = false;    // the stored address is the user's
  bool is_signed = false;
  uint32_t size = 0;
};
VariableShape shape_of(const dif::VariableDef& variable, uint32_t strsize);

// A global or clause-local held by reference is at most this large; larger ones are refused.
inline constexpr uint32_t kMaxByRef = 16384;

// One global scalar. Value and tag belong together, so they are read and written as one (a sequence lock).
class ScalarCell {
 public:
  Value load() const {
    for (Backoff backoff;; backoff.wait()) {
      const uint32_t before = sequence_.load(std::memory_order_acquire);
      const Value value{bits_.load(std::memory_order_relaxed), tag_.load(std::memory_order_relaxed)};
      std::atomic_thread_fence(std::memory_order_acquire);
      if (before % 2 == 0 && sequence_.load(std::memory_order_relaxed) == before) return value;
    }
  }
  void store(Value value) {
    lock_.lock();
    const uint32_t before = sequence_.load(std::memory_order_relaxed);
    sequence_.store(before + 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    bits_.store(value.bits, std::memory_order_relaxed);
    tag_.store(value.tag, std::memory_order_relaxed);
    sequence_.store(before + 2, std::memory_order_release);
    lock_.unlock();
  }

 private:
  SpinLock lock_;
  std::atomic<Tag> tag_{kTagNone};
  std::atomic<uint32_t> sequence_{0};
  std::atomic<uint64_t> bits_{0};
};

// One global held by reference.
struct ByRefCell {
  SpinLock lock;
  bool present = false;  // strings: not NULL
  Tag tag = kTagNone;    // of what the bytes hold
  uint32_t used = 0;     // strings: bytes up to and with the NUL
  uint32_t size = 0;
  std::unique_ptr<uint8_t[]> bytes;
};

class Globals {
 public:
  // Checks `program`'s variables against what is there and makes what is missing. A struct may have another size in
  // each kernel: while nothing runs yet (`may_grow`), a variable grows to the largest.
  Result<void> define(const dif::Program& program, uint32_t strsize, bool may_grow);

  ScalarCell& scalar(uint32_t index) { return *scalars_[index]; }
  ByRefCell* by_ref(uint32_t index) { return index < by_ref_.size() ? by_ref_[index].get() : nullptr; }
  // Shapes of clause-locals, by index; machines make their own storage from them.
  const std::vector<VariableShape>& locals() const { return locals_; }
  uint32_t largest() const { return largest_; }  // of all by-reference variables

 private:
  void grow(const VariableShape& shape);

  bool defined_ = false;
  std::vector<VariableShape> shapes_;
  std::vector<std::unique_ptr<ScalarCell>> scalars_;
  std::vector<std::unique_ptr<ByRefCell>> by_ref_;
  std::vector<VariableShape> locals_;
  uint32_t largest_ = 8;
};

}  // namespace ht::engine
