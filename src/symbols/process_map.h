// What is mapped where in a process: /proc/PID/maps.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ht::symbols {

class ProcessMap {
 public:
  struct Mapping {
    uint64_t begin = 0, end = 0, offset = 0;
    std::string path;  // empty if it is no file
    std::string file;  // device and inode: the same file, wherever it is seen
  };
  // In text as in /proc/PID/maps.
  explicit ProcessMap(std::string_view text);
  static ProcessMap of(uint32_t pid);  // empty if there is no such process
  // Tells processes apart that have one number after each other: when it was started, in clock ticks since boot; 0 if
  // there is none.
  static uint64_t start_of(uint32_t pid);
  uint64_t start() const { return start_; }

  const Mapping* find(uint64_t address) const;
  bool empty() const { return mappings_.empty(); }

 private:
  void add(std::string_view line);
  uint64_t start_ = 0;
  std::vector<Mapping> mappings_;
};

}  // namespace ht::symbols
