// Which guests, and which probes of the host itself, do the descriptions of a program mean? Plain functions of a
// program and what is known of the guests.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "dif/program.h"
#include "engine/engine.h"
#include "link/resolver.h"

namespace ht::daemon {

struct KnownGuest {
  engine::TargetId target = engine::kHost;
  link::GuestNames names;
  bool ready = false;
  std::string state;  // for messages: "no-agent: ..."
};

// For one guest: which descriptions of each clause are meant for it. Same shape as Program::clauses and Clause::probes.
using GuestUse = std::vector<std::vector<bool>>;

struct HostUse {
  uint32_t clause = 0;
  uint32_t description = 0;
  engine::HostProbe probe;
};

struct Plan {
  std::vector<HostUse> host;
  std::map<engine::TargetId, GuestUse> guests;  // ready ones only
  std::vector<Error> errors;                    // a target that means no guest, or none that is ready
};

// BEGIN, END, ERROR, tick-1s, profile-97: an empty target means the host for these, and only the host.
bool means_host_only(const dif::ProbeDesc& description);

bool any_use(const GuestUse& use);
GuestUse guest_use(const dif::Program& program, const link::GuestNames& guest, const link::TargetResolver& resolver);

// As clients name resolvers, each word one or several with commas; none: the usual ones.
Result<link::TargetResolver> target_resolver(const std::vector<std::string>& words);

std::vector<link::GuestNames> names_of(const std::vector<KnownGuest>& guests);
std::vector<std::string> targets_of(const dif::Program& program);
// Looks at these guests for the targets that no guest has answered to so far.
void decide_targets(const std::vector<std::string>& targets, const std::vector<KnownGuest>& guests,
                    link::TargetResolver& resolver);

// Targets are decided before. With `allow_no_match` one may mean no guest (yet).
Plan plan_targets(const dif::Program& program, const std::vector<KnownGuest>& guests,
                  const link::TargetResolver& resolver, bool allow_no_match);

// The error for a target that means none of these guests, or none that is ready; nullopt if all is well.
std::optional<Error> target_error(const std::string& target, const std::vector<KnownGuest>& guests,
                                  const link::TargetResolver& resolver);

// What is sent to a guest: the linked program with those descriptions only. A clause that is not for this guest keeps
// its place and gets a description that no probe matches.
dif::Program program_for_guest(const dif::Program& linked, const GuestUse& use);

}  // namespace ht::daemon
