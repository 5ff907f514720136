// Owned descriptors and mappings, and whole-file helpers.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace ht {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// A mapping of memory, unmapped at the end of its life.
class Mapping {
 public:
  enum class Access { kRead, kReadWrite };

  Mapping() = default;
  Mapping(Mapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Mapping& operator=(Mapping&& other) noexcept {
    if (this != &other) {
      unmap();
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  ~Mapping() { unmap(); }

  // Shared mapping of `size` bytes of fd from `offset` (page aligned).
  static Result<Mapping> map(int fd, size_t size, Access access, uint64_t offset = 0);
  // Private zeroed memory.
  static Result<Mapping> anonymous(size_t size);

  uint8_t* data() const { return static_cast<uint8_t*>(data_); }
  size_t size() const { return size_; }
  explicit operator bool() const { return data_ != nullptr; }

 private:
  void unmap();
  void* data_ = nullptr;
  size_t size_ = 0;
};

Result<UniqueFd> open_file(const std::string& path, int flags, unsigned mode = 0644);
// Works for /proc and /sys files too. Fails when the file is larger than `limit` bytes.
Result<Bytes> read_file(const std::string& path, size_t limit = size_t{256} << 20);
Result<std::string> read_text_file(const std::string& path, size_t limit = size_t{16} << 20);
// Writes to a temporary name beside it, syncs, renames: the file is there wholly or not at all.
Result<void> write_file_atomically(const std::string& path, ByteView data, unsigned mode = 0644);

}  // namespace ht
