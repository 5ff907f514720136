// Matching and arming: see agent_core.h.
#include "agent/agent_core.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/glob.h"

namespace ht::agent {

bool means(const dif::ProbeDesc& description, std::string_view module, std::string_view function,
           std::string_view name) {
  return field_match(description.module, module) && field_match(description.function, function) &&
         field_match(description.name, name);
}

std::vector<Probe> AgentCore::list(const dif::ProbeDesc& description, uint32_t first, size_t limit) const {
  std::vector<Probe> found;
  if (description.id != 0) return found;  // ids are the host's, and it knows their names: none comes here
  for (const auto& provider : providers_) {
    if (!field_match(description.provider, provider->name())) continue;
    for (Probe& probe : provider->find(description, first, limit)) found.push_back(std::move(probe));
  }
  std::sort(found.begin(), found.end(), [](const Probe& a, const Probe& b) { return a.number < b.number; });
  if (found.size() > limit) found.resize(limit);
  return found;
}

std::vector<ClauseMatch> AgentCore::match(const dif::Program& program) const {
  std::vector<ClauseMatch> result;
  for (uint32_t clause = 0; clause < program.clauses.size(); clause++) {
    std::map<uint32_t, Probe> found;  // a probe that two descriptions of one clause name fires it once
    for (const dif::ProbeDesc& description : program.clauses[clause].probes)
      for (Probe& probe : list(description, 0, SIZE_MAX)) found.emplace(probe.number, std::move(probe));
    ClauseMatch match{clause, {}};
    for (auto& [number, probe] : found) match.probes.push_back(std::move(probe));
    if (!match.probes.empty()) result.push_back(std::move(match));
  }
  return result;
}

Provider* AgentCore::owner(uint32_t number) const {
  for (const auto& provider : providers_)
    if (provider->has(number)) return provider.get();
  return nullptr;
}

Result<call::RingSet> AgentCore::arm(uint64_t program, const std::vector<uint32_t>& probes, const call::Nonce& nonce) {
  std::set<uint32_t> wanted(probes.begin(), probes.end());
  if (wanted.empty()) return Error("there is no probe to arm");
  std::map<Provider*, std::vector<uint32_t>> fresh;
  for (uint32_t number : wanted) {
    Provider* provider = owner(number);
    if (provider == nullptr) return Error(fmt::format("this guest has no probe number {}", number));
    if (!references_.contains(number)) fresh[provider].push_back(number);
  }
  bool first = rings_ == nullptr;
  if (first) {
    ASSIGN_OR_RETURN(rings_, make_rings_(nonce));
  } else {
    rings_->close_breaker();
  }
  if (auto armed = arm_new(fresh); !armed) {
    end_session_if_idle();
    return std::move(armed).error();
  }
  for (uint32_t number : wanted) references_[number]++;
  std::vector<uint32_t> before = std::exchange(programs_[program], {wanted.begin(), wanted.end()});
  release(before);  // the same program, armed anew
  return rings_->set();
}

// Arms with every provider, or with none.
Result<void> AgentCore::arm_new(const std::map<Provider*, std::vector<uint32_t>>& fresh) {
  for (auto it = fresh.begin(); it != fresh.end(); ++it) {
    auto armed = it->first->arm(it->second, rings_->map_fd());
    if (armed) continue;
    for (auto done = fresh.begin(); done != it; ++done) done->first->disarm(done->second);
    return armed;
  }
  return {};
}

void AgentCore::disarm(uint64_t program) {
  auto it = programs_.find(program);
  if (it == programs_.end()) return;
  std::vector<uint32_t> probes = std::move(it->second);
  programs_.erase(it);
  release(probes);
  end_session_if_idle();
}

void AgentCore::disarm_all() {
  while (!programs_.empty()) disarm(programs_.begin()->first);
}

void AgentCore::release(const std::vector<uint32_t>& probes) {
  std::map<Provider*, std::vector<uint32_t>> last;
  for (uint32_t number : probes) {
    auto it = references_.find(number);
    if (--it->second != 0) continue;
    references_.erase(it);
    last[owner(number)].push_back(number);
  }
  for (const auto& [provider, numbers] : last) provider->disarm(numbers);
}

void AgentCore::end_session_if_idle() {
  if (!programs_.empty()) return;
  for (const auto& provider : providers_) provider->unload();
  rings_.reset();
}

call::CallCounters AgentCore::counters() const {
  if (rings_ == nullptr) return {};
  call::CallCounters counters = rings_->counters();
  for (const auto& provider : providers_) counters.nested += provider->misses();
  return counters;
}

}  // namespace ht::agent
