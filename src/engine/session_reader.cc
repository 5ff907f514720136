// The consumer's side of a session's shared memory. It trusts the engine's contents, but no length or offset: whatever
// is in the memory, it reads nothing outside of it.
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <map>
#include <utility>

#include "engine/session_memory.h"

namespace ht::engine {
namespace {

constexpr uint64_t kQuiescenceLimitNs = 20'000'000;

uint64_t monotonic_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

Result<uint64_t> size_of(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return errno_error("cannot examine session memory");
  return static_cast<uint64_t>(status.st_size);
}

// One slot, with the geometry that was checked at open().
struct ReaderSlot {
  const SlotHeader* header = nullptr;
  ControlSlot* control = nullptr;
  const uint8_t* ring = nullptr;
  const uint8_t* aggregation[2] = {};
  uint64_t order = 0;       // timestamps never go back within a slot's order
  bool unread = false;      // `generation` was flipped away from but could not be read yet
  uint32_t generation = 0;  // the flip before ours
};

class Reader final : public SessionReader {
 public:
  Result<void> init(UniqueFd data, UniqueFd control);

  SessionState state() const override {
    return static_cast<SessionState>(header().state.load(std::memory_order_acquire));
  }
  int32_t exit_status() const override { return header().exit_status.load(std::memory_order_acquire); }
  bool exited() const override { return header().exited.load(std::memory_order_acquire) != 0; }
  void drain(const std::function<void(const RecordView&)>& record, Order order) override;
  void snapshot(const std::function<void(const BinView&)>& bin) override;
  Drops drops() const override;
  void abandon() override { abandoned_ = true; }

 private:
  struct Cursor {
    ReaderSlot* slot;
    uint64_t position, end;
    RecordHeader record{};
    uint64_t order = 0;
  };

  const DataHeader& header() const { return *reinterpret_cast<const DataHeader*>(data_.data()); }
  bool nothing_yet() const;
  std::vector<Cursor> cursors();
  uint64_t last_order(Cursor cursor) const;
  bool consume(Cursor& cursor, const std::function<void(const RecordView&)>& record) const;
  bool load_next(Cursor& cursor) const;
  RecordView view(const Cursor& cursor) const;
  bool quiescent(const ReaderSlot& slot) const;
  void read_bins(const ReaderSlot& slot, const std::function<void(const BinView&)>& bin) const;

