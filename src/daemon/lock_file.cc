#include "daemon/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace ht::daemon {
namespace {

// Its last owner may have removed the file between our opening and locking it: then the lock means nothing.
bool still_there(const UniqueFd& fd, const std::string& path) {
  struct stat ours {};
  struct stat there {};
  return ::fstat(fd.get(), &ours) == 0 && ::stat(path.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
         ours.st_dev == there.st_dev;
}

}  // namespace

Result<LockFile> LockFile::take(const std::string& path, std::string* holder) {
  for (;;) {
    ASSIGN_OR_RETURN(UniqueFd fd, open_file(path, O_RDWR | O_CREAT, 0644));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return errno_error("cannot lock " + path);
      auto pid = read_text_file(path, 64);
      *holder = pid.ok() && !pid->empty() ? "process " + pid->substr(0, pid->find('\n')) : "another process";
      return Error(path + " is locked by " + *holder);
    }
    if (!still_there(fd, path)) continue;
    LockFile lock(path, std::move(fd));
    const std::string text = std::to_string(::getpid()) + "\n";
    const int file = lock.fd_.get();
    if (::ftruncate(file, 0) != 0 || ::pwrite(file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
      return errno_error("cannot write " + path);
    }
    return lock;
  }
}

LockFile& LockFile::operator=(LockFile&& other) noexcept {
  if (this != &other) {
    release();
    path_ = std::move(other.path_);
    fd_ = std::move(other.fd_);
  }
  return *this;
}

void LockFile::release() {
  if (fd_) ::unlink(path_.c_str());  // while the lock is held: nobody else's
  fd_.reset();
}

}  // namespace ht::daemon
