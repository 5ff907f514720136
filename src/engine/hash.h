// The engine's hash of keys: fast on short byte strings, good in its low bits, private to the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ht::engine {

inline uint64_t hash_word(uint64_t seed, uint64_t word) {
  const auto product = static_cast<unsigned __int128>(seed ^ word ^ 0x9e3779b97f4a7c15) * 0xd6e8feb86659fd93;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t hash_bytes(uint64_t seed, const void* data, size_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  seed = hash_word(seed, size);
  uint64_t word;
  for (; size >= 8; bytes += 8, size -= 8) {
    std::memcpy(&word, bytes, 8);
    seed = hash_word(seed, word);
  }
  if (size != 0) {
    word = 0;
    std::memcpy(&word, bytes, size);
    seed = hash_word(seed, word);
  }
  return seed;
}

}  // namespace ht::engine
