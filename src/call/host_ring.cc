// The host's end of one ring: see host_ring.h and the essay in ring_abi.h.
#include "call/host_ring.h"

#include <cstring>

#include <fmt/format.h>

namespace ht::call {
namespace {

// Guest memory changes under our eyes; only these touch it.
template <typename T>
T load(const T& from) {
  return __atomic_load_n(&from, __ATOMIC_ACQUIRE);
}

bool swap(uint64_t& word, uint64_t expected, uint64_t desired) {
  return __atomic_compare_exchange_n(&word, &expected, desired, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

// Everything up to the last argument that was written; the rest becomes zero. False if there are too many.
bool copy_out(const ht_entry& from, ht_entry& to) {
  const auto* source = reinterpret_cast<const uint64_t*>(&from);
  uint64_t words[HT_ENTRY_SIZE / 8] = {};
  constexpr size_t kFixed = offsetof(ht_entry, args) / 8;
  for (size_t i = 0; i < kFixed; i++) words[i] = __atomic_load_n(source + i, __ATOMIC_RELAXED);
  std::memcpy(&to, words, sizeof(to));
  uint32_t count = to.arg_count;
  if (count > HT_ARGS) return false;
  for (size_t i = 0; i < count; i++) to.args[i] = __atomic_load_n(source + kFixed + i, __ATOMIC_RELAXED);
  return true;
}

}  // namespace

Result<HostRing> HostRing::open(const RingPages& where, const Nonce& nonce, const guest::GuestRam& ram) {
  if (where.pages.size() != HT_RING_PAGES)
    return Error(
        fmt::format("ring of CPU {} has {} pages instead of {}", where.cpu, where.pages.size(), HT_RING_PAGES));
  HostRing ring;
  ring.cpu_ = where.cpu;
  std::memcpy(ring.nonce_, nonce.data(), nonce.size());
  ring.generation_ = ht_generation(nonce.data());
  for (uint64_t address : where.pages) {
    if (address % HT_PAGE_SIZE != 0)
      return Error(fmt::format("ring of CPU {}: {:#x} is not the address of a page", where.cpu, address));
    ASSIGN_OR_RETURN(Mapping page, ram.map_page(address));
    if (page.size() < HT_PAGE_SIZE)
      return Error(fmt::format("ring of CPU {}: page {:#x} is short", where.cpu, address));
    if (!ring.header_) {
      ring.header_ = std::move(page);
    } else {
      ring.pages_.push_back(std::move(page));
    }
  }
  const auto& identity = ring.header()->identity;
  if (load(identity.magic) != HT_RING_MAGIC)
    return Error(fmt::format("ring of CPU {}: page {:#x} does not hold a ring", where.cpu, where.pages[0]));
  if (load(identity.abi) != HT_RING_ABI)
    return Error(fmt::format("ring of CPU {} is of version {}, and this program speaks {}", where.cpu,
                             load(identity.abi), HT_RING_ABI));
  if (!ring.intact()) return Error(fmt::format("ring of CPU {} does not have the nonce of this session", where.cpu));
  if (load(identity.cpu) != where.cpu || load(identity.entry_count) != HT_RING_ENTRIES ||
      load(identity.entry_size) != HT_ENTRY_SIZE)
    return Error(fmt::format("ring of CPU {} contradicts what the agent said of it", where.cpu));
  // Calls posted before we came may still wait: begin a whole ring earlier, and skip what is finished.
  uint64_t head = load(ring.header()->reservation.head);
  ring.tail_ = head > HT_RING_ENTRIES ? head - HT_RING_ENTRIES : 0;
  ring.beat_ = load(ring.header()->host.heartbeat);
  return ring;
}

bool HostRing::intact() const {
  const auto& identity = header()->identity;
  uint64_t nonce[2];
  const auto* words = reinterpret_cast<const uint64_t*>(identity.nonce);
  nonce[0] = __atomic_load_n(words, __ATOMIC_RELAXED);
  nonce[1] = __atomic_load_n(words + 1, __ATOMIC_RELAXED);
  return load(identity.magic) == HT_RING_MAGIC && nonce[0] == nonce_[0] && nonce[1] == nonce_[1];
}

bool HostRing::has_nonce(const Nonce& nonce) const {
  return std::memcmp(nonce_, nonce.data(), nonce.size()) == 0;
}

ht_entry* HostRing::entry(uint64_t sequence) const {
  uint64_t slot = sequence & (HT_RING_ENTRIES - 1);
  uint8_t* page = pages_[slot / HT_ENTRIES_PER_PAGE].data();
  return reinterpret_cast<ht_entry*>(page) + slot % HT_ENTRIES_PER_PAGE;
}

ScanResult HostRing::scan(uint32_t budget, EntrySink& sink) {
  ScanResult result = scan_next(budget, sink);
  if (result.handled() == 0 && !result.damaged) scan_window(budget, sink, result);
  return result;
}

ScanResult HostRing::scan_next(uint32_t budget, EntrySink& sink) {
  ScanResult result;
  while (result.handled() < budget && load(entry(tail_)->word) == ht_word(generation_, tail_, HT_POSTED)) {
    if (!serve_next(tail_ + 1, tail_, sink, result)) return result;
    tail_++;
  }
  return result;
}

void HostRing::scan_window(uint32_t budget, EntrySink& sink, ScanResult& result) {
  uint64_t head = load(header()->reservation.head);
  if (head == tail_) {
    result.damaged = !intact();
    return;
  }
  // Reservations may have been burnt, and the guest may say anything: the window is never longer than the ring.
  if (head - tail_ > HT_RING_ENTRIES) tail_ = head - HT_RING_ENTRIES;
  bool finished_so_far = true;
  for (uint64_t sequence = tail_; sequence != head; sequence++) {
    if (result.handled() >= budget) break;
    finished_so_far = serve_next(head, sequence, sink, result) && finished_so_far;
    if (result.damaged) break;
    if (finished_so_far) tail_ = sequence + 1;
  }
}

// Serves one place and counts it. True if nothing more is to be expected there.
bool HostRing::serve_next(uint64_t head, uint64_t sequence, EntrySink& sink, ScanResult& result) {
  bool older = false;
  Served served = serve(sequence, head, sink, &older);
  result.damaged = served == Served::kDamaged;
  result.ran += served == Served::kRan || served == Served::kLate;
  result.late += served == Served::kLate;
  result.rejected += served == Served::kRejected;
  // The guest may be just about to take an entry that an older call has held until now: look at it again.
  return served != Served::kPending && served != Served::kDamaged && !older;
}

// One place of the window. The entry there may belong to an older sequence than the place does: an older call that
// still waits while newer reservations were burnt on it.
HostRing::Served HostRing::serve(uint64_t sequence, uint64_t head, EntrySink& sink, bool* older) {
  ht_entry& shared = *entry(sequence);
  uint64_t word = load(shared.word);
  uint64_t state = ht_word_state(word);
  uint64_t owner = ht_word_sequence(generation_, word);
  if (state != HT_POSTED) {
    bool finished = word == ht_word(generation_, sequence, HT_FREE) || word == ht_word(generation_, sequence, HT_DONE);
    return finished ? Served::kFinished : Served::kPending;
  }
  // Not one of our own words: never to be written to.
  if (owner >= head || ((owner ^ sequence) & (HT_RING_ENTRIES - 1)) != 0) return Served::kPending;
  *older = owner != (sequence & ~uint64_t{0} >> HT_STATE_BITS);
  if (!intact()) return Served::kDamaged;
  uint64_t running = word - HT_POSTED + HT_RUNNING;
  if (!swap(shared.word, word, running)) return Served::kPending;  // abandoned just now
  ht_entry copy;
  bool accepted = copy_out(shared, copy) && copy.cpu == cpu_ && sink.run(copy);
  if (!intact()) return Served::kDamaged;
  bool in_time = finish(shared, running, (copy.flags & HT_ENTRY_ASYNC) != 0);
  if (!accepted) return Served::kRejected;
  return in_time ? Served::kRan : Served::kLate;
}

bool HostRing::finish(ht_entry& shared, uint64_t running, bool is_async) {
  return swap(shared.word, running, running - HT_RUNNING + (is_async ? HT_FREE : HT_DONE));
}

uint32_t HostRing::release() {
  uint64_t head = load(header()->reservation.head);
  uint32_t released = 0;
  for (uint64_t slot = 0; slot < HT_RING_ENTRIES; slot++) {
    ht_entry& shared = *entry(slot);
    uint64_t word = load(shared.word);
    uint64_t owner = ht_word_sequence(generation_, word);
    if (ht_word_state(word) != HT_POSTED || owner >= head || ((owner ^ slot) & (HT_RING_ENTRIES - 1)) != 0) continue;
    if (!intact()) break;
    bool is_async = (load(shared.flags) & HT_ENTRY_ASYNC) != 0;
    released += swap(shared.word, word, word - HT_POSTED + (is_async ? HT_FREE : HT_DONE));
  }
  return released;
}

void HostRing::beat() {
  uint64_t beats = (beat_ >> HT_STATE_BITS) + 1;
  write_host_word((beats << HT_STATE_BITS) + HT_HOST_PRESENT);
}

void HostRing::leave() {
  write_host_word((beat_ >> HT_STATE_BITS << HT_STATE_BITS) + HT_HOST_ABSENT);
}

void HostRing::write_host_word(uint64_t next) {
  if (!intact()) return;
  if (swap(header()->host.heartbeat, beat_, next)) beat_ = next;
}

void HostRing::add_losses(CallCounters& counters) const {
  const auto& losses = header()->losses;
  counters.ring_full += load(losses.ring_full);
  counters.timed_out += load(losses.timed_out);
  counters.breaker += load(losses.breaker);
}

}  // namespace ht::call
