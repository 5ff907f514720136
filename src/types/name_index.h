// A hash index from (tag, name) to a number, built once. Names are views into the type file. Open addressing; a file
// made to collide is refused (insert() returns false) instead of being searched slowly.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace ht::types {

class NameIndex {
 public:
  static constexpr size_t kMaxProbes = 1024;

  void reserve(size_t entries) {
    size_t capacity = 16;
    while (capacity < entries * 2) capacity *= 2;
    slots_.assign(capacity, Slot{});
  }

  // The first of several equal entries stays.
  bool insert(unsigned tag, std::string_view name, uint32_t value) {
    const uint32_t hash = hash_of(tag, name);
    const size_t mask = slots_.size() - 1;
    for (size_t i = hash & mask, probes = 0; probes < kMaxProbes; ++probes, i = (i + 1) & mask) {
      Slot& slot = slots_[i];
      if (!slot.used) {
        slot = {name.data(), static_cast<uint32_t>(name.size()), hash, value, static_cast<uint8_t>(tag), true};
        return true;
      }
      if (slot.matches(tag, name, hash)) return true;
    }
    return false;
  }

  std::optional<uint32_t> find(unsigned tag, std::string_view name) const {
    if (slots_.empty()) return std::nullopt;
    const uint32_t hash = hash_of(tag, name);
    const size_t mask = slots_.size() - 1;
    for (size_t i = hash & mask, probes = 0; probes < kMaxProbes; ++probes, i = (i + 1) & mask) {
      const Slot& slot = slots_[i];
      if (!slot.used) return std::nullopt;
      if (slot.matches(tag, name, hash)) return slot.value;
    }
    return std::nullopt;
  }

 private:
  struct Slot {
    const char* text = nullptr;
    uint32_t length = 0;
    uint32_t hash = 0;
    uint32_t value = 0;
    uint8_t tag = 0;
    bool used = false;
    bool matches(unsigned t, std::string_view name, uint32_t h) const {
      return hash == h && tag == t && std::string_view(text, length) == name;
    }
  };
  static uint32_t hash_of(unsigned tag, std::string_view name) {
    const uint64_t h = (std::hash<std::string_view>{}(name) ^ tag) * 0x9e3779b97f4a7c15u;
    return static_cast<uint32_t>(h >> 32);
  }

  std::vector<Slot> slots_;
};

}  // namespace ht::types
