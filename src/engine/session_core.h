// What all parts of one session share while it runs: configuration, shared memory, variables, speculations, state.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "engine/dynamic_store.h"
#include "engine/session_memory.h"
#include "engine/speculation.h"
#include "engine/variables.h"

namespace ht::engine {

class Machine;

struct SessionCore {
  SessionConfig config;
  SessionMemory memory;
  Globals globals;
  DynamicStore dynamics;
  Speculations speculations;
  std::vector<std::unique_ptr<Machine>> machines;  // one per slot, made with the first variant
  uint64_t end_reserve = 0;                        // policy fill: what END's records need of each buffer

  std::vector<uint32_t> ancestors;  // of this process, itself first

  SessionCore();
  ~SessionCore();

  bool traces(uint32_t cpu) const { return !config.cpu || *config.cpu == cpu; }
  SessionState state() const { return state_.load(std::memory_order_acquire); }
  // Moves on from one of the states before `next`; false when it was already there or beyond.
  bool advance(SessionState next) {
    SessionState now = state_.load(std::memory_order_relaxed);
    while (now < next) {
      if (!state_.compare_exchange_weak(now, next, std::memory_order_acq_rel)) continue;
      // Mirrored for the client; states only ever grow, also when two threads pass here.
      auto& shared = memory.header().state;
      uint32_t seen = shared.load(std::memory_order_relaxed);
      while (seen < static_cast<uint32_t>(next) &&
             !shared.compare_exchange_weak(seen, static_cast<uint32_t>(next), std::memory_order_release)) {
      }
      return true;
    }
    return false;
  }
  // The record of an exit() action: the last one counts. The action itself has moved the session on already.
  void exit(int32_t status) {
    memory.header().exit_status.store(status, std::memory_order_relaxed);
    memory.header().exited.store(1, std::memory_order_release);
  }

 private:
  std::atomic<SessionState> state_{SessionState::kSetup};
};

}  // namespace ht::engine
