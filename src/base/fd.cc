#include "base/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace ht {

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<Mapping> Mapping::map(int fd, size_t size, Access access, uint64_t offset) {
  const int protection = access == Access::kRead ? PROT_READ : PROT_READ | PROT_WRITE;
  void* data = ::mmap(nullptr, size, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
  if (data == MAP_FAILED) return errno_error("cannot map memory");
  Mapping mapping;
  mapping.data_ = data;
  mapping.size_ = size;
  return mapping;
}

Result<Mapping> Mapping::anonymous(size_t size) {
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) return errno_error("cannot allocate memory");
  Mapping mapping;
  mapping.data_ = data;
  mapping.size_ = size;
  return mapping;
}

void Mapping::unmap() {
  if (data_ != nullptr) ::munmap(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

Result<UniqueFd> open_file(const std::string& path, int flags, unsigned mode) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return errno_error("cannot open " + path);
  return fd;
}

Result<Bytes> read_file(const std::string& path, size_t limit) {
  ASSIGN_OR_RETURN(UniqueFd fd, open_file(path, O_RDONLY));
  Bytes data;
  size_t used = 0;
  for (;;) {
    if (data.size() - used < 65536) data.resize(data.size() == 0 ? 65536 : data.size() * 2);
    const ssize_t count = ::read(fd.get(), data.data() + used, data.size() - used);
    if (count < 0) {
      if (errno == EINTR) continue;
      return errno_error("cannot read " + path);
    }
    if (count == 0) break;
    used += static_cast<size_t>(count);
    if (used > limit) return Error(path + " is larger than " + std::to_string(limit) + " bytes");
  }
  data.resize(used);
  return data;
}

Result<std::string> read_text_file(const std::string& path, size_t limit) {
  ASSIGN_OR_RETURN(Bytes data, read_file(path, limit));
  return std::string(data.begin(), data.end());
}

Result<void> write_file_atomically(const std::string& path, ByteView data, unsigned mode) {
  const std::string temporary = path + ".new" + std::to_string(::getpid());
  ASSIGN_OR_RETURN(UniqueFd fd, open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode));
  while (!data.empty()) {
    const ssize_t count = ::write(fd.get(), data.data(), data.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      Error error = errno_error("cannot write " + temporary);
      ::unlink(temporary.c_str());
      return error;
    }
    data = data.subspan(static_cast<size_t>(count));
  }
  if (::fsync(fd.get()) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    Error error = errno_error("cannot write " + path);
    ::unlink(temporary.c_str());
    return error;
  }
  return {};
}

}  // namespace ht
