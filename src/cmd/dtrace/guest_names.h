// Names of guests' addresses, from dtraced, for what is shown of a session.
#pragma once

#include <map>

#include "channel/client.h"
#include "consumer/symbols.h"

namespace ht::dtrace {

class GuestNames final : public consumer::SymbolSource {
 public:
  explicit GuestNames(channel::Client& client) : client_(client) {}
  // Which boot of a guest is traced now.
  void set_boot(uint16_t target, uint16_t boot) { boots_[target] = boot; }

  std::vector<std::optional<symbols::Symbol>> resolve(const dif::AddressOwner& owner, bool kernel,
                                                      std::span<const uint64_t> addresses) override;
  uint16_t boot(uint16_t target) const override;

 private:
  channel::Client& client_;
  std::map<uint16_t, uint16_t> boots_;
};

}  // namespace ht::dtrace
