// The memory that the engine shares with the consumer of a session, and the engine's owner of it.
//
//   data memfd (the engine writes, a client can only read)          control memfd (the client writes)
//   +--------------------------------------------------+            +-------------------------------+
//   | DataHeader: geometry, state, exit status         |            | ControlHeader                 |
//   +--------------------------------------------------+            +-------------------------------+
//   | slot 0: SlotHeader                               |            | ControlSlot 0: consumed, flip |
//   |         record ring         (ring_size bytes)    |            | ControlSlot 1                 |
//   |         aggregation buffers (2 x aggregation_size)|           | ...                           |
//   | slot 1: ...                                      |            +-------------------------------+
//   +--------------------------------------------------+
//
// Records. One producer per slot. It writes a record behind `produced`, then moves `produced` (release): everything
// before it is whole. Positions count bytes since the start and never wrap; position modulo ring_size is the place. A
// record is never split: where it does not fit before the end of the ring, a padding record fills the rest. The client
// hands over what lies between `consumed` and `produced` and then moves `consumed` (release), which frees the space.
// The engine believes `consumed` only if it lies between the last one and `produced`. Nothing fits: the record is
// dropped and counted (policy switch), or tracing ends (fill), and what is in the ring stays. Under the policy ring the
// engine moves `oldest` over the records that it is about to overwrite, and the client begins there, once all is over.
//
// How much fits is measured in DTrace's bytes, not in those of the ring, so that a buffer size means what people know:
// a record costs 12 bytes (enabled probe id and timestamp) and its fields. `cost` in the header says how much; the
// client adds up in `consumed_cost` what it has handed over. The ring is large enough for the difference.
//
// Aggregations. `flip` counts; the engine fills buffer flip & 1 and stamps it with generation flip + 1 when it starts
// on it, empty. `aggregation_epoch` is odd while the slot is in a firing that updates aggregations.
//
//      engine, per firing                             client, per snapshot
//      E1 epoch becomes odd      (seq_cst)            R1 flip = n + 1              (seq_cst)
//      E2 reads flip                                  R2 reads epoch: even, or odd and later another: quiescent
//      E3 new flip: clears buffer flip & 1            R3 buffer n & 1 holds what generation n + 1 gathered, if it is
//      E4 appends bins, adds to values                   stamped so; otherwise nothing was gathered
//      E5 epoch becomes even     (release)
//
// Either E1 comes after R2 and the engine sees the new flip, or the client sees the odd epoch and waits for its end. If
// the wait takes too long the client keeps n and asks again later without flipping, so nothing is lost. A client that
// dies leaves nothing locked. Bins are appended at `used` and never move; they are found through a hash index that is
// private to the engine.
//
// Trust. The data memfd is sealed: no mapping made after the engine's own can be written, and its size is fixed. The
// engine may therefore read back its bins. The client checks bounds and so cannot crash, but believes the contents. The
// control words are the client's and harm only its own session, whatever they say.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/fd.h"
#include "base/result.h"
#include "engine/session.h"

namespace ht::engine {

inline constexpr uint64_t kDataMagic = 0x3130415441445448;     // "HTDATA01"
inline constexpr uint64_t kControlMagic = 0x31304c5254435448;  // "HTCTRL01"
inline constexpr uint32_t kMemoryVersion = 2;
inline constexpr size_t kCacheLine = 64;
inline constexpr uint64_t kMemoryPage = 4096;

enum class Drop : uint32_t {  // those not counted by CPU, in the order of struct Drops
  kDynamic,
  kDynamicRinsing,
  kDynamicDirty,
  kSpeculation,
  kSpeculationBusy,
  kSpeculationUnavailable,
  kStackStrings,
  kErrorInError,
};
inline constexpr uint32_t kDropKinds = 8;

struct DataHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t slots;
  uint64_t size;              // of the whole memfd
  uint64_t ring_size;         // multiple of a page
  uint64_t aggregation_size;  // of one buffer, multiple of a page
  uint64_t slot_offset;       // of slot 0's header
  uint64_t slot_stride;
  std::atomic<uint32_t> state;  // SessionState
  std::atomic<int32_t> exit_status;
  std::atomic<uint32_t> exited;
  uint32_t policy;  // BufferPolicy
};
static_assert(offsetof(DataHeader, slots) == 12 && offsetof(DataHeader, size) == 16);
static_assert(offsetof(DataHeader, slot_stride) == 48 && offsetof(DataHeader, state) == 56);
static_assert(sizeof(DataHeader) == 72);

struct alignas(kCacheLine) AggregationHeader {
  std::atomic<uint64_t> generation;  // 0: never used
  std::atomic<uint64_t> used;        // bytes
};
static_assert(sizeof(AggregationHeader) == 64);

// Drops of one CPU. The last entry of a slot is for all that found no other.
struct CpuDropCounters {
  std::atomic<uint64_t> who;  // 0: not taken; else cpu_key()
  std::atomic<uint64_t> principal, aggregation;
};
inline constexpr uint32_t kCpuDropCounters = 128;
constexpr uint64_t cpu_key(TargetId target, uint32_t cpu) {
  return uint64_t{1} << 63 | uint64_t{target} << 32 | cpu;
}

