#include "daemon/linker.h"

#include <algorithm>

#include "dif/verify.h"

namespace ht::daemon {

Linked Linker::link(const std::string& program_sha256, const dif::Program& program, const types::TypeFile* types,
                    const link::TargetName& target) {
  const std::string key = program_sha256 + " " + (types == nullptr ? "" : types->hash());
  auto found = std::find_if(recent_.begin(), recent_.end(), [&](const Entry& entry) { return entry.key == key; });
  if (found != recent_.end()) {
    recent_.splice(recent_.begin(), recent_, found);
    return {recent_.front().program, {}};
  }
  link::LinkResult result = link::link(program, types, target);
  if (!result.ok()) return {nullptr, std::move(result.errors)};
  // What the linker makes of a client's program and a guest's types is checked like anything else from outside.
  if (auto verified = dif::verify(result.program, dif::Stage::kLinked); !verified.ok()) {
    return {nullptr, {verified.error()}};
  }
  auto linked = std::make_shared<const dif::Program>(std::move(result.program));
  recent_.push_front({key, linked});
  if (recent_.size() > kMost) recent_.pop_back();
  return {linked, {}};
}

}  // namespace ht::daemon
