#include "cmd/dtrace/guest_names.h"

namespace ht::dtrace {

uint16_t GuestNames::boot(uint16_t target) const {
  const auto found = boots_.find(target);
  return found == boots_.end() ? 0 : found->second;
}

// No answer is no error: addresses are shown as numbers then.
std::vector<std::optional<symbols::Symbol>> GuestNames::resolve(const dif::AddressOwner& owner, bool kernel,
                                                                std::span<const uint64_t> addresses) {
  std::vector<std::optional<symbols::Symbol>> names;
  if (owner.boot == 0) return names;
  channel::ResolveRequest request;
  request.set_target(owner.target);
  request.set_boot(owner.boot);
  request.set_kernel(kernel);
  request.set_pid(owner.pid);
  for (uint64_t address : addresses) request.add_addresses(address);
  const auto reply = client_.resolve(request);
  if (!reply.ok()) return names;
  for (const channel::ResolvedName& name : reply->names()) {
    names.emplace_back();
    if (!name.module().empty()) names.back() = symbols::Symbol{name.module(), name.name(), name.start()};
  }
  return names;
}

}  // namespace ht::dtrace
