#include "dif/stability.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>

namespace ht::dif {
namespace {

constexpr std::string_view kStabilityWords[] = {"Internal", "Private",  "Obsolete", "External",
                                                "Unstable", "Evolving", "Stable",   "Standard"};
constexpr std::string_view kDependencyWords[] = {"Unknown", "CPU", "Platform", "Group", "ISA", "Common"};

constexpr Attributes kStableCommon{};
constexpr Attributes kEvolvingCommon{Stability::kEvolving, Stability::kEvolving, Dependency::kCommon};
constexpr Attributes kEvolvingIsa{Stability::kEvolving, Stability::kEvolving, Dependency::kIsa};
constexpr Attributes kUnstableUnknown{Stability::kUnstable, Stability::kUnstable, Dependency::kUnknown};
constexpr Attributes kPrivateIsa{Stability::kPrivate, Stability::kPrivate, Dependency::kIsa};
constexpr Attributes kPrivateUnknown = kKernelAttributes;

constexpr ProviderAttributes kHost{kStableCommon, kPrivateUnknown, kPrivateUnknown, kStableCommon, kStableCommon};
constexpr ProviderAttributes kTimers{kEvolvingCommon, kUnstableUnknown, kPrivateUnknown, kEvolvingCommon,
                                     kEvolvingCommon};
constexpr ProviderAttributes kCode{kEvolvingCommon, kPrivateUnknown, kPrivateIsa, kEvolvingCommon, kPrivateIsa};
constexpr ProviderAttributes kSubsystem{kEvolvingIsa, kPrivateUnknown, kPrivateUnknown, kEvolvingIsa, kEvolvingIsa};
constexpr ProviderAttributes kTracepoints{kEvolvingIsa, kPrivateUnknown, kPrivateUnknown, kPrivateIsa, kPrivateIsa};
// pid, USDT, and whatever else appears.
constexpr ProviderAttributes kUser{kEvolvingIsa, kPrivateUnknown, kPrivateUnknown, kEvolvingIsa, kPrivateUnknown};

struct ProviderRow {
  std::string_view name;
  const ProviderAttributes& attributes;
};
constexpr ProviderRow kProviders[] = {
    {"dtrace", kHost},    {"profile", kTimers},     {"cpc", kTimers},        {"syscall", kCode},    {"fbt", kCode},
    {"proc", kSubsystem}, {"sched", kSubsystem},    {"io", kSubsystem},      {"ip", kSubsystem},    {"tcp", kSubsystem},
    {"udp", kSubsystem},  {"lockstat", kSubsystem}, {"rawtp", kTracepoints}, {"sdt", kTracepoints},
};

struct Component {
  std::string_view name;
  Attributes ProviderAttributes::*member;
};
constexpr Component kComponents[] = {
    {"provider", &ProviderAttributes::provider}, {"module", &ProviderAttributes::module},
    {"function", &ProviderAttributes::function}, {"name", &ProviderAttributes::name},
    {"args", &ProviderAttributes::args},
};

constexpr Version version(uint32_t major, uint32_t minor, uint32_t micro = 0) {
  return major << 24 | minor << 12 | micro;
}

constexpr Version kVersions[] = {
    version(1, 0),    version(1, 1),    version(1, 2),  version(1, 2, 1), version(1, 2, 2), version(1, 3),
    version(1, 4),    version(1, 4, 1), version(1, 5),  version(1, 6),    version(1, 6, 1), version(1, 6, 2),
    version(1, 6, 3), version(1, 6, 4), version(1, 7),  version(1, 7, 1), version(1, 8),    version(1, 8, 1),
    version(1, 9),    version(1, 9, 1), version(1, 10), version(1, 11),   version(1, 12),   version(1, 12, 1),
    version(1, 13),   version(2, 0),
};

// What was not there from the first.
struct Introduction {
  std::string_view name;
  Version version;
};
constexpr Introduction kIntroductions[] = {
    {"freopen", version(1, 1)},   {"index", version(1, 1)},     {"rindex", version(1, 1)},
    {"strchr", version(1, 1)},    {"strrchr", version(1, 1)},   {"strstr", version(1, 1)},
    {"strtok", version(1, 1)},    {"substr", version(1, 1)},    {"func", version(1, 2)},
    {"mod", version(1, 2)},       {"sym", version(1, 2)},       {"uaddr", version(1, 2)},
    {"ucaller", version(1, 2)},   {"ufunc", version(1, 2)},     {"umod", version(1, 2)},
    {"usym", version(1, 2)},      {"htonl", version(1, 3)},     {"htonll", version(1, 3)},
    {"htons", version(1, 3)},     {"ntohl", version(1, 3)},     {"ntohll", version(1, 3)},
    {"ntohs", version(1, 3)},     {"inet_ntoa", version(1, 5)}, {"inet_ntoa6", version(1, 5)},
    {"inet_ntop", version(1, 5)}, {"stddev", version(1, 6)},    {"llquantize", version(1, 7)},
    {"tolower", version(1, 8)},   {"toupper", version(1, 8)},   {"print", version(1, 9)},
    {"getf", version(1, 10)},     {"json", version(1, 11)},     {"strtoll", version(1, 11)},
    {"execargs", version(1, 13)}, {"curcpu", version(2, 0)},    {"pcap", version(2, 0)},
    {"vmid", version(2, 0)},      {"vmname", version(2, 0)},
};

template <typename Value, size_t N>
bool find_word(const std::string_view (&words)[N], std::string_view text, Value& value) {
  for (size_t i = 0; i < N; i++) {
    if (words[i] != text) continue;
    value = static_cast<Value>(i);
    return true;
  }
  return false;
}

std::string_view without_number(std::string_view provider) {
  while (provider.size() > 1 && provider.back() >= '0' && provider.back() <= '9') provider.remove_suffix(1);
  return provider;
}

}  // namespace

std::string_view word(Stability stability) {
  return kStabilityWords[static_cast<size_t>(stability)];
}

std::string_view word(Dependency dependency) {
  return kDependencyWords[static_cast<size_t>(dependency)];
}

std::string Attributes::text() const {
  return fmt::format("{}/{}/{}", word(name), word(data), word(dependency));
}

Attributes minimum(const Attributes& a, const Attributes& b) {
  return {std::min(a.name, b.name), std::min(a.data, b.data), std::min(a.dependency, b.dependency)};
}

bool below(const Attributes& a, const Attributes& least) {
  return minimum(a, least) != least;
}

std::optional<Attributes> parse_attributes(std::string_view text) {
  Attributes result = kMostStable;
  for (size_t part = 0;; part++) {
    const std::string_view piece = text.substr(0, text.find('/'));
    const bool last = piece.size() == text.size();
    bool known = false;
    if (part == 0) known = find_word(kStabilityWords, piece, result.name);
    if (part == 1) known = find_word(kStabilityWords, piece, result.data);
    if (part == 2) known = find_word(kDependencyWords, piece, result.dependency);
    if (!known || last != (part == 2)) return std::nullopt;
    if (last) return result;
    text.remove_prefix(piece.size() + 1);
  }
}

Attributes builtin_attributes(std::string_view name) {
  if (name == "curthread") return {Stability::kStable, Stability::kPrivate, Dependency::kCommon};
  return {};
}

const ProviderAttributes& Providers::find(std::string_view provider) const {
  for (std::string_view name : {provider, without_number(provider)}) {
    if (const auto found = changed_.find(name); found != changed_.end()) return found->second;
    for (const ProviderRow& row : kProviders) {
      if (row.name == name) return row.attributes;
    }
  }
  return kUser;
}

Attributes* Providers::component(std::string_view provider, std::string_view component) {
  for (const Component& part : kComponents) {
    if (part.name != component) continue;
    return &(changed_.emplace(provider, find(provider)).first->second.*part.member);
  }
  return nullptr;
}

std::optional<Version> parse_version(std::string_view text) {
  constexpr uint32_t kMost[] = {0xff, 0xfff, 0xfff};
  uint32_t parts[3] = {};
  size_t count = 0;
  for (;;) {
    if (count == std::size(parts) || text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) == 0) {
      return std::nullopt;
    }
    uint32_t& part = parts[count];
    while (!text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) != 0) {
      part = part * 10 + static_cast<uint32_t>(text[0] - '0');
      if (part > kMost[count]) return std::nullopt;
      text.remove_prefix(1);
    }
    count++;
    if (text.empty()) break;
    if (text[0] != '.') return std::nullopt;
    text.remove_prefix(1);
  }
  if (count < 2) return std::nullopt;
  return version(parts[0], parts[1], parts[2]);
}

std::string version_text(Version version) {
  const uint32_t micro = version & 0xfff;
  return fmt::format("{}.{}{}", version >> 24, version >> 12 & 0xfff, micro != 0 ? fmt::format(".{}", micro) : "");
}

bool is_defined(Version version) {
  return std::find(std::begin(kVersions), std::end(kVersions), version) != std::end(kVersions);
}

Version introduced(std::string_view name) {
  for (const Introduction& row : kIntroductions) {
    if (row.name == name) return row.version;
  }
  return version(1, 0);
}

}  // namespace ht::dif
