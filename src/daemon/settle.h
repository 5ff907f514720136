// Before targets are looked up: every guest there is has been found and has said who it is, and what it says of itself
// is as of now, where that matters.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/trace_session.h"

namespace ht::daemon {

void settle_guests(SessionContext& context, const std::vector<std::string>& targets,
                   const link::TargetResolver& resolver, std::function<void()> done);

}  // namespace ht::daemon
