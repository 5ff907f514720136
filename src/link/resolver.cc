#include "link/resolver.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/glob.h"

namespace ht::link {
namespace {

struct Row {
  std::string_view word;
  Resolver resolver;
  std::string GuestNames::*field;
};
constexpr Row kRows[] = {
    {"vmname", Resolver::kVmname, &GuestNames::vmname},
    {"hostname", Resolver::kHostname, &GuestNames::hostname},
    {"version", Resolver::kVersion, &GuestNames::version},
    {"address", Resolver::kAddress, nullptr},  // there may be several
};

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<std::vector<Resolver>> parse_resolvers(std::string_view text) {
  std::vector<Resolver> result;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string_view word = trim(text.substr(at, end - at));
    at = end + 1;
    const Row* found = nullptr;
    for (const Row& row : kRows) {
      if (row.word == word) found = &row;
    }
    if (found == nullptr) {
      std::string known;
      for (const Row& row : kRows) known += (known.empty() ? "" : ", ") + std::string(row.word);
      return Error(fmt::format("unknown resolver \"{}\"", word), "the resolvers are " + known);
    }
    // Asking twice answers nothing new.
    bool repeated = false;
    for (Resolver r : result) repeated = repeated || r == found->resolver;
    if (!repeated) result.push_back(found->resolver);
  }
  return result;
}

std::vector<Resolver> default_resolvers() {
  return {Resolver::kVmname, Resolver::kHostname};
}

bool names(std::string_view target, const GuestNames& guest, Resolver resolver) {
  if (resolver == Resolver::kAddress) {
    return std::any_of(guest.addresses.begin(), guest.addresses.end(),
                       [&](const std::string& address) { return glob_match(target, address); });
  }
  for (const Row& row : kRows) {
    if (row.resolver != resolver) continue;
    // A guest that does not say a name is not meant by it, not even by "*".
    const std::string& name = guest.*row.field;
    return !name.empty() && glob_match(target, name);
  }
  return false;
}

void TargetResolver::decide(const std::string& target, const std::vector<GuestNames>& guests) {
  if (decided(target)) return;
  for (Resolver resolver : order_) {
    for (const GuestNames& guest : guests) {
      if (!names(target, guest, resolver)) continue;
      decided_.emplace(target, resolver);
      return;
    }
  }
}

bool TargetResolver::asks_guests(const std::string& target, const std::vector<GuestNames>& guests) const {
  if (decided(target)) return false;
  for (Resolver resolver : order_) {
    if (resolver != Resolver::kVmname) return true;
    const auto named = [&](const GuestNames& guest) { return names(target, guest, resolver); };
    if (std::any_of(guests.begin(), guests.end(), named)) return false;
  }
  return false;
}

bool TargetResolver::means(const std::string& target, const GuestNames& guest) const {
  if (target.empty()) return true;
  const auto found = decided_.find(target);
  return found != decided_.end() && names(target, guest, found->second);
}

}  // namespace ht::link
