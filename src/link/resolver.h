// The target entry of a probe description: which guests are meant?
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace ht::link {

// How a guest may be named. vmname is the host's own name for it; the others are what the guest says.
struct GuestNames {
  std::string vmname;
  std::string hostname;
  std::string version;                 // kernel release
  std::vector<std::string> addresses;  // IPv4 and IPv6, as text
};

enum class Resolver { kVmname, kHostname, kVersion, kAddress };

// "vmname,hostname" -> list. Unknown words are an error that lists the known ones.
Result<std::vector<Resolver>> parse_resolvers(std::string_view text);
std::vector<Resolver> default_resolvers();  // vmname, then hostname

// Whether `target` (a glob; empty: every guest) means this guest, by the first resolver that matches.
bool resolves(std::string_view target, const GuestNames& guest, const std::vector<Resolver>& resolvers);

}  // namespace ht::link