  Mapping data_, control_;
  uint64_t ring_size_ = 0, aggregation_size_ = 0;
  std::vector<ReaderSlot> slots_;
  bool abandoned_ = false;
  bool began_ = false;  // something was handed over
};

Result<void> Reader::init(UniqueFd data, UniqueFd control) {
  ASSIGN_OR_RETURN(const uint64_t data_size, size_of(data.get()));
  ASSIGN_OR_RETURN(const uint64_t control_size, size_of(control.get()));
  if (data_size < sizeof(DataHeader) || control_size < sizeof(ControlHeader)) return Error("session memory too small");
  ASSIGN_OR_RETURN(data_, Mapping::map(data.get(), data_size, Mapping::Access::kRead));
  ASSIGN_OR_RETURN(control_, Mapping::map(control.get(), control_size, Mapping::Access::kReadWrite));

  const DataHeader& h = header();
  const auto& c = *reinterpret_cast<const ControlHeader*>(control_.data());
  if (h.magic != kDataMagic || c.magic != kControlMagic) return Error("not a session's memory");
  if (h.version != kMemoryVersion || c.version != kMemoryVersion) return Error("session memory of another version");
  const uint64_t limit = data_size;
  const uint64_t needed = kMemoryPage + h.ring_size + 2 * h.aggregation_size;
  if (h.ring_size == 0 || h.ring_size > limit || h.aggregation_size > limit || h.slots == 0 || h.slots != c.slots ||
      h.slot_stride < needed || h.slot_stride > limit || h.slot_offset < sizeof(DataHeader) || h.slot_offset > limit ||
      h.slots > (limit - h.slot_offset) / h.slot_stride || h.ring_size % 8 != 0 || h.aggregation_size % 8 != 0 ||
      h.slot_offset % kCacheLine != 0 || h.slot_stride % kCacheLine != 0 ||
      h.slots > (control_size - sizeof(ControlHeader)) / sizeof(ControlSlot)) {
    return Error("session memory with an impossible layout");
  }
  ring_size_ = h.ring_size;
  aggregation_size_ = h.aggregation_size;
  slots_.resize(h.slots);
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    const SlotLayout layout = slot_layout(h, i);
    ReaderSlot& slot = slots_[i];
    slot.header = reinterpret_cast<const SlotHeader*>(data_.data() + layout.header);
    slot.control = reinterpret_cast<ControlSlot*>(control_.data() + sizeof(ControlHeader)) + i;
    slot.ring = data_.data() + layout.ring;
    for (unsigned k = 0; k < 2; ++k) slot.aggregation[k] = data_.data() + layout.aggregation[k];
  }
  return {};
}

// The next record that is not padding; false at the end, or where the ring makes no sense (the rest is given up).
bool Reader::load_next(Cursor& cursor) const {
  while (cursor.position < cursor.end) {
    const uint64_t place = cursor.position % ring_size_;
    const uint64_t room = std::min(ring_size_ - place, cursor.end - cursor.position);
    cursor.record = {};
    std::memcpy(&cursor.record, cursor.slot->ring + place, std::min<uint64_t>(room, sizeof(RecordHeader)));
    const auto kind = static_cast<RecordKind>(cursor.record.kind);
    const uint64_t least = kind == RecordKind::kPadding ? 8 : sizeof(RecordHeader);
    if (cursor.record.size < least || cursor.record.size > room || cursor.record.size % 8 != 0) {
      cursor.position = cursor.end;
      return false;
    }
    if (kind != RecordKind::kPadding) {
      cursor.order = cursor.slot->order = std::max(cursor.slot->order, cursor.record.timestamp);
      return true;
    }
    cursor.position += cursor.record.size;
  }
  return false;
}

RecordView Reader::view(const Cursor& cursor) const {
  const RecordHeader& record = cursor.record;
  RecordView result;
  result.variant = record.variant;
  result.clause = record.clause;
  result.probe = record.probe;
  result.target = record.target;
  result.cpu = record.cpu;
  result.timestamp = record.timestamp;
  const uint8_t* bytes = cursor.slot->ring + cursor.position % ring_size_ + sizeof(RecordHeader);
  result.data = ByteView(bytes, record.size - sizeof(RecordHeader));
  if (static_cast<RecordKind>(record.kind) == RecordKind::kFault && result.data.size() >= sizeof(FaultData)) {
    FaultData fault;
    std::memcpy(&fault, bytes, sizeof fault);
    result.kind = RecordView::Kind::kFault;
    result.fault = static_cast<dif::Fault>(fault.fault);
    result.fault_address = fault.address;
    result.fault_action = fault.action;
    result.fault_offset = fault.offset;
    result.data = {};
  }
  return result;
}

bool Reader::nothing_yet() const {
  return static_cast<BufferPolicy>(header().policy) != BufferPolicy::kSwitch && state() < SessionState::kStopped &&
         !abandoned_;
}

// What there is to read now; slots without a record are done with.
std::vector<Reader::Cursor> Reader::cursors() {
  std::vector<Cursor> result;
  for (ReaderSlot& slot : slots_) {
    const uint64_t produced = slot.header->produced.load(std::memory_order_acquire);
    uint64_t consumed = std::max(slot.control->consumed.load(std::memory_order_relaxed),
                                 slot.header->oldest.load(std::memory_order_acquire));
    if (consumed > produced || produced - consumed > ring_size_) consumed = produced;
    Cursor cursor{&slot, consumed, produced};
    if (load_next(cursor)) {
      result.push_back(cursor);
    } else {
      slot.control->consumed.store(cursor.position, std::memory_order_release);
    }
  }
  return result;
}

// Hands over one record and frees its space; false if there is no other.
bool Reader::consume(Cursor& cursor, const std::function<void(const RecordView&)>& record) const {
  record(view(cursor));
  cursor.position += cursor.record.size;
  ControlSlot& control = *cursor.slot->control;
  control.consumed_cost.store(control.consumed_cost.load(std::memory_order_relaxed) + cursor.record.cost,
                              std::memory_order_relaxed);
  const bool more = load_next(cursor);
  control.consumed.store(cursor.position, std::memory_order_release);
  return more;
}

// Of the slot's last record.
uint64_t Reader::last_order(Cursor cursor) const {
  const uint64_t now = cursor.slot->order;
  do cursor.position += cursor.record.size;
  while (load_next(cursor));
  return std::exchange(cursor.slot->order, now);
}

void Reader::drain(const std::function<void(const RecordView&)>& record, Order order) {
  if (nothing_yet()) return;
  const bool over = abandoned_ || state() == SessionState::kStopped;
  std::vector<Cursor> slots = cursors();
  const bool first_time = !std::exchange(began_, began_ || !slots.empty());
  const auto earlier = [](const Cursor& a, const Cursor& b) { return a.order < b.order; };
  const auto earliest = [&] { return std::min_element(slots.begin(), slots.end(), earlier); };
  if (order == Order::kByCpu && slots.size() > 1) {
    // BEGIN's are those before any of another slot, END's those after all others: what is left of them for the end is
    // merged below.
    const auto take = [&](auto slot, uint64_t before) {
      bool more = true;
      while (more && slot->order < before) more = consume(*slot, record);
      return more;
    };
    std::vector<uint64_t> lasts;
    for (const Cursor& slot : slots) lasts.push_back(over ? last_order(slot) : UINT64_MAX);
    std::sort(lasts.begin(), lasts.end());
    const uint64_t end = over ? lasts[lasts.size() - 2] + 1 : UINT64_MAX;
    if (const auto first = earliest(); first_time) {
      uint64_t others = UINT64_MAX;
      for (auto slot = slots.begin(); slot != slots.end(); ++slot) {
        if (slot != first) others = std::min(others, slot->order);
      }
      if (!take(first, others)) slots.erase(first);
    }
    for (auto slot = slots.begin(); slot != slots.end();) slot = take(slot, end) ? slot + 1 : slots.erase(slot);
  }
  while (!slots.empty()) {
    const auto first = earliest();
    if (!consume(*first, record)) slots.erase(first);
  }
}

bool Reader::quiescent(const ReaderSlot& slot) const {
  const uint64_t epoch = slot.header->aggregation_epoch.load(std::memory_order_seq_cst);
  if (epoch % 2 == 0) return true;
  const uint64_t deadline = monotonic_ns() + kQuiescenceLimitNs;
  for (unsigned tries = 0; slot.header->aggregation_epoch.load(std::memory_order_acquire) == epoch; ++tries) {
    if (tries > 1000) {
      if (monotonic_ns() > deadline) return false;
      const timespec pause{0, 50'000};
      nanosleep(&pause, nullptr);
    }
  }
  return true;
}

void Reader::snapshot(const std::function<void(const BinView&)>& bin) {
  for (ReaderSlot& slot : slots_) {
    if (!slot.unread) {
      slot.generation = slot.control->flip.fetch_add(1, std::memory_order_seq_cst);
      slot.unread = true;
      std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    if (!quiescent(slot)) continue;
    slot.unread = false;
    read_bins(slot, bin);
  }
}

void Reader::read_bins(const ReaderSlot& slot, const std::function<void(const BinView&)>& bin) const {
  const AggregationHeader& buffer = slot.header->aggregation[slot.generation & 1];
  if (buffer.generation.load(std::memory_order_acquire) != uint64_t{slot.generation} + 1) return;
  const uint64_t used = std::min(buffer.used.load(std::memory_order_acquire), aggregation_size_);
  const uint8_t* base = slot.aggregation[slot.generation & 1];
  for (uint64_t position = 0; used - position >= sizeof(BinHeader);) {
    BinHeader h;
    std::memcpy(&h, base + position, sizeof h);
    const uint64_t size = sizeof h + uint64_t{h.key_size} + uint64_t{h.value_words} * 8;
    if (h.size != size || size > used - position || size % 8 != 0) return;
    const uint8_t* keys = base + position + sizeof h;
    BinView view;
    view.aggregation = h.aggregation;
    view.variant = h.variant;
    view.clause = h.clause;
    view.action = h.action;
    view.keys = ByteView(keys, h.key_size);
    view.values = reinterpret_cast<const uint64_t*>(keys + h.key_size);
    view.value_words = h.value_words;
    view.slot = static_cast<uint32_t>(&slot - slots_.data());
    bin(view);
    position += size;
  }
}

Drops Reader::drops() const {
  uint64_t totals[kDropKinds] = {};
  std::map<uint64_t, CpuDrops> cpus;  // by cpu_key(); those without one are the last
  for (const ReaderSlot& slot : slots_) {
    for (uint32_t kind = 0; kind < kDropKinds; ++kind) {
      totals[kind] += slot.header->drops[kind].load(std::memory_order_relaxed);
    }
    for (uint32_t i = 0; i < kCpuDropCounters; ++i) {
      const CpuDropCounters& counters = slot.header->cpu_drops[i];
      const uint64_t who = counters.who.load(std::memory_order_acquire);
      const uint64_t principal = counters.principal.load(std::memory_order_relaxed);
      const uint64_t aggregation = counters.aggregation.load(std::memory_order_relaxed);
      if (principal == 0 && aggregation == 0) continue;
      CpuDrops& sum = cpus[who == 0 ? UINT64_MAX : who];
      sum.target = static_cast<TargetId>(who >> 32);
      sum.cpu = static_cast<uint32_t>(who);
      sum.known = who != 0;
      sum.principal += principal;
      sum.aggregation += aggregation;
    }
  }
  Drops drops{{}, totals[0], totals[1], totals[2], totals[3], totals[4], totals[5], totals[6], totals[7]};
  for (const auto& [who, sum] : cpus) drops.cpus.push_back(sum);
  return drops;
}

}  // namespace

Result<std::unique_ptr<SessionReader>> SessionReader::open(UniqueFd data, UniqueFd control) {
  auto reader = std::make_unique<Reader>();
  RETURN_IF_ERROR(reader->init(std::move(data), std::move(control)));
  return std::unique_ptr<SessionReader>(std::move(reader));
}

}  // namespace ht::engine
