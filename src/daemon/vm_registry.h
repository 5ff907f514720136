// The guests of this host: found among the running processes, named, numbered. A name keeps its target id for as long
// as the daemon runs, so that a guest that comes back is the same target to the engine.
#pragma once

#include <asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemon/limits.h"
#include "daemon/timer.h"
#include "daemon/vm.h"

namespace ht::daemon {

class VmRegistry final : private Vm::Watcher {
 public:
  using OpenRam =
      std::function<Result<std::shared_ptr<guest::GuestRam>>(pid_t pid, const std::vector<std::string>& arguments)>;

  // `claims` is the directory of the guests' locks; empty: none are taken.
  VmRegistry(asio::io_context& loop, const Limits& limits, VmFinder& finder, OpenRam open_ram, std::string claims);
  ~VmRegistry() override;

  // One watcher besides the registry itself; `named` is told once for each new target.
  void set_watcher(Vm::Watcher* watcher) { watcher_ = watcher; }
  void set_named(std::function<void(engine::TargetId, const std::string&)> named) { named_ = std::move(named); }

  // Looks for new guests. `again` also tries those that had failed or been removed.
  void scan(bool again = false);
  // Scans, then calls `done` when every guest that was being connected has answered or has been given up.
  void settle(std::function<void()> done);

  Result<std::string> add(pid_t pid, const std::string& socket, const std::string& name);
  Result<void> remove(const std::string& name);

  std::vector<Vm*> vms() const;  // by name as people sort: vm2 before vm10
  Vm* find(engine::TargetId target) const;

 private:
  using Process = std::pair<pid_t, uint64_t>;  // pid and start time

  void vm_ready(Vm& vm) override;
  void vm_lost(Vm& vm, const std::string& why) override;
  void vm_gone(Vm& vm) override;
  void vm_silent(Vm& vm) override;
  Result<Vm*> admit(FoundVm found);
  std::string free_name(const std::string& wanted) const;
  engine::TargetId target_for(const std::string& name);
  bool all_settled() const;
  void check_settled();
  void answer_waiting();

  asio::io_context& loop_;
  const Limits& limits_;
  VmFinder& finder_;
  OpenRam open_ram_;
  std::string claims_;
  Vm::Watcher* watcher_ = nullptr;
  std::function<void(engine::TargetId, const std::string&)> named_;
  std::map<engine::TargetId, std::unique_ptr<Vm>> vms_;
  std::map<std::string, engine::TargetId> targets_;
  std::set<Process> removed_;                   // by dtracedctl vm remove: not found again by itself
  std::map<Process, std::string> unusable_;     // and why, said once
  std::vector<std::function<void()>> waiting_;  // for settle()
  Timer settle_timer_;
};

}  // namespace ht::daemon
