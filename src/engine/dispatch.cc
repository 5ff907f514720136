#include "engine/dispatch.h"

#include <bit>

namespace ht::engine {

TargetTable::TargetTable(std::string name, std::vector<EcbGroup> groups, std::vector<std::shared_ptr<void>> holds)
    : name_(std::move(name)), groups_(std::move(groups)), holds_(std::move(holds)) {
  slots_.resize(std::bit_ceil(groups_.size() * 2 + 1));
  mask_ = slots_.size() - 1;
  groups_.emplace_back();  // the sentinel
  for (size_t i = 0; i + 1 < groups_.size(); ++i) {
    if (i != 0 && groups_[i].probe == groups_[i - 1].probe) continue;
    uint64_t place = hash_word(0, groups_[i].probe);
    while (slots_[place & mask_].group != nullptr) ++place;
    slots_[place & mask_] = {groups_[i].probe, &groups_[i]};
  }
}

}  // namespace ht::engine
