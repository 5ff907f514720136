// Output to stdio files.
#include "consumer/stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace ht::consumer {

Result<std::unique_ptr<FileStream>> FileStream::append(const std::string& path) {
  FILE* file = std::fopen(path.c_str(), "ae");
  if (file == nullptr) return errno_error("failed to open output file '" + path + "'");
  auto stream = std::make_unique<FileStream>(file);
  stream->owned_ = true;
  return stream;
}

FileStream::~FileStream() {
  std::fflush(file_);
  if (saved_ >= 0) close(saved_);
  if (owned_) std::fclose(file_);
}

void FileStream::write(std::string_view text) {
  if (!failed_ && std::fwrite(text.data(), 1, text.size(), file_) != text.size()) failed_ = true;
}

Result<void> FileStream::flush() {
  // A reader that went away (| head) ends the command quietly through SIGPIPE; this is about full disks.
  if (std::fflush(file_) == 0 && !failed_) return {};
  failed_ = false;
  return errno_error("failed to write output");
}

void FileStream::truncate() {
  std::fflush(file_);
  if (std::fseek(file_, 0, SEEK_SET) == 0 && ftruncate(fileno(file_), 0) != 0)
    errno = 0;  // a pipe or terminal: no effect
}

Result<void> FileStream::reopen(const std::string& path) {
  std::fflush(file_);
  const int own = fileno(file_);
  if (path.empty()) {
    if (saved_ < 0) return {};
    dup2(saved_, own);
    close(saved_);
    saved_ = -1;
    return {};
  }
  const int next = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (next < 0) return errno_error("couldn't freopen() \"" + path + "\"");
  if (saved_ < 0) saved_ = fcntl(own, F_DUPFD_CLOEXEC, 3);
  const int flags = fcntl(own, F_GETFD);
  dup2(next, own);
  fcntl(own, F_SETFD, flags);
  close(next);
  return {};
}

}  // namespace ht::consumer
