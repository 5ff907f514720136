#include "daemon/linker.h"

#include <algorithm>

#include "dif/verify.h"

namespace ht::daemon {

Linked Linker::link(const std::string& program_sha256, const dif::Program& program, const types::CombinedTypes* types,
                    const link::TargetName& target, const std::vector<bool>& needed) {
  std::string key = program_sha256 + " " + (types == nullptr ? "" : types->hash());
  const Entry* entry = &find_or_link(key, program, types, target, nullptr);
  if (entry->program == nullptr && std::find(needed.begin(), needed.end(), false) != needed.end()) {
    key += ' ';
    for (bool one : needed) key += one ? '1' : '0';
    entry = &find_or_link(key, program, types, target, &needed);
  }
  Linked linked{entry->program, entry->errors, entry->wanted};
  for (Error& error : linked.errors) error.message += link::suffix(target);
  return linked;
}

const Linker::Entry& Linker::find_or_link(const std::string& key, const dif::Program& program,
                                          const types::CombinedTypes* types, const link::TargetName& target,
                                          const std::vector<bool>* needed) {
  auto found = std::find_if(recent_.begin(), recent_.end(), [&](const Entry& entry) { return entry.key == key; });
  if (found != recent_.end()) {
    recent_.splice(recent_.begin(), recent_, found);
    return recent_.front();
  }
  ++links_;
  Entry entry{key, nullptr, {}, {}};
  std::optional<types::CombinedTypes> noting;
  if (types != nullptr) noting.emplace(types->noting(&entry.wanted));
  const types::TypeFile* file = noting ? &*noting : nullptr;
  link::LinkResult result =
      needed == nullptr ? link::link(program, file, target) : link::link_clauses(program, file, target, *needed);
  if (result.ok()) {
    // What the linker makes of a client's program and a guest's types is checked like anything else from outside.
    if (auto verified = dif::verify(result.program, dif::Stage::kLinked); !verified.ok()) {
      result.errors.push_back(verified.error());
    }
  }
  if (result.ok()) {
    entry.program = std::make_shared<const dif::Program>(std::move(result.program));
  } else {
    const std::string suffix = link::suffix(target);
    for (Error& error : result.errors) {
      if (error.message.ends_with(suffix)) error.message.resize(error.message.size() - suffix.size());
    }
    entry.errors = std::move(result.errors);
  }
  recent_.push_front(std::move(entry));
  if (recent_.size() > kMost) recent_.pop_back();
  return recent_.front();
}

}  // namespace ht::daemon
