// A session: one dtrace command's enabling. The engine writes its records and aggregations into the session's shared
// memory; the consumer (the dtrace process, or the same process without -E) reads them through SessionReader.
//
// Memory: two memfds. "data" is written by the engine alone and sealed so that a client can map it only for reading;
// the engine never reads back what it must trust. "control" is small and written by the client: how far it has
// consumed, and which of the two aggregation buffers is active. The engine validates every control word. Per slot (a
// CPU of the host, or a poller thread) there is one single-producer ring of records and a pair of aggregation
// buffers; when the client flips the pair, the engine starts on the other one, cleared, at its next update, and the
// client merges the idle one. A client that dies therefore leaves nothing locked. What happens when a ring is full is
// the buffer policy's to say.
//
// The layout of that memory is in session_memory.h, with static_asserts.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "dif/program.h"
#include "engine/firing.h"

namespace ht::engine {

// A probe of a session, for printing: what record and fault name it by.
struct ProbeName {
  uint32_t id = 0;  // as -l lists it (the ID column)
  std::string provider, module, function, name;
};

// What to do when a principal buffer is full (reference, section 11.6).
enum class BufferPolicy : uint32_t {
  kSwitch = 0,  // records are dropped until the consumer has made room
  kFill = 1,    // tracing ends; consumed at the end
  kRing = 2,    // the oldest records are overwritten; consumed at the end
};

struct SessionConfig {
  uint32_t slots = 1;              // the engine's; see engine.h
  uint64_t bufsize = 4u << 20;     // bytes of trace buffer per slot, as DTrace counts them: dtrace_record_size()
  uint64_t aggsize = 4u << 20;     // bytes per aggregation buffer per slot
  uint64_t dynvarsize = 1u << 20;  // thread-locals and associative arrays, all slots together
  uint32_t strsize = 256;
  uint32_t scratchsize = 256;  // bytes that one clause may take by alloca() and copyin(); strings are kept elsewhere
  uint32_t nspec = 1;
  uint64_t specsize = 4u << 20;  // per speculation
  bool destructive = false;      // -w
  bool in_process = false;       // the engine is the command's own: raise() and its like may act on its process
  BufferPolicy policy = BufferPolicy::kSwitch;
  bool resize = true;                           // bufresize=auto: what cannot be allocated is halved
  uint64_t cleanrate_ns = 1'000'000'000 / 101;  // period after which a speculation's buffer is free again
  uint64_t statusrate_ns = 1'000'000'000;       // kept here only to be brought within its limits
  std::optional<uint32_t> cpu;                  // trace only that CPU
};
// From Program::options; unknown names are ignored here (the command line has checked them), bad values are errors.
Result<SessionConfig> session_config(const dif::Program& program);
// Brings the rates within what DTrace allows.
void limit_rates(SessionConfig& config);
// What was asked for and could not be had, in DTrace's words ("buffer size lowered to 512k").
std::vector<std::string> adjustments(const SessionConfig& asked, const SessionConfig& got);

enum class SessionState : uint32_t {
  kSetup = 0,      // being enabled: nothing runs
  kBeginning = 1,  // BEGIN runs
  kActive = 2,
  kDraining = 3,  // exit() was called, or stop requested: only END may run
  kStopped = 4,   // END has run; the buffers are final
};

// What was lost in the buffers of one CPU.
struct CpuDrops {
  TargetId target = kHost;
  uint32_t cpu = 0;
  bool known = true;  // false: the sum over CPUs that were too many to be counted one by one
  uint64_t principal = 0, aggregation = 0;
};
// Counters of what was lost, by DTrace's drop kinds; totals since the start.
struct Drops {
  std::vector<CpuDrops> cpus;  // by target and CPU
  uint64_t dynamic = 0, dynamic_rinsing = 0, dynamic_dirty = 0, speculation = 0, speculation_busy = 0,
           speculation_unavailable = 0, stack_strings = 0, error_in_error = 0;

  uint64_t principal() const {
    uint64_t total = 0;
    for (const CpuDrops& cpu : cpus) total += cpu.principal;
    return total;
  }
  uint64_t aggregation() const {
    uint64_t total = 0;
    for (const CpuDrops& cpu : cpus) total += cpu.aggregation;
    return total;
  }
};

// One record as the consumer sees it; `data` is laid out by dif::record_layout of the clause of that variant's program.
struct RecordView {
  enum class Kind : uint8_t { kClause = 0, kFault = 1 };
  Kind kind = Kind::kClause;
  uint32_t variant = 0;  // which linked program
  uint32_t clause = 0;   // index into Program::clauses
  uint32_t probe = 0;    // index into the session's probe names
  TargetId target = kHost;
  uint32_t cpu = 0;
  uint64_t timestamp = 0;  // host's monotonic ns
  ByteView data;
  // kFault:
  dif::Fault fault = dif::Fault::kNone;
  uint64_t fault_address = 0;
  uint32_t fault_action = 0;  // 0 predicate, n the n-th action
  int32_t fault_offset = -1;  // bytes into the DIF text
};

// One bin since the last snapshot: the delta to merge. Keys and values by dif::aggregation_layout.
struct BinView {
  uint32_t aggregation = 0;  // AggregationDef::id
  uint32_t variant = 0;
  uint32_t clause = 0, action = 0;  // the aggregating action that made it (for its key types)
  ByteView keys;
  const uint64_t* values = nullptr;
  uint32_t value_words = 0;
  uint32_t slot = 0;  // whose buffer it was in
};

class SessionReader {
 public:
  // Takes the descriptors as received from dtraced, or duplicated from a Session in this process.
  static Result<std::unique_ptr<SessionReader>> open(UniqueFd data, UniqueFd control);
  virtual ~SessionReader() = default;

  virtual SessionState state() const = 0;
  virtual int32_t exit_status() const = 0;  // the last exit()'s, 0 if none
  virtual bool exited() const = 0;          // exit() was called

  // In which order drain() hands over what is in the buffers of several CPUs.
  enum class Order : uint8_t {
    kTime,   // merged by timestamp
    kByCpu,  // one slot after the other; but BEGIN's records first and END's last
  };

  // Hands over every complete record now in the buffers of all slots, and frees their space.
  // Under the policies fill and ring there is nothing to hand over before the session has stopped.
  virtual void drain(const std::function<void(const RecordView&)>& record, Order order = Order::kTime) = 0;
  // Flips the aggregation buffers and hands over what they had gathered.
  virtual void snapshot(const std::function<void(const BinView&)>& bin) = 0;
  virtual Drops drops() const = 0;
  // The session will never stop: its engine is gone. What is in the buffers is to be handed over as it is.
  virtual void abandon() {}
};

}  // namespace ht::engine
