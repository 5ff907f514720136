// The numbers in dtrace -l's ID column: one for each (provider, module, function, name), whichever guests have it, for
// as long as the daemon runs. 1 to 3 are BEGIN, END and ERROR.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace ht::daemon {

class ProbeIds {
 public:
  static constexpr uint32_t kFirst = 4;
  static constexpr size_t kMost = size_t{4} << 20;  // names a hostile guest can make us remember; then 0

  uint32_t id(const std::string& provider, const std::string& module, const std::string& function,
              const std::string& name) {
    if (provider == "dtrace") {
      if (name == "BEGIN") return 1;
      if (name == "END") return 2;
      if (name == "ERROR") return 3;
    }
    std::string key = provider + ':' + module + ':' + function + ':' + name;
    if (auto found = ids_.find(key); found != ids_.end()) return found->second;
    if (ids_.size() >= kMost) return 0;
    const auto next = static_cast<uint32_t>(kFirst + ids_.size());
    return ids_.emplace(std::move(key), next).first->second;
  }

 private:
  std::unordered_map<std::string, uint32_t> ids_;
};

}  // namespace ht::daemon
