// For tests: a directory of its own, removed at the end.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace ht::daemon {

class TestDirectory {
 public:
  TestDirectory() {
    std::string pattern = testing::TempDir() + "ht_XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace ht::daemon
