#include "engine/host_probes.h"

#include <algorithm>
#include <charconv>
#include <mutex>
#include <string>

#include "base/glob.h"
#include "base/time_units.h"

namespace ht::engine {
namespace {

constexpr uint64_t kShortestPeriod = 200'000;

// Those that -l lists.
constexpr std::string_view kPredefined[] = {
    "profile-97", "profile-199", "profile-499", "profile-997", "profile-1999", "profile-4001", "profile-4999",
    "tick-1",     "tick-10",     "tick-100",    "tick-500",    "tick-1000",    "tick-5000",
};

HostProbe make_probe(uint32_t number, std::string provider, std::string name) {
  HostProbe probe;
  probe.probe = number;
  probe.name = {number, std::move(provider), "", "", std::move(name)};
  return probe;
}

// All timers that anybody has named, by number from kFirstTimer.
class Registry {
 public:
  static Registry& instance() {
    static Registry registry;
    return registry;
  }
  std::vector<HostProbe> all() {
    const std::lock_guard guard(mutex_);
    return timers_;
  }
  // Finds or makes it; nothing if the name is no timer's.
  std::optional<HostProbe> named(std::string_view name) {
    const std::lock_guard guard(mutex_);
    return named_locked(name);
  }
  std::optional<HostProbe> numbered(uint32_t probe) {
    const std::lock_guard guard(mutex_);
    if (probe < HostProbe::kFirstTimer || probe - HostProbe::kFirstTimer >= timers_.size()) return std::nullopt;
    return timers_[probe - HostProbe::kFirstTimer];
  }

 private:
  Registry() {
    for (std::string_view name : kPredefined) named_locked(name);
  }
  std::optional<HostProbe> named_locked(std::string_view name) {
    for (const HostProbe& timer : timers_) {
      if (timer.name.name == name) return timer;
    }
    const std::optional<TimerName> parsed = parse_timer_name(name);
    if (!parsed) return std::nullopt;
    HostProbe timer =
        make_probe(HostProbe::kFirstTimer + static_cast<uint32_t>(timers_.size()), "profile", std::string(name));
    timer.period_ns = parsed->period_ns;
    timer.per_cpu = parsed->per_cpu;
    timers_.push_back(timer);
    return timer;
  }

  std::mutex mutex_;
  std::vector<HostProbe> timers_;
};

}  // namespace

std::optional<TimerName> parse_timer_name(std::string_view name) {
  TimerName result;
  if (name.starts_with("profile-")) {
    result.per_cpu = true;
    name.remove_prefix(8);
  } else if (name.starts_with("tick-")) {
    name.remove_prefix(5);
  } else {
    return std::nullopt;
  }
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), count);
  if (error != std::errc() || count == 0) return std::nullopt;
  std::string suffix(end, name.data() + name.size());
  std::transform(suffix.begin(), suffix.end(), suffix.begin(), [](unsigned char c) { return std::tolower(c); });
  const TimeUnit* unit = find_time_unit(suffix, "hz");
  if (unit == nullptr) return std::nullopt;
  if (unit->ns != 0 && count > INT64_MAX / unit->ns) return std::nullopt;
  result.period_ns = unit->ns == 0 ? kNsPerSecond / count : count * unit->ns;
  if (result.period_ns < kShortestPeriod) return std::nullopt;
  return result;
}

std::optional<HostProbe> find_timer(uint32_t probe) {
  return Registry::instance().numbered(probe);
}

std::vector<HostProbe> match_host_probes(const dif::ProbeDesc& description) {
  std::vector<HostProbe> candidates = {make_probe(HostProbe::kBegin, "dtrace", "BEGIN"),
                                       make_probe(HostProbe::kEnd, "dtrace", "END"),
                                       make_probe(HostProbe::kError, "dtrace", "ERROR")};
  Registry& registry = Registry::instance();
  const bool by_id = description.id != 0;
  if (!by_id && !is_glob(description.name) && field_match(description.provider, "profile")) {
    registry.named(description.name);  // described exactly: made now, matched below
  }
  for (HostProbe& timer : registry.all()) candidates.push_back(std::move(timer));
  std::erase_if(candidates, [&](const HostProbe& probe) {
    if (by_id) return probe.name.id != description.id;
    // A name described by a pattern, or not at all, means the predefined timers only.
    const bool exact = description.name == probe.name.name;
    const bool predefined =
        probe.probe < HostProbe::kFirstTimer ||
        std::find(std::begin(kPredefined), std::end(kPredefined), probe.name.name) != std::end(kPredefined);
    return !(exact || predefined) || !field_match(description.provider, probe.name.provider) ||
           !field_match(description.module, "") || !field_match(description.function, "") ||
           !field_match(description.name, probe.name.name);
  });
  return candidates;
}

}  // namespace ht::engine
