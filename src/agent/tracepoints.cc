#include "agent/tracepoints.h"

#include "agent/provider.h"
#include "agent/tracefs.h"
#include "base/log.h"
#include "symbols/kallsyms.h"

namespace ht::agent {
namespace {

constexpr std::string_view kPrefix = "btf_trace_";
constexpr size_t kMostEvents = size_t{8} << 20;                               // bytes of available_events
constexpr size_t kMostTracepoints = (kTracepointEnd - kTracepointFirst) / 2;  // numbers of rawtp and sdt

}  // namespace

std::vector<Tracepoint> tracepoints_of(const types::TypeFile& types, types::TypeId first) {
  std::vector<Tracepoint> found;
  for (types::TypeId id = first; id < types.count(); ++id) {
    if (types.kind(id) != types::Kind::kTypedef) continue;
    std::string_view name = types.name(id);
    if (!name.starts_with(kPrefix)) continue;
    name.remove_prefix(kPrefix.size());
    const types::TypeId pointer = types.target(id);
    const types::TypeId prototype = types.target(pointer);
    if (!tracefs_internal::is_name(name) || types.kind(pointer) != types::Kind::kPtr ||
        types.kind(prototype) != types::Kind::kFuncProto)
      continue;
    std::vector<types::Member> parameters = types.parameters(prototype);
    if (parameters.empty()) continue;
    parameters.erase(parameters.begin());  // the kernel's own: void *__data
    found.push_back({{}, std::string(name), probe_arguments(types, parameters), {}, false});
  }
  return found;
}

void TracepointTable::refresh() {
  const std::map<std::string, uint64_t> now = types_->modules();
  if (vmlinux_read_ && now == modules_) return;
  auto events = read_tracefs("available_events", kMostEvents);
  if (!events.ok()) log::warn("the subsystems of tracepoints are not known: {}", events.error().text());
  std::map<std::string_view, std::string_view> subsystems;
  if (events.ok())
    for_each_event(*events,
                   [&](std::string_view subsystem, std::string_view event) { subsystems.emplace(event, subsystem); });
  auto take = [&](std::vector<Tracepoint> found, const std::string& module) {
    for (Tracepoint& tracepoint : found) {
      const auto subsystem = subsystems.find(tracepoint.name);
      tracepoint.subsystem = subsystem != subsystems.end() ? subsystem->second : module;
    }
    add(std::move(found), module);
  };
  auto vmlinux = types_->vmlinux();
  if (!vmlinux.ok()) return log::warn("the kernel's tracepoints are not known: {}", vmlinux.error().text());
  if (!std::exchange(vmlinux_read_, true)) take(tracepoints_of(**vmlinux, 1), std::string(symbols::kKernelModule));
  for (Tracepoint& tracepoint : all_)
    tracepoint.present = tracepoint.module == symbols::kKernelModule || now.contains(tracepoint.module);
  for (const auto& [module, number] : now) {
    if (const auto before = modules_.find(module); before != modules_.end() && before->second == number) continue;
    auto types = types_->module(module);
    if (types.ok()) take(tracepoints_of(**types, static_cast<types::TypeId>((*vmlinux)->count())), module);
  }
  modules_ = now;
  types_->forget();
}

void TracepointTable::add(std::vector<Tracepoint> found, const std::string& module) {
  for (Tracepoint& tracepoint : found) {
    tracepoint.module = module;
    tracepoint.present = true;
    if (const auto known = by_name_.find(tracepoint.name); known != by_name_.end()) {
      all_[known->second] = std::move(tracepoint);  // its module was loaded anew, perhaps another version of it
    } else if (all_.size() < kMostTracepoints) {
      by_name_.emplace(tracepoint.name, all_.size());
      all_.push_back(std::move(tracepoint));
    }
  }
}

}  // namespace ht::agent
