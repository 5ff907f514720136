// A guest for tests and benchmarks: rings in a memfd at scattered "physical" addresses, and bpf/ring.bpf.h told again
// in C++, step by step, so that a test can stop between two steps. And an engine that only counts.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "call/polling_thread.h"
#include "call/ring_abi.h"
#include "call/ring_set.h"
#include "engine/engine.h"
#include "guest/guest_ram.h"

namespace ht::call::fake {

// Pages of one file at whatever guest physical addresses the test says.
class Ram final : public guest::GuestRam {
 public:
  Ram(UniqueFd file, std::map<uint64_t, uint64_t> offsets) : file_(std::move(file)), offsets_(std::move(offsets)) {}
  const uint8_t* at(uint64_t, size_t) const override { return nullptr; }
  Result<Mapping> map_page(uint64_t address) const override {
    auto it = offsets_.find(address);
    if (it == offsets_.end()) return Error("not RAM");
    return Mapping::map(file_.get(), HT_PAGE_SIZE, Mapping::Access::kReadWrite, it->second);
  }
  uint64_t size() const override { return offsets_.size() * HT_PAGE_SIZE; }

 private:
  UniqueFd file_;
  std::map<uint64_t, uint64_t> offsets_;
};

inline uint64_t clock_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

enum class Outcome { kAbsent, kDone, kTimedOut, kLate, kRingFull, kBreaker };

class Guest {
 public:
  explicit Guest(uint32_t cpus, uint64_t wait_ns = HT_WAIT_NS, uint8_t seed = 7) : cpus_(cpus) {
    for (size_t i = 0; i < nonce.size(); i++) nonce[i] = static_cast<uint8_t>(seed + 13 * i);
    size_t size = size_t{cpus} * sizeof(ht_ring);
    UniqueFd file(memfd_create("rings", MFD_CLOEXEC));
    if (ftruncate(file.get(), static_cast<off_t>(size)) != 0) std::abort();
    auto mapping = Mapping::map(file.get(), size, Mapping::Access::kReadWrite);
    if (!mapping) std::abort();
    memory = std::move(mapping).value();
    std::map<uint64_t, uint64_t> offsets;
    for (uint32_t cpu = 0; cpu < cpus; cpu++) {
      RingPages pages{.cpu = cpu, .pages = {}};
      for (uint32_t page = 0; page < HT_RING_PAGES; page++) {
        uint64_t number = cpu * HT_RING_PAGES + page;
        uint64_t address = 0x100000 + (number * 7 % 64 + number / 64 * 64) * 3 * HT_PAGE_SIZE;  // scattered
        offsets[address] = number * HT_PAGE_SIZE;
        pages.pages.push_back(address);
      }
      set.rings.push_back(std::move(pages));
      auto& identity = ring(cpu).header.identity;
      identity.magic = HT_RING_MAGIC;
      identity.abi = HT_RING_ABI;
      identity.cpu = cpu;
      identity.entry_count = HT_RING_ENTRIES;
      identity.entry_size = HT_ENTRY_SIZE;
      std::memcpy(identity.nonce, nonce.data(), nonce.size());
      identity.generation = generation();
      identity.wait_ns = wait_ns;
      ring(cpu).header.host.heartbeat = ht_word(generation(), 0, HT_HOST_ABSENT);
    }
    set.nonce = nonce;
    ram = std::make_shared<Ram>(std::move(file), std::move(offsets));
  }

  ht_ring& ring(uint32_t cpu) { return reinterpret_cast<ht_ring*>(memory.data())[cpu]; }
  uint64_t generation() const { return ht_generation(nonce.data()); }
  uint32_t cpus() const { return cpus_; }

  // As if a host had been here and died.
  void pretend_host() { ring(0).header.host.heartbeat = ht_word(generation(), 1, HT_HOST_PRESENT); }

