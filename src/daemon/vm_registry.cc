#include "daemon/vm_registry.h"

#include <algorithm>
#include <asio/post.hpp>

#include "base/log.h"

namespace ht::daemon {
namespace {

// Digits count as numbers: vm2 < vm10.
bool natural_less(const std::string& a, const std::string& b) {
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (digit(a[i]) && digit(b[j])) {
      size_t i_end = i, j_end = j;
      while (i_end < a.size() && digit(a[i_end])) ++i_end;
      while (j_end < b.size() && digit(b[j_end])) ++j_end;
      if (i_end - i != j_end - j) return i_end - i < j_end - j;
      if (int order = a.compare(i, i_end - i, b, j, j_end - j); order != 0) return order < 0;
      i = i_end;
      j = j_end;
    } else if (a[i] != b[j]) {
      return a[i] < b[j];
    } else {
      ++i;
      ++j;
    }
  }
  return a.size() - i < b.size() - j;
}

}  // namespace

VmRegistry::VmRegistry(asio::io_context& loop, const Limits& limits, VmFinder& finder, OpenRam open_ram,
                       std::string claims)
    : loop_(loop),
      limits_(limits),
      finder_(finder),
      open_ram_(std::move(open_ram)),
      claims_(std::move(claims)),
      settle_timer_(loop) {}

VmRegistry::~VmRegistry() = default;

void VmRegistry::scan(bool again) {
  if (again) {
    removed_.clear();
    unusable_.clear();
    for (auto& [target, vm] : vms_) vm->revive();
  }
  for (auto& [target, vm] : vms_) vm->retry_if_busy();
  for (FoundVm& found : finder_.scan()) {
    const Process process(found.pid, found.started);
    if (removed_.contains(process) || unusable_.contains(process)) continue;
    const bool known = std::any_of(vms_.begin(), vms_.end(), [&](const auto& entry) {
      const FoundVm& other = entry.second->found();
      return other.pid == found.pid && other.started == found.started;
    });
    if (known) continue;
    const std::string name = found.name;
    if (auto vm = admit(std::move(found)); !vm.ok()) {
      unusable_[process] = vm.error().text();
      log::warn("{} (process {}) cannot be traced: {}", name, process.first, vm.error().text());
    }
  }
}

Result<Vm*> VmRegistry::admit(FoundVm found) {
  auto ram = open_ram_(found.pid, found.arguments);
  if (!ram.ok()) return std::move(ram).error();
  if (vms_.size() >= UINT16_MAX - 1u) return Error("there are too many guests");
  const std::string wanted = found.name;
  found.name = free_name(wanted);
  if (found.name != wanted) log::warn("there is a guest {} already: process {} is {}", wanted, found.pid, found.name);
  const engine::TargetId target = target_for(found.name);
  if (target == engine::kHost) return Error("there have been too many guests");
  auto vm = std::make_unique<Vm>(loop_, limits_, target, std::move(found), static_cast<Vm::Watcher&>(*this));
  Vm* raw = vm.get();
  vms_[target] = std::move(vm);
  raw->start(std::move(*ram), claims_);
  if (raw->state() == Vm::State::kGone) {
    vms_.erase(target);
    return Error("its process has ended");
  }
  return raw;
}

std::string VmRegistry::free_name(const std::string& wanted) const {
  auto taken = [this](const std::string& name) {
    return std::any_of(vms_.begin(), vms_.end(), [&](const auto& entry) { return entry.second->name() == name; });
  };
  std::string name = wanted;
  for (int i = 2; taken(name); ++i) name = wanted + "-" + std::to_string(i);
  return name;
}

engine::TargetId VmRegistry::target_for(const std::string& name) {
  if (auto found = targets_.find(name); found != targets_.end()) return found->second;
  if (targets_.size() >= UINT16_MAX) return engine::kHost;
  const auto target = static_cast<engine::TargetId>(targets_.size() + 1);
  targets_[name] = target;
  if (named_) named_(target, name);
  return target;
}

Result<std::string> VmRegistry::add(pid_t pid, const std::string& socket, const std::string& name) {
  ASSIGN_OR_RETURN(FoundVm found, finder_.look(pid, socket));
  for (auto& [target, vm] : vms_) {
    if (vm->found().pid != found.pid || vm->found().started != found.started) continue;
    vm->revive();
    return vm->name() + " is known already: " + vm->state_name();
  }
  if (!name.empty()) {
    if (safe_name(name) != name) return Error("'" + name + "' is no name for a guest: letters, digits, - _ and .");
    if (free_name(name) != name) return Error("there is a guest " + name + " already");
    found.name = name;
  }
  const Process process(found.pid, found.started);
  removed_.erase(process);
  unusable_.erase(process);
  ASSIGN_OR_RETURN(Vm * vm, admit(std::move(found)));
  return vm->name() + " added";
}

Result<void> VmRegistry::remove(const std::string& name) {
  for (auto& [target, vm] : vms_) {
    if (vm->name() != name) continue;
    removed_.insert({vm->found().pid, vm->found().started});
    vm->cut_off("it was removed by dtracedctl");
    log::info("{}: removed", name);
    vms_.erase(target);
    return {};
  }
  return Error("there is no guest " + name);
}

std::vector<Vm*> VmRegistry::vms() const {
  std::vector<Vm*> all;
  for (const auto& [target, vm] : vms_) all.push_back(vm.get());
  std::sort(all.begin(), all.end(), [](const Vm* a, const Vm* b) { return natural_less(a->name(), b->name()); });
  return all;
}

Vm* VmRegistry::find(engine::TargetId target) const {
  auto found = vms_.find(target);
  return found == vms_.end() ? nullptr : found->second.get();
}

bool VmRegistry::all_settled() const {
  return std::all_of(vms_.begin(), vms_.end(), [](const auto& entry) { return entry.second->settled(); });
}

void VmRegistry::settle(std::function<void()> done) {
  scan();
  waiting_.push_back(std::move(done));
  // A guest becomes settled by Hello, by the end of its time for one (which this loop, when it is late, may come to
  // after ours), or not at all, if its channel is closed again and again.
  settle_timer_.after(all_settled() ? milliseconds(0) : limits_.hello + milliseconds(10), [this] {
    const bool late = std::any_of(vms_.begin(), vms_.end(), [](const auto& entry) { return entry.second->greeting(); });
    if (!late) return answer_waiting();
    settle_timer_.after(limits_.hello, [this] { answer_waiting(); });
  });
}

void VmRegistry::answer_waiting() {
  auto ready = std::move(waiting_);
  waiting_.clear();
  for (auto& one : ready) one();
}

void VmRegistry::check_settled() {
  if (waiting_.empty() || !all_settled()) return;
  settle_timer_.cancel();
  asio::post(loop_, [ready = std::move(waiting_)] {
    for (const auto& one : ready) one();
  });
  waiting_.clear();
}

void VmRegistry::vm_ready(Vm& vm) {
  if (watcher_ != nullptr) watcher_->vm_ready(vm);
  check_settled();
}

void VmRegistry::vm_lost(Vm& vm, const std::string& why) {
  if (watcher_ != nullptr) watcher_->vm_lost(vm, why);
}

void VmRegistry::vm_silent(Vm&) {
  check_settled();
}

void VmRegistry::vm_gone(Vm& vm) {
  if (watcher_ != nullptr) watcher_->vm_gone(vm);
  vms_.erase(vm.target());
  check_settled();
}

}  // namespace ht::daemon
