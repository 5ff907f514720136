// What is at addresses of guests, for clients that show stacks and symbols: asked of the guest's agent, which is not
// trusted with more than its own names.
#pragma once

#include <functional>
#include <set>

#include "channel/client.pb.h"
#include "daemon/trace_session.h"

namespace ht::daemon {

// For one client.
class AddressNames {
 public:
  explicit AddressNames(SessionContext& context) : context_(context) {}
  ~AddressNames();  // tells the guests that were asked that nobody will ask for a while

  using Done = std::function<void(const channel::ResolveReply&)>;
  // An empty answer if that boot of the guest is over or it says nothing sensible.
  void resolve(const channel::ResolveRequest& request, Done done);

 private:
  SessionContext& context_;
  std::set<engine::TargetId> asked_;
};

}  // namespace ht::daemon
