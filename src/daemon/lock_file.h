// A file whose lock (flock) says that its owner runs, and whose text says who that is. The lock dies with the process,
// so a file that was left behind is no obstacle.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace ht::daemon {

class LockFile {
 public:
  // If somebody holds it: an Error, and `holder` is "process 123".
  static Result<LockFile> take(const std::string& path, std::string* holder);
  LockFile(LockFile&&) = default;
  LockFile& operator=(LockFile&& other) noexcept;
  ~LockFile() { release(); }

 private:
  LockFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  void release();  // removes the file
  std::string path_;
  UniqueFd fd_;
};

}  // namespace ht::daemon
