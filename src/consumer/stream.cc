// Output to stdio files.
#include "consumer/stream.h"

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
  if (file_ != original_) std::fclose(file_);
  if (owned_) std::fclose(original_);
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
  FILE* next = path.empty() ? original_ : std::fopen(path.c_str(), "ae");
  if (next == nullptr) return errno_error("couldn't freopen() \"" + path + "\"");
  if (file_ != original_) std::fclose(file_);
  file_ = next;
  return {};
}

}  // namespace ht::consumer
