// The polling thread and the guests it serves.
//
// The control thread adds and removes guests in a list under a mutex and raises a version number; the polling thread
// compares the version once a round and then takes a copy of the list, so that a round costs no lock. A guest belongs
// to the polling thread from the moment it is in its copy until the thread has let it go and said so.
#include "call/poller.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/clock.h"
#include "call/host_ring.h"
#include "call/poll_pace.h"
#include "call/polling_thread.h"

namespace ht::call {
namespace {

// Bounds on what one guest may claim and take.
constexpr size_t kMaxRings = 4096;
constexpr uint32_t kEntriesPerRound = 64;  // of one guest, before the next guest's turn
constexpr uint32_t kRoundsPerClock = 8;

class Guest final : public EntrySink {
 public:
  Guest(engine::Engine& engine, uint32_t slot, engine::TargetId target, uint32_t probe_limit)
      : engine_(engine), slot_(slot), probe_limit_(probe_limit) {
    firing_.target = target;
  }

  Result<void> open(const RingSet& set, std::shared_ptr<guest::GuestRam> ram, const guest::AddressSpaceInfo& space) {
    if (set.rings.empty() || set.rings.size() > kMaxRings)
      return Error(fmt::format("a guest cannot have {} rings", set.rings.size()));
    std::set<uint32_t> cpus;
    for (const RingPages& where : set.rings) {
      if (!cpus.insert(where.cpu).second) return Error(fmt::format("two rings for CPU {}", where.cpu));
      ASSIGN_OR_RETURN(HostRing ring, HostRing::open(where, set.nonce, *ram));
      rings_.push_back(std::move(ring));
    }
    firing_.boot = set.boot;
    memory_ = guest::walking_memory(std::move(ram), space);
    firing_.memory = memory_.get();
    return {};
  }

  // --- the polling thread's ---
  // Looks at everything, or only at the calls that come next.
  bool poll(bool whole) {
    if (cut_off_) return false;
    uint32_t handled = 0;
    for (size_t i = 0; i < rings_.size() && handled < kEntriesPerRound; i++) {
      HostRing& ring = rings_[next_ring_];
      next_ring_ = next_ring_ + 1 == rings_.size() ? 0 : next_ring_ + 1;
      uint32_t budget = kEntriesPerRound - handled;
      ScanResult result = whole ? ring.scan(budget, *this) : ring.scan_next(budget, *this);
      handled += result.handled();
      // This thread alone writes it.
      if (result.ran) served_.store(served_.load(std::memory_order_relaxed) + result.ran, std::memory_order_relaxed);
      if (result.rejected) rejected_.fetch_add(result.rejected, std::memory_order_relaxed);
      if (result.late) late_.fetch_add(result.late, std::memory_order_relaxed);
      if (result.damaged) {
        cut_off(ring.cpu());
        return true;
      }
    }
    return handled != 0;
  }
  void beat() {
    if (!cut_off_) rings_.front().beat();
  }
  void release() {
    if (cut_off_) return;
    rings_.front().leave();
    uint64_t released = 0;
    for (HostRing& ring : rings_) released += ring.release();
    rejected_.fetch_add(released, std::memory_order_relaxed);
  }
  bool run(const ht_entry& entry) override {
    if (entry.probe >= probe_limit_.load(std::memory_order_relaxed)) return false;
    firing_.probe = entry.probe;
    firing_.cpu = entry.cpu;
    firing_.pid = entry.pid;
    firing_.tid = entry.tid;
    firing_.ppid = entry.ppid;
    firing_.uid = entry.uid;
    firing_.gid = entry.gid;
    firing_.task = entry.task;
    firing_.pgd = entry.pgd;
    firing_.error = entry.error;
    std::copy_n(entry.comm, firing_.comm.size(), firing_.comm.begin());
    firing_.comm.back() = '\0';
    std::copy_n(entry.args, firing_.args.size(), firing_.args.begin());
    memory_->begin_firing();
    engine_.fire(slot_, firing_);
    return true;
  }

  // --- any thread's ---
  CallCounters counters() const {
    CallCounters counters;
    counters.served = served_.load(std::memory_order_relaxed);
    counters.rejected = rejected_.load(std::memory_order_relaxed);
    counters.late = late_.load(std::memory_order_relaxed);
    for (const HostRing& ring : rings_)
      if (ring.intact()) ring.add_losses(counters);
    return counters;
  }
  std::string failure() const {
    std::lock_guard lock(failure_mutex_);
    return failure_;
  }
  bool same_rings(const RingSet& set) const { return !rings_.empty() && rings_.front().has_nonce(set.nonce); }
  void set_probe_limit(uint32_t limit) { probe_limit_.store(limit, std::memory_order_relaxed); }

 private:
  void cut_off(uint32_t cpu) {
    cut_off_ = true;
    std::lock_guard lock(failure_mutex_);
    failure_ = fmt::format(
        "the ring of CPU {} no longer holds this session's nonce: the guest has rebooted, disarmed "
        "itself or overwritten it",
        cpu);
  }