  // A reservation in state WRITING; entry null when the ring is full.
  struct Call {
    ht_entry* entry = nullptr;
    uint64_t word = 0;
    uint32_t cpu = 0;
  };
  Call reserve(uint32_t cpu) {
    ht_ring& r = ring(cpu);
    for (int i = 0; i < HT_RESERVE_TRIES; i++) {
      uint64_t sequence = __atomic_fetch_add(&r.header.reservation.head, 1, __ATOMIC_SEQ_CST);
      ht_entry& entry = r.entries[sequence & (HT_RING_ENTRIES - 1)];
      uint64_t old = load(entry.word);
      uint64_t word = ht_word(generation(), sequence, HT_FREE);
      if (ht_word_state(old) == HT_FREE && swap(entry.word, old, word + HT_WRITING)) return {&entry, word, cpu};
    }
    add(r.header.losses.ring_full);
    return {};
  }
  void post(const Call& call, uint32_t probe, uint32_t flags = 0, uint64_t arg0 = 0) {
    ht_entry& entry = *call.entry;
    entry.probe = probe;
    entry.flags = flags;
    entry.cpu = call.cpu;
    entry.pid = 100 + call.cpu;
    entry.tid = 200 + call.cpu;
    entry.task = 0xffff888000001000;
    entry.args[0] = arg0;
    entry.arg_count = 1;
    std::memcpy(entry.comm, "fake", 5);
    __atomic_exchange_n(&entry.word, call.word + HT_POSTED, __ATOMIC_SEQ_CST);
  }
  Outcome wait(const Call& call) {
    auto& losses = ring(call.cpu).header.losses;
    if (!await(call)) {
      if (swap(call.entry->word, call.word + HT_POSTED, call.word)) {
        add(losses.timed_out);
        time_out();
        return Outcome::kTimedOut;
      }
      if (!await(call) && swap(call.entry->word, call.word + HT_RUNNING, call.word)) {
        add(losses.late);
        time_out();
        return Outcome::kLate;
      }
    }
    auto& breaker = ring(0).header.breaker;
    if (!load(breaker.tripped)) __atomic_store_n(&breaker.time_outs, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&call.entry->word, call.word, __ATOMIC_RELEASE);
    return Outcome::kDone;
  }
  Outcome call(uint32_t cpu, uint32_t probe, uint64_t arg0 = 0) {
    if (ht_word_state(load(ring(0).header.host.heartbeat)) != HT_HOST_PRESENT) return Outcome::kAbsent;
    if (!breaker_closed()) {
      add(ring(cpu).header.losses.breaker);
      return Outcome::kBreaker;
    }
    Call reserved = reserve(cpu);
    if (!reserved.entry) return Outcome::kRingFull;
    post(reserved, probe, 0, arg0);
    return wait(reserved);
  }

  Mapping memory;
  RingSet set;
  std::shared_ptr<Ram> ram;
  Nonce nonce{};

 private:
  template <typename T>
  static T load(const T& from) {
    return __atomic_load_n(&from, __ATOMIC_ACQUIRE);
  }
  static bool swap(uint64_t& word, uint64_t expected, uint64_t desired) {
    return __atomic_compare_exchange_n(&word, &expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  }
  static void add(uint64_t& counter) { __atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST); }

  bool await(const Call& call) {
    uint64_t left = ring(0).header.identity.wait_ns, last = 0;
    for (uint64_t i = 0;; i++) {
      if (load(call.entry->word) == call.word + HT_DONE) return true;
      cpu_relax();
      if (i % HT_WAIT_CLOCK_EVERY != HT_WAIT_CLOCK_EVERY - 1) continue;
      uint64_t now = clock_ns();
      uint64_t passed = last == 0 ? 0 : std::min<uint64_t>(now - last, HT_WAIT_CLAMP_NS);
      if (passed >= left) return false;
      left -= passed;
      last = now;
      if (load(ring(0).header.breaker.tripped)) return false;
    }
  }
  bool breaker_closed() {
    auto& breaker = ring(0).header.breaker;
    if (!load(breaker.tripped)) return true;
    if (static_cast<int64_t>(load(ring(0).header.host.heartbeat) - load(breaker.recover_at)) < 0) return false;
    breaker.time_outs = 0;
    __atomic_exchange_n(&breaker.tripped, 0, __ATOMIC_SEQ_CST);
    return true;
  }
  void time_out() {
    auto& breaker = ring(0).header.breaker;
    if (__atomic_fetch_add(&breaker.time_outs, 1, __ATOMIC_SEQ_CST) + 1 != HT_BREAKER_TRIP) return;
    uint64_t trips = __atomic_fetch_add(&breaker.trips, 1, __ATOMIC_SEQ_CST);
    uint64_t beats = uint64_t{HT_BREAKER_BEATS} << std::min<uint64_t>(trips, HT_BREAKER_DOUBLINGS);
    breaker.recover_at = load(ring(0).header.host.heartbeat) + (beats << HT_STATE_BITS);
    __atomic_exchange_n(&breaker.tripped, 1, __ATOMIC_SEQ_CST);
  }

  uint32_t cpus_;
};

// Counts firings. `hook` runs in the polling thread; set it before the guest is added.
class Engine final : public engine::Engine {
 public:
  Result<std::shared_ptr<engine::Session>> create_session(const engine::SessionConfig&) override {
    return Error("none here");
  }
  void publish(const std::shared_ptr<engine::Session>&) override {}
  void remove(const std::shared_ptr<engine::Session>&) override {}
  void set_target_name(engine::TargetId, const std::string&) override {}
  void fire(uint32_t, const engine::Firing& firing) override {
    fired.fetch_add(1, std::memory_order_relaxed);
    if (hook) hook(firing);
  }
  std::atomic<uint64_t> fired{0};
  std::function<void(const engine::Firing&)> hook;
};

}  // namespace ht::call::fake
