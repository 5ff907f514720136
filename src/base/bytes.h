// Bounds-checked reading and writing of little-endian bytes. Everything that comes from outside is read through
// ByteReader: a read past the end fails once and for all (ok() turns false and every later read yields zeros), so a
// parser reads a whole structure and checks ok() once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace ht {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

class ByteReader {
 public:
  explicit ByteReader(ByteView data) : data_(data) {}

  bool ok() const { return ok_; }
  size_t position() const { return position_; }
  size_t remaining() const { return data_.size() - position_; }

  void seek(size_t position) {
    if (position > data_.size()) {
      ok_ = false;
    } else {
      position_ = position;
    }
  }
  void skip(size_t count) {
    if (take(count).size() != count) ok_ = false;
  }

  template <typename T>
  requires std::is_trivially_copyable_v<T> T read() {
    T value{};
    ByteView bytes = take(sizeof(T));
    if (bytes.size() == sizeof(T)) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  uint8_t u8() { return read<uint8_t>(); }
  uint16_t u16() { return read<uint16_t>(); }
  uint32_t u32() { return read<uint32_t>(); }
  uint64_t u64() { return read<uint64_t>(); }

  // The next `count` bytes, or an empty view (and ok() false) when there are fewer.
  ByteView take(size_t count) {
    if (!ok_ || count > remaining()) {
      ok_ = false;
      return {};
    }
    ByteView result = data_.subspan(position_, count);
    position_ += count;
    return result;
  }

 private:
  ByteView data_;
  size_t position_ = 0;
  bool ok_ = true;
};

class ByteWriter {
 public:
  template <typename T>
  requires std::is_trivially_copyable_v<T>
  void write(const T& value) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
    data_.insert(data_.end(), bytes, bytes + sizeof(T));
  }
  void u8(uint8_t value) { write(value); }
  void u16(uint16_t value) { write(value); }
  void u32(uint32_t value) { write(value); }
  void u64(uint64_t value) { write(value); }
  void bytes(ByteView view) { data_.insert(data_.end(), view.begin(), view.end()); }
  void align(size_t alignment) {
    while (data_.size() % alignment != 0) data_.push_back(0);
  }
  size_t size() const { return data_.size(); }
  const Bytes& data() const { return data_; }
  Bytes take() { return std::move(data_); }

 private:
  Bytes data_;
};

}  // namespace ht
