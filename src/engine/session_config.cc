// Run-time options of a program as a session's configuration (reference, sections 8.2 and 8.3).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/time_units.h"
#include "dif/options.h"
#include "dif/verify.h"
#include "engine/session.h"

namespace ht::engine {
namespace {

constexpr uint64_t kMaxStrsize = 1u << 20;
constexpr uint64_t kMaxScratchsize = dif::limits::kScratchBytes;
constexpr uint64_t kMaxSpeculations = 1u << 16;
constexpr uint64_t kMaxSize = uint64_t{1} << 60;  // what cannot be had is lowered later, or refused
constexpr uint64_t kFastestCleaning = 200'000, kSlowestCleaning = 60 * kNsPerSecond;
constexpr uint64_t kSlowestStatus = 10 * kNsPerSecond;

struct SizeOption {
  std::string_view name;
  uint64_t least, most;
  void (*set)(SessionConfig&, uint64_t);
};
constexpr std::array kSizeOptions = {
    SizeOption{"bufsize", 0, kMaxSize, [](SessionConfig& c, uint64_t v) { c.bufsize = v; }},
    SizeOption{"aggsize", 0, kMaxSize, [](SessionConfig& c, uint64_t v) { c.aggsize = v; }},
    SizeOption{"dynvarsize", 0, kMaxSize, [](SessionConfig& c, uint64_t v) { c.dynvarsize = v; }},
    SizeOption{"strsize", 1, kMaxStrsize, [](SessionConfig& c, uint64_t v) { c.strsize = static_cast<uint32_t>(v); }},
    SizeOption{"scratchsize", 0, kMaxScratchsize,
               [](SessionConfig& c, uint64_t v) { c.scratchsize = static_cast<uint32_t>(v); }},
    SizeOption{"nspec", 0, kMaxSpeculations, [](SessionConfig& c, uint64_t v) { c.nspec = static_cast<uint32_t>(v); }},
    SizeOption{"specsize", 0, kMaxSize, [](SessionConfig& c, uint64_t v) { c.specsize = v; }},
    SizeOption{"cpu", 0, UINT16_MAX, [](SessionConfig& c, uint64_t v) { c.cpu = static_cast<uint32_t>(v); }},
};

struct RateOption {
  std::string_view name;
  uint64_t SessionConfig::*period;
};
constexpr std::array kRateOptions = {
    RateOption{"cleanrate", &SessionConfig::cleanrate_ns},
    RateOption{"statusrate", &SessionConfig::statusrate_ns},
};

struct PolicyName {
  std::string_view name;
  BufferPolicy policy;
};
constexpr std::array kPolicies = {
    PolicyName{"switch", BufferPolicy::kSwitch},
    PolicyName{"fill", BufferPolicy::kFill},
    PolicyName{"ring", BufferPolicy::kRing},
};

Error invalid_value(std::string_view option) {
  return Error(fmt::format("option {}: Invalid value for specified option", option));
}

std::string size_text(uint64_t size) {
  static constexpr std::string_view kSuffixes = "ptgmk";
  for (size_t i = 0; i < kSuffixes.size(); ++i) {
    const uint64_t unit = uint64_t{1} << (10 * (kSuffixes.size() - i));
    if (size >= unit && size % unit == 0) return fmt::format("{}{}", size / unit, kSuffixes[i]);
  }
  return fmt::format("{} bytes", size);
}

std::string rate_text(uint64_t period) {
  if (period != 0 && period <= kNsPerSecond && kNsPerSecond % period == 0) {
    return fmt::format("{} hz", kNsPerSecond / period);
  }
  if (period % kNsPerSecond == 0) return fmt::format("once every {} seconds", period / kNsPerSecond);
  return fmt::format("once every {} nanoseconds", period);
}

struct Lowered {
  std::string_view name;
  uint64_t SessionConfig::*size;
};
constexpr std::array kLowered = {
    Lowered{"buffer size", &SessionConfig::bufsize},
    Lowered{"aggregation size", &SessionConfig::aggsize},
    Lowered{"speculation size", &SessionConfig::specsize},
    Lowered{"dynamic variable size", &SessionConfig::dynvarsize},
};
struct Limited {
  std::string_view name;
  uint64_t SessionConfig::*period;
};
constexpr std::array kLimited = {
    Limited{"cleaning rate", &SessionConfig::cleanrate_ns},
    Limited{"status rate", &SessionConfig::statusrate_ns},
};

}  // namespace

Result<SessionConfig> session_config(const dif::Program& program) {
  SessionConfig config;
  for (const SizeOption& option : kSizeOptions) {
    const auto found = program.options.find(std::string(option.name));
    if (found == program.options.end()) continue;
    const std::optional<uint64_t> value = dif::parse_option_size(found->second);
    if (!value || *value < option.least || *value > option.most) {
      return invalid_value(option.name);
    }
    option.set(config, *value);
  }
  for (const RateOption& option : kRateOptions) {
    const auto found = program.options.find(std::string(option.name));
    if (found == program.options.end()) continue;
    const std::optional<uint64_t> period = dif::parse_option_rate(found->second);
    if (!period) return invalid_value(option.name);
    config.*option.period = *period;
  }
  if (const auto found = program.options.find("bufpolicy"); found != program.options.end()) {
    const auto* policy = std::find_if(kPolicies.begin(), kPolicies.end(),
                                      [&](const PolicyName& known) { return known.name == found->second; });
    if (policy == kPolicies.end()) return invalid_value("bufpolicy");
    config.policy = policy->policy;
  }
  if (const auto found = program.options.find("bufresize"); found != program.options.end()) {
    if (found->second != "auto" && found->second != "manual") return invalid_value("bufresize");
    config.resize = found->second == "auto";
  }
  config.destructive = dif::option_set(program.options, "destructive");
  return config;
}

void limit_rates(SessionConfig& config) {
  config.cleanrate_ns = std::clamp(config.cleanrate_ns, kFastestCleaning, kSlowestCleaning);
  config.statusrate_ns = std::min(config.statusrate_ns, kSlowestStatus);
}

std::vector<std::string> adjustments(const SessionConfig& asked, const SessionConfig& got) {
  std::vector<std::string> texts;
  for (const Lowered& option : kLowered) {
    if (got.*option.size < asked.*option.size) {
      texts.push_back(fmt::format("{} lowered to {}", option.name, size_text(got.*option.size)));
    }
  }
  for (const Limited& option : kLimited) {
    const uint64_t before = asked.*option.period, now = got.*option.period;
    if (before == now) continue;
    texts.push_back(fmt::format("{} {} to {}", option.name, now > before ? "reduced" : "increased", rate_text(now)));
  }
  return texts;
}

}  // namespace ht::engine
