#include "base/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
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

namespace {

Result<void> write_all(int fd, ByteView data, const std::string& path) {
  while (!data.empty()) {
    const ssize_t count = ::write(fd, data.data(), data.size());
    if (count < 0 && errno != EINTR) return errno_error("cannot write " + path);
    if (count > 0) data = data.subspan(static_cast<size_t>(count));
  }
  return {};
}

}  // namespace

Result<void> write_file_atomically(const std::string& path, ByteView data, unsigned mode) {
  struct stat present {};
  if (::stat(path.c_str(), &present) == 0 && !S_ISREG(present.st_mode)) {
    // A device or a pipe must stay what it is.
    ASSIGN_OR_RETURN(const UniqueFd fd, open_file(path, O_WRONLY));
    return write_all(fd.get(), data, path);
  }
  const std::string temporary = path + ".new" + std::to_string(::getpid());
  const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd.valid()) return errno_error("cannot write " + path);
  Result<void> written = write_all(fd.get(), data, path);
  if (written.ok() && (::fsync(fd.get()) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0)) {
    written = errno_error("cannot write " + path);
  }
  if (!written.ok()) ::unlink(temporary.c_str());
  return written;
}

}  // namespace ht
