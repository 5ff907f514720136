// Numbers of the host's own probes. BEGIN, END and ERROR are fixed; timers get a number each when first described, the
// same for as long as the process lives.
#pragma once

#include <optional>
#include <string_view>

#include "engine/engine.h"

namespace ht::engine {

// The timer with that number; none for BEGIN, END, ERROR and unknown numbers.
std::optional<HostProbe> find_timer(uint32_t probe);

// "tick-1s", "profile-97": period and kind, if the name is one and its period is long enough.
struct TimerName {
  uint64_t period_ns = 0;
  bool per_cpu = false;
};
std::optional<TimerName> parse_timer_name(std::string_view name);

}  // namespace ht::engine
