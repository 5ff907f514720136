// The target entry of a probe description: which guests are meant?
#pragma once

#include <map>
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

// Whether one resolver finds that `target` (a glob) names this guest.
bool names(std::string_view target, const GuestNames& guest, Resolver resolver);

// What the targets of one session mean. A target is decided by the first resolver by which it names any guest, as a
// name service does it, and that one then speaks for the whole session: where there are machines of the name web1, no
// guest becomes web1 by calling itself so.
class TargetResolver {
 public:
  explicit TargetResolver(std::vector<Resolver> order = default_resolvers()) : order_(std::move(order)) {}

  // Looks at the guests for a target that none has answered to so far.
  void decide(const std::string& target, const std::vector<GuestNames>& guests);
  // Whether a guest has answered to it.
  bool decided(const std::string& target) const { return target.empty() || decided_.contains(target); }
  // Whether that asks what guests say of themselves, and not only what the host calls them.
  bool asks_guests(const std::string& target, const std::vector<GuestNames>& guests) const;
  // The empty target means every guest; one that is not decided means none.
  bool means(const std::string& target, const GuestNames& guest) const;

 private:
  std::vector<Resolver> order_;
  std::map<std::string, Resolver, std::less<>> decided_;
};

}  // namespace ht::link
