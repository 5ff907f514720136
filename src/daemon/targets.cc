#include "daemon/targets.h"

#include <algorithm>
#include <set>

#include "base/glob.h"

namespace ht::daemon {
namespace {

constexpr const char* kNoProvider = "-";  // no provider has this name

std::string listed(const std::vector<KnownGuest>& guests) {
  if (guests.empty()) return "no guest is known: see dtracedctl list";
  std::string names;
  for (const KnownGuest& guest : guests) names += (names.empty() ? "" : ", ") + guest.names.vmname;
  return "the guests are " + names;
}

}  // namespace

bool means_host_only(const dif::ProbeDesc& description) {
  return description.target.empty() && !description.name.empty() && !is_glob(description.name) &&
         !engine::match_host_probes(description).empty();
}

bool any_use(const GuestUse& use) {
  return std::any_of(use.begin(), use.end(), [](const std::vector<bool>& clause) {
    return std::find(clause.begin(), clause.end(), true) != clause.end();
  });
}

Result<link::TargetResolver> target_resolver(const std::vector<std::string>& words) {
  if (words.empty()) return link::TargetResolver();
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  ASSIGN_OR_RETURN(auto order, link::parse_resolvers(text));
  return link::TargetResolver(std::move(order));
}

std::vector<link::GuestNames> names_of(const std::vector<KnownGuest>& guests) {
  std::vector<link::GuestNames> names;
  for (const KnownGuest& guest : guests) names.push_back(guest.names);
  return names;
}

std::vector<std::string> targets_of(const dif::Program& program) {
  std::set<std::string> targets;
  for (const dif::Clause& clause : program.clauses) {
    for (const dif::ProbeDesc& description : clause.probes) targets.insert(description.target);
  }
  return {targets.begin(), targets.end()};
}

void decide_targets(const std::vector<std::string>& targets, const std::vector<KnownGuest>& guests,
                    link::TargetResolver& resolver) {
  const std::vector<link::GuestNames> names = names_of(guests);
  for (const std::string& target : targets) resolver.decide(target, names);
}

GuestUse guest_use(const dif::Program& program, const link::GuestNames& guest, const link::TargetResolver& resolver) {
  GuestUse use;
  for (const dif::Clause& clause : program.clauses) {
    std::vector<bool>& row = use.emplace_back();
    for (const dif::ProbeDesc& description : clause.probes) {
      row.push_back(!means_host_only(description) && resolver.means(description.target, guest));
    }
  }
  return use;
}

std::optional<Error> target_error(const std::string& target, const std::vector<KnownGuest>& guests,
                                  const link::TargetResolver& resolver) {
  if (target.empty()) return std::nullopt;
  std::string states;
  for (const KnownGuest& guest : guests) {
    if (!resolver.means(target, guest.names)) continue;
    if (guest.ready) return std::nullopt;
    states += (states.empty() ? "" : "; ") + guest.names.vmname + " is " + guest.state;
  }
  Error error = states.empty() ? Error("no guest matches the target \"" + target + "\"", listed(guests))
                               : Error("no guest that matches the target \"" + target + "\" is ready", states);
  error.tag = "D_PDESC_ZERO";
  return error;
}

Plan plan_targets(const dif::Program& program, const std::vector<KnownGuest>& guests,
                  const link::TargetResolver& resolver, bool allow_no_match) {
  Plan plan;
  std::vector<std::string> judged;
  for (uint32_t i = 0; i < program.clauses.size(); ++i) {
    const auto& probes = program.clauses[i].probes;
    for (uint32_t j = 0; j < probes.size(); ++j) {
      const dif::ProbeDesc& description = probes[j];
      if (description.target.empty()) {
        for (auto& probe : engine::match_host_probes(description)) plan.host.push_back({i, j, std::move(probe)});
      }
      if (allow_no_match || std::find(judged.begin(), judged.end(), description.target) != judged.end()) continue;
      judged.push_back(description.target);
      if (auto error = target_error(description.target, guests, resolver)) {
        error->pos = description.pos;
        plan.errors.push_back(std::move(*error));
      }
    }
  }
  for (const KnownGuest& guest : guests) {
    if (!guest.ready) continue;
    GuestUse use = guest_use(program, guest.names, resolver);
    if (any_use(use)) plan.guests.emplace(guest.target, std::move(use));
  }
  return plan;
}

dif::Program program_for_guest(const dif::Program& linked, const GuestUse& use) {
  dif::Program program = linked;
  for (size_t i = 0; i < program.clauses.size() && i < use.size(); ++i) {
    std::vector<dif::ProbeDesc> meant;
    for (size_t j = 0; j < program.clauses[i].probes.size() && j < use[i].size(); ++j) {
      if (use[i][j]) meant.push_back(program.clauses[i].probes[j]);
    }
    if (meant.empty()) {
      dif::ProbeDesc none;
      none.provider = kNoProvider;
      meant.push_back(std::move(none));
    }
    program.clauses[i].probes = std::move(meant);
  }
  return program;
}

}  // namespace ht::daemon
