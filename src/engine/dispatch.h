// From a firing to the clauses it runs: per target one immutable table, replaced as a whole when sessions come and go.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/code.h"
#include "engine/firing.h"
#include "engine/hash.h"

namespace ht::engine {

struct SessionCore;
struct TargetSymbols;

// A probe as a running clause sees it.
struct ProbeStrings {
  uint32_t index = 0;  // in Session::probe_names()
  uint32_t id = 0;
  std::string provider, module, function, name;
};

// Enabled control block: one clause on one probe of one target.
struct Ecb {
  const LoadedProgram* program = nullptr;
  const LoadedClause* clause = nullptr;
  const ProbeStrings* probe = nullptr;
};

// Counts ECB runs of one session on one target, a cache line per slot.
struct alignas(64) SlotCounter {
  std::atomic<uint64_t> count{0};
};

// What one session runs on one probe, in program order.
struct EcbGroup {
  uint32_t probe = 0;
  SessionCore* session = nullptr;
  SlotCounter* counters = nullptr;
  std::shared_ptr<const TargetSymbols> symbols;  // may be null
  std::vector<Ecb> ecbs;
};

class TargetTable {
 public:
  TargetTable(std::string name, std::vector<EcbGroup> groups, std::vector<std::shared_ptr<void>> holds);

  const std::string& name() const { return name_; }
  // The groups of `probe` start here and end at the first of another probe (the last group is a sentinel).
  const EcbGroup* find(uint32_t probe) const {
    for (uint64_t place = hash_word(0, probe);; ++place) {
      const Slot& slot = slots_[place & mask_];
      if (slot.group == nullptr || slot.probe == probe) return slot.group;
    }
  }
  static const EcbGroup* next(const EcbGroup* group) {
    const EcbGroup* following = group + 1;
    return following->session != nullptr && following->probe == group->probe ? following : nullptr;
  }
  // That of one session, or null.
  const EcbGroup* find(uint32_t probe, const SessionCore* session) const {
    const EcbGroup* group = find(probe);
    while (group != nullptr && group->session != session) group = next(group);
    return group;
  }

 private:
  struct Slot {
    uint32_t probe = 0;
    const EcbGroup* group = nullptr;
  };
  std::string name_;
  std::vector<EcbGroup> groups_;
  std::vector<Slot> slots_;
  uint64_t mask_ = 0;
  std::vector<std::shared_ptr<void>> holds_;  // sessions that must live as long as this table
};

// One firing on its way through the sessions. The clocks are read at most once, when first asked for.
class FiringContext {
 public:
  FiringContext(const Firing& f, const TargetTable& target, const TargetTable* host_table, Clock& clock)
      : firing(f), table(target), host(host_table), clock_(clock) {}

  uint64_t timestamp() {
    if (timestamp_ == 0) timestamp_ = clock_.monotonic_ns();
    return timestamp_;
  }
  uint64_t walltimestamp() {
    if (walltimestamp_ == 0) walltimestamp_ = clock_.wall_ns();
    return walltimestamp_;
  }
  // Of the host's probes only: they fire in the thread that runs the program.
  uint64_t vtimestamp() {
    if (vtimestamp_ == 0) vtimestamp_ = clock_.thread_ns();
    return vtimestamp_;
  }
  // The guest's memory, ready for this firing; null when there is none.
  guest::Memory* memory() {
    if (!memory_begun_ && firing.memory != nullptr) firing.memory->begin_firing();
    memory_begun_ = true;
    return firing.memory;
  }

  const Firing& firing;
  const TargetTable& table;
  const TargetTable* host;  // where ERROR is

 private:
  Clock& clock_;
  uint64_t timestamp_ = 0;
  uint64_t walltimestamp_ = 0;
  uint64_t vtimestamp_ = 0;
  bool memory_begun_ = false;
};

}  // namespace ht::engine