struct SlotHeader {
  alignas(kCacheLine) std::atomic<uint64_t> produced;
  std::atomic<uint64_t> oldest;  // policy ring
  alignas(kCacheLine) std::atomic<uint64_t> aggregation_epoch;
  AggregationHeader aggregation[2];
  alignas(kCacheLine) std::atomic<uint64_t> drops[kDropKinds];
  CpuDropCounters cpu_drops[kCpuDropCounters];
};
static_assert(offsetof(SlotHeader, aggregation_epoch) == 64 && offsetof(SlotHeader, aggregation) == 128);
static_assert(offsetof(SlotHeader, drops) == 256 && offsetof(SlotHeader, cpu_drops) == 320);
static_assert(sizeof(SlotHeader) <= kMemoryPage);

struct ControlHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t slots;
  uint8_t reserved[48];
};
static_assert(sizeof(ControlHeader) == 64);

struct alignas(kCacheLine) ControlSlot {
  std::atomic<uint64_t> consumed;
  std::atomic<uint32_t> flip;
  std::atomic<uint64_t> consumed_cost;  // moved before `consumed`
};
static_assert(sizeof(ControlSlot) == 64 && offsetof(ControlSlot, flip) == 8);
static_assert(offsetof(ControlSlot, consumed_cost) == 16);
static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<uint32_t>::is_always_lock_free);

enum class RecordKind : uint16_t { kClause = 0, kFault = 1, kPadding = 2 };

// Followed by the data; the whole is a multiple of 8 bytes. Padding has only the first 8 bytes.
struct RecordHeader {
  uint32_t size;  // with this header
  uint16_t kind;  // RecordKind
  uint16_t target;
  uint32_t cost;  // bytes as DTrace counts them
  uint16_t variant;
  uint16_t cpu;
  uint32_t clause;
  uint32_t probe;
  uint64_t timestamp;
};
static_assert(sizeof(RecordHeader) == 32 && offsetof(RecordHeader, timestamp) == 24);
inline constexpr uint32_t kMaxVariants = 65536;

// Room that a ring of `bufsize` of DTrace's bytes is given: small ones exactly enough for whatever fits by cost, large
// ones a margin. No record is larger than half of it.
uint64_t ring_bytes(uint64_t bufsize);
// The same for a speculation's buffer.
uint64_t speculation_bytes(uint64_t specsize);

struct FaultData {  // the data of a fault record
  uint64_t address;
  uint32_t action;
  int32_t offset;
  uint32_t fault;
  uint32_t reserved;
};
static_assert(sizeof(FaultData) == 24);

// Followed by key_size bytes of keys, then by the values; the whole is a multiple of 8 bytes.
struct BinHeader {
  uint32_t size;  // with this header
  uint32_t aggregation;
  uint32_t variant;
  uint32_t clause;
  uint32_t action;
  uint32_t key_size;
  uint32_t value_words;
  uint32_t reserved;
};
static_assert(sizeof(BinHeader) == 32);

// Where things are, from the header's numbers.
struct SlotLayout {
  uint64_t header, ring, aggregation[2];
};
inline SlotLayout slot_layout(const DataHeader& data, uint32_t slot) {
  SlotLayout layout{};
  layout.header = data.slot_offset + slot * data.slot_stride;
  layout.ring = layout.header + kMemoryPage;
  layout.aggregation[0] = layout.ring + data.ring_size;
  layout.aggregation[1] = layout.aggregation[0] + data.aggregation_size;
  return layout;
}

// The engine's side: both memfds and its own mappings of them.
class SessionMemory {
 public:
  // Lowers bufsize and aggsize in `config` if they cannot be had and config says so.
  static Result<SessionMemory> create(SessionConfig& config);

  DataHeader& header() const { return *reinterpret_cast<DataHeader*>(data_.data()); }
  SlotHeader& slot(uint32_t index) const { return *reinterpret_cast<SlotHeader*>(at(index).header); }
  const ControlSlot& control(uint32_t index) const {
    return reinterpret_cast<const ControlSlot*>(control_.data() + sizeof(ControlHeader))[index];
  }
  uint8_t* ring(uint32_t slot) const { return at(slot).ring; }
  uint8_t* aggregation(uint32_t slot, unsigned which) const { return at(slot).aggregation[which]; }
  int data_fd() const { return data_fd_.get(); }
  int control_fd() const { return control_fd_.get(); }

  // These two are called by the thread of that slot only.
  void count_cpu_drop(uint32_t slot_index, TargetId target, uint32_t cpu, bool aggregation, uint64_t count) const;
  void count_drop(uint32_t slot_index, Drop kind, uint64_t count = 1) const {
    auto& counter = slot(slot_index).drops[static_cast<uint32_t>(kind)];
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }

 private:
  struct Pointers {
    uint8_t *header, *ring, *aggregation[2];
  };
  Pointers at(uint32_t slot) const {
    const SlotLayout layout = slot_layout(header(), slot);
    uint8_t* base = data_.data();
    return {base + layout.header, base + layout.ring, {base + layout.aggregation[0], base + layout.aggregation[1]}};
  }

  UniqueFd data_fd_, control_fd_;
  Mapping data_, control_;
};

}  // namespace ht::engine
