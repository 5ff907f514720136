// The units that D accepts behind a number: in the names of timers (tick-10ms) and in rates (-x switchrate=10hz).
#pragma once

#include <cstdint>
#include <string_view>

namespace ht {

inline constexpr uint64_t kNsPerSecond = 1'000'000'000;

struct TimeUnit {
  std::string_view name;
  uint64_t ns;  // 0: so many per second
};
inline constexpr TimeUnit kTimeUnits[] = {
    {"ns", 1},
    {"nsec", 1},
    {"us", 1'000},
    {"usec", 1'000},
    {"ms", 1'000'000},
    {"msec", 1'000'000},
    {"s", kNsPerSecond},
    {"sec", kNsPerSecond},
    {"m", 60 * kNsPerSecond},
    {"min", 60 * kNsPerSecond},
    {"h", 3600 * kNsPerSecond},
    {"hour", 3600 * kNsPerSecond},
    {"d", 86400 * kNsPerSecond},
    {"day", 86400 * kNsPerSecond},
    {"hz", 0},
};

// In lower case. `bare` is what a number without a unit means. Null if there is no such unit.
constexpr const TimeUnit* find_time_unit(std::string_view name, std::string_view bare) {
  if (name.empty()) name = bare;
  for (const TimeUnit& unit : kTimeUnits) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

}  // namespace ht
