#include "daemon/call_service.h"

#include <algorithm>
#include <cstring>

#include "base/log.h"

namespace ht::daemon {
namespace {

struct Field {
  uint64_t call::CallCounters::*value;
  const char* text;  // null: not a loss
};
constexpr Field kFields[] = {
    {&call::CallCounters::served, nullptr},        {&call::CallCounters::ring_full, "ring full"},
    {&call::CallCounters::timed_out, "timed out"}, {&call::CallCounters::breaker, "breaker open"},
    {&call::CallCounters::nested, "nested"},       {&call::CallCounters::rejected, "rejected"},
    {&call::CallCounters::late, nullptr},
};

call::CallCounters sum(const call::CallCounters& a, const call::CallCounters& b) {
  call::CallCounters result;
  for (const Field& field : kFields) result.*field.value = a.*field.value + b.*field.value;
  return result;
}

}  // namespace

// A guest can lie about its own counters: a difference never wraps.
call::CallCounters operator-(const call::CallCounters& a, const call::CallCounters& b) {
  call::CallCounters result;
  for (const Field& field : kFields) {
    result.*field.value = a.*field.value - std::min(a.*field.value, b.*field.value);
  }
  return result;
}

std::string describe(const call::CallCounters& counters) {
  std::string text;
  for (const Field& field : kFields) {
    if (field.text == nullptr || counters.*field.value == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(counters.*field.value) + " " + field.text;
  }
  return text;
}

CallService::CallService(const Limits& limits, std::vector<std::unique_ptr<call::Poller>> pollers)
    : limits_(limits), pollers_(std::move(pollers)) {}

CallService::~CallService() {
  while (!rings_.empty()) end(rings_.begin()->first);
}

Result<void> CallService::armed(Vm& vm, uint64_t program, const channel::Armed& answer, const call::Nonce& sent) {
  auto known = rings_.find(vm.target());
  const call::Nonce& expected = known == rings_.end() ? sent : known->second.nonce;
  if (answer.nonce().size() != expected.size() ||
      std::memcmp(answer.nonce().data(), expected.data(), expected.size()) != 0) {
    return Error("its rings have another nonce than the one they were armed with");
  }
  if (known == rings_.end()) {
    if (static_cast<uint32_t>(answer.rings_size()) > limits_.cpus) return Error("it has too many rings");
    call::RingSet set;
    set.nonce = expected;
    set.boot = vm.boot();
    for (const channel::RingPages& ring : answer.rings()) {
      set.rings.push_back({ring.cpu(), {ring.pages().begin(), ring.pages().end()}});
    }
    RETURN_IF_ERROR(poller(vm.target()).add(vm.target(), set, vm.ram(), vm.address_space(), limits_.probe_number));
    known = rings_.try_emplace(vm.target()).first;
    known->second.nonce = expected;
  }
  known->second.programs.insert(program);
  if (answer.has_counters()) known->second.reported = answer.counters();
  return {};
}

void CallService::disarming(engine::TargetId target) {
  if (auto found = rings_.find(target); found != rings_.end()) ++found->second.disarming;
}

void CallService::disarmed(engine::TargetId target, uint64_t program, const channel::Counters* counters) {
  auto found = rings_.find(target);
  if (found == rings_.end()) return;
  if (found->second.disarming > 0) --found->second.disarming;
  if (counters != nullptr) found->second.reported = *counters;
  found->second.programs.erase(program);
  if (found->second.programs.empty()) end(target);
}

void CallService::lost(engine::TargetId target) {
  if (rings_.contains(target)) end(target);
}

void CallService::end(engine::TargetId target) {
  auto found = rings_.find(target);
  poller(target).remove(target);
  past_[target] = sum(past_[target], current(target, found->second));
  rings_.erase(found);
}

// The poller reads the guest's counters from its rings, which the agent wipes when it takes them away; the agent's
// answers carry them too, and what the kernel skipped. The larger of the two is the later one.
call::CallCounters CallService::current(engine::TargetId target, const Rings& rings) const {
  call::CallCounters counters = poller(target).counters(target);
  counters.ring_full = std::max(counters.ring_full, rings.reported.ring_full());
  counters.timed_out = std::max(counters.timed_out, rings.reported.timed_out());
  counters.breaker = std::max(counters.breaker, rings.reported.breaker());
  counters.nested = std::max(counters.nested, rings.reported.nested());
  return counters;
}

size_t CallService::programs(engine::TargetId target) const {
  auto found = rings_.find(target);
  return found == rings_.end() ? 0 : found->second.programs.size();
}

call::CallCounters CallService::totals(engine::TargetId target) const {
  call::CallCounters counters;
  if (auto found = past_.find(target); found != past_.end()) counters = found->second;
  if (auto found = rings_.find(target); found != rings_.end()) counters = sum(counters, current(target, found->second));
  return counters;
}

std::string CallService::failure(engine::TargetId target) const {
  auto found = rings_.find(target);
  if (found == rings_.end() || found->second.disarming > 0) return {};
  return poller(target).failure(target);
}

}  // namespace ht::daemon
