#include "consumer/faults.h"

#include <fmt/format.h>

#include <array>

namespace ht::consumer {
namespace {

using dif::Fault;

std::string details(const engine::RecordView& record) {
  switch (record.fault) {
    case Fault::kBadaddr:
      return record.fault_address == UINT64_MAX ? "" : fmt::format(" ({:#x})", record.fault_address);
    case Fault::kBadalign:
    case Fault::kBadstack:
    case Fault::kBadsize:
      return fmt::format(" ({:#x})", record.fault_address);
    case Fault::kBadindex:
      return fmt::format(" ({})", static_cast<int64_t>(record.fault_address));
    default:
      return {};
  }
}

// Those counted by CPU.
struct CpuDropKind {
  std::string_view tag;
  uint64_t engine::CpuDrops::*count;
  std::string_view one, many;  // after the number
};
constexpr std::array kCpuDropKinds = {
    CpuDropKind{"PRINCIPAL", &engine::CpuDrops::principal, "drop", "drops"},
    CpuDropKind{"AGGREGATION", &engine::CpuDrops::aggregation, "aggregation drop", "aggregation drops"},
};

struct DropKind {
  std::string_view tag;
  uint64_t engine::Drops::*count;
  std::string_view one, many;  // after the number
  std::string_view rest;
};
constexpr std::array kDropKinds = {
    DropKind{"DYNAMIC", &engine::Drops::dynamic, "dynamic variable drop", "dynamic variable drops", ""},
    DropKind{"DYNRINSE", &engine::Drops::dynamic_rinsing, "dynamic variable drop", "dynamic variable drops",
             " with non-empty rinsing list"},
    DropKind{"DYNDIRTY", &engine::Drops::dynamic_dirty, "dynamic variable drop", "dynamic variable drops",
             " with non-empty dirty list"},
    DropKind{"SPEC", &engine::Drops::speculation, "speculative drop", "speculative drops", ""},
    DropKind{"SPECBUSY", &engine::Drops::speculation_busy, "failed speculation", "failed speculations",
             " (available buffer(s) still busy)"},
    DropKind{"SPECUNAVAIL", &engine::Drops::speculation_unavailable, "failed speculation", "failed speculations",
             " (no speculative buffer available)"},
    DropKind{"STKSTROVERFLOW", &engine::Drops::stack_strings, "jstack()/ustack() string table overflow",
             "jstack()/ustack() string table overflows", ""},
    DropKind{"DBLERROR", &engine::Drops::error_in_error, "error", "errors", " in ERROR probe enabling"},
};

uint64_t count_before(const engine::Drops& before, const engine::CpuDrops& now, uint64_t engine::CpuDrops::*count) {
  for (const engine::CpuDrops& cpu : before.cpus) {
    if (cpu.target == now.target && cpu.cpu == now.cpu && cpu.known == now.known) return cpu.*count;
  }
  return 0;
}

}  // namespace

std::string clause_error(const engine::RecordView& record, const engine::ProbeName& probe, const std::string& text,
                         const std::string& guest) {
  return fmt::format("error in dt_clause_{} for probe ID {} ({}:{}:{}:{}): {}{}", record.clause, probe.id,
                     probe.provider, probe.module, probe.function, probe.name, text,
                     guest.empty() ? "" : " on " + guest);
}

std::string fault_message(const engine::RecordView& record, const engine::ProbeName& probe, const std::string& guest) {
  std::string text = std::string(dif::fault_text(record.fault)) + details(record);
  if (record.fault_offset >= 0) text += fmt::format(" at DIF offset {}", record.fault_offset);
  return clause_error(record, probe, text, guest);
}

std::vector<Drop> drops_since(const engine::Drops& before, const engine::Drops& now, const TargetName& name) {
  std::vector<Drop> drops;
  for (const CpuDropKind& kind : kCpuDropKinds) {
    for (const engine::CpuDrops& cpu : now.cpus) {
      const uint64_t earlier = count_before(before, cpu, kind.count);
      if (cpu.*kind.count <= earlier) continue;
      Drop drop{std::string(kind.tag), cpu.*kind.count - earlier, std::nullopt, {}, {}};
      drop.message = fmt::format("{} {}", drop.count, drop.count == 1 ? kind.one : kind.many);
      if (cpu.known) {
        drop.cpu = cpu.cpu;
        drop.guest = name(cpu.target);
        drop.message += fmt::format(" on CPU {}{}{}", cpu.cpu, drop.guest.empty() ? "" : " of ", drop.guest);
      }
      drops.push_back(std::move(drop));
    }
  }
  for (const DropKind& kind : kDropKinds) {
    if (now.*kind.count <= before.*kind.count) continue;
    Drop drop{std::string(kind.tag), now.*kind.count - before.*kind.count, std::nullopt, {}, {}};
    drop.message = fmt::format("{} {}{}", drop.count, drop.count == 1 ? kind.one : kind.many, kind.rest);
    drops.push_back(std::move(drop));
  }
  return drops;
}

Drop guest_drop(uint64_t drops, const std::string& guest, const std::string& detail) {
  return {"GUEST", drops, std::nullopt, guest,
          fmt::format("{} {} on {}{}", drops, drops == 1 ? "drop" : "drops", guest,
                      detail.empty() ? "" : " (" + detail + ")")};
}

}  // namespace ht::consumer
