#include "engine/ancestors.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace ht::engine {

std::vector<uint32_t> own_ancestors() {
  constexpr size_t kMost = 64;
  std::vector<uint32_t> result;
  for (uint32_t pid = static_cast<uint32_t>(getpid()); pid != 0 && result.size() < kMost;) {
    result.push_back(pid);
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    pid = 0;
    // "PID (NAME) STATE PPID ...": a name may hold anything.
    if (const size_t name_end = text.rfind(") "); name_end != std::string::npos && name_end + 4 < text.size()) {
      pid = static_cast<uint32_t>(std::strtoul(text.c_str() + name_end + 4, nullptr, 10));
    }
  }
  return result;
}

}  // namespace ht::engine
