// Where output goes: standard output or the -o file, and elsewhere after freopen(). Not thread-safe.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ht::consumer {

class Stream {
 public:
  virtual ~Stream() = default;
  virtual void write(std::string_view text) = 0;
  virtual Result<void> flush() = 0;                          // an error once, if anything could not be written
  virtual void truncate() = 0;                               // ftruncate(): to nothing, if that is possible
  virtual Result<void> reopen(const std::string& path) = 0;  // freopen(): append to `path`; "" goes back
};

class FileStream final : public Stream {
 public:
  // Writes to `file`, which stays the caller's.
  explicit FileStream(FILE* file) : file_(file) {}
  // Appends to the file at `path`.
  static Result<std::unique_ptr<FileStream>> append(const std::string& path);
  ~FileStream() override;
  FileStream(const FileStream&) = delete;
  FileStream& operator=(const FileStream&) = delete;

  void write(std::string_view text) override;
  Result<void> flush() override;
  void truncate() override;
  Result<void> reopen(const std::string& path) override;

 private:
  FILE* file_;
  int saved_ = -1;      // after freopen(): the original output. The descriptor itself changes its file, so that what
                        // system() starts writes there, too
  bool owned_ = false;  // file_ is closed at the end
  bool failed_ = false;
};

class StringStream final : public Stream {
 public:
  void write(std::string_view text) override { text_ += text; }
  Result<void> flush() override { return {}; }
  void truncate() override { text_.clear(); }
  Result<void> reopen(const std::string&) override { return {}; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace ht::consumer