  engine::Engine& engine_;
  const uint32_t slot_;
  std::atomic<uint32_t> probe_limit_;
  std::vector<HostRing> rings_;
  std::unique_ptr<guest::Memory> memory_;
  engine::Firing firing_;
  size_t next_ring_ = 0;
  bool cut_off_ = false;
  std::atomic<uint64_t> served_{0}, rejected_{0}, late_{0};
  mutable std::mutex failure_mutex_;
  std::string failure_;
};

class ThreadPoller final : public Poller {
 public:
  ThreadPoller(engine::Engine& engine, uint32_t slot) : engine_(engine), slot_(slot) {}
  ~ThreadPoller() override {
    {
      std::lock_guard lock(mutex_);
      guests_.clear();
      version_.fetch_add(1, std::memory_order_release);
    }
    stop_thread();
  }

  Result<void> add(engine::TargetId target, const RingSet& rings, std::shared_ptr<guest::GuestRam> ram,
                   const guest::AddressSpaceInfo& space, uint32_t probe_limit) override {
    std::lock_guard control(control_mutex_);
    if (auto known = find(target); known && known->failure().empty() && known->same_rings(rings)) {
      known->set_probe_limit(probe_limit);  // the agent has armed more on the rings it has
      return {};
    }
    auto guest = std::make_shared<Guest>(engine_, slot_, target, probe_limit);
    RETURN_IF_ERROR(guest->open(rings, std::move(ram), space));
    drop(target);
    start_thread();
    std::unique_lock lock(mutex_);
    guests_[target] = std::move(guest);
    last_.erase(target);
    await_thread(lock);  // from its first beat on the guest calls
    return {};
  }

  void remove(engine::TargetId target) override {
    std::lock_guard control(control_mutex_);
    drop(target);
    bool none;
    {
      std::lock_guard lock(mutex_);
      none = guests_.empty();
    }
    if (none) stop_thread();
  }

  CallCounters counters(engine::TargetId target) const override {
    if (auto guest = find(target)) return guest->counters();
    std::lock_guard lock(mutex_);
    auto last = last_.find(target);
    return last == last_.end() ? CallCounters{} : last->second;
  }
  std::string failure(engine::TargetId target) const override {
    auto guest = find(target);
    return guest ? guest->failure() : std::string();
  }

 private:
  using Guests = std::map<engine::TargetId, std::shared_ptr<Guest>>;

  std::shared_ptr<Guest> find(engine::TargetId target) const {
    std::lock_guard lock(mutex_);
    auto it = guests_.find(target);
    return it == guests_.end() ? nullptr : it->second;
  }

  // Takes a guest out and waits until the thread has let it go.
  void drop(engine::TargetId target) {
    std::unique_lock lock(mutex_);
    auto it = guests_.find(target);
    if (it == guests_.end()) return;
    std::shared_ptr<Guest> guest = std::move(it->second);
    guests_.erase(it);
    await_thread(lock);
    last_[target] = guest->counters();
  }

  // The list has changed: until the thread has seen it.
  void await_thread(std::unique_lock<std::mutex>& lock) {
    uint64_t version = version_.fetch_add(1, std::memory_order_release) + 1;
    seen_.wait(lock, [&] { return seen_version_ >= version; });
  }

  void start_thread() {
    if (thread_.joinable()) return;
    stop_.store(false, std::memory_order_relaxed);
    thread_ = std::thread([this] { run(); });
  }
  void stop_thread() {
    if (!thread_.joinable()) return;
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
  }

  void run() {
    PollPace pace(raise_polling_priority());
    std::vector<std::shared_ptr<Guest>> serving;
    uint64_t version = 0, last_beat = 0, rounds = 0;
    bool worked = false;  // in one of the rounds since the last look at the clock
    while (!stop_.load(std::memory_order_relaxed)) {
      if (version_.load(std::memory_order_acquire) != version) version = take_list(serving);
      bool look_at_clock = ++rounds % kRoundsPerClock == 0;
      bool idle = true;
      for (const auto& guest : serving)
        if (guest->poll(look_at_clock)) idle = false;
      if (idle) cpu_relax();
      worked |= !idle;
      if (!look_at_clock) continue;  // a round is shorter than that
      uint64_t now = system_clock().monotonic_ns();
      if (now - last_beat >= HT_BEAT_NS) {
        last_beat = now;
        for (const auto& guest : serving) guest->beat();
      }
      if (uint64_t sleep = pace.next_sleep(now, worked)) sleep_ns(sleep);
      worked = false;
    }
    take_list(serving);
    for (const auto& guest : serving) guest->release();
  }

  // Lets guests go that are no longer in the list, and takes the new ones.
  uint64_t take_list(std::vector<std::shared_ptr<Guest>>& serving) {
    std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Guest>> now;
    for (const auto& [target, guest] : guests_) now.push_back(guest);
    for (const auto& guest : serving)
      if (std::find(now.begin(), now.end(), guest) == now.end()) guest->release();
    for (const auto& guest : now) guest->beat();  // the new ones begin to call at the first beat
    serving = std::move(now);
    seen_version_ = version_.load(std::memory_order_relaxed);
    seen_.notify_all();
    return seen_version_;
  }

  engine::Engine& engine_;
  const uint32_t slot_;
  std::mutex control_mutex_;  // one add or remove at a time
  mutable std::mutex mutex_;  // the members below
  Guests guests_;
  std::map<engine::TargetId, CallCounters> last_;  // of guests that were removed
  uint64_t seen_version_ = 0;
  std::condition_variable seen_;
  std::atomic<uint64_t> version_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Poller> Poller::create(engine::Engine& engine, uint32_t slot) {
  return std::make_unique<ThreadPoller>(engine, slot);
}

}  // namespace ht::call
