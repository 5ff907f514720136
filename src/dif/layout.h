// How a clause's record and an aggregation's bin are laid out. A pure function of the linked clause and strsize, used
// by the engine that writes and the consumer that prints; nothing about layouts ever travels.
#pragma once

#include <cstdint>
#include <vector>

#include "dif/program.h"

namespace ht::dif {

// Whose address it is: the first word of every field that holds a stack or an address to be named. Targets are the
// engine's; `boot` tells the boots of a guest apart, for what was at an address is elsewhere after the next one.
struct AddressOwner {
  uint16_t target = 0;  // 0: this machine
  uint16_t boot = 0;
  uint32_t pid = 0;  // 0 for the kernel's

  uint64_t word() const { return uint64_t{target} << 48 | uint64_t{boot} << 32 | pid; }
  static AddressOwner of(uint64_t word) {
    return {static_cast<uint16_t>(word >> 48), static_cast<uint16_t>(word >> 32), static_cast<uint32_t>(word)};
  }
  bool operator==(const AddressOwner&) const = default;
};

struct Field {
  uint32_t action = 0;                     // index into Clause::actions
  uint32_t arg = 0;                        // index into Action::args
  uint32_t offset = 0;                     // bytes from the start of the record's data
  uint32_t size = 0;                       // bytes; strings: strsize
  Type type;                               // of the recorded value (strings: by ref)
  ActionKind kind = ActionKind::kDifexpr;  // kStack, kSym ... when the argument is one: AddressOwner, then addresses
};

// The record's data is `size` bytes (a multiple of 8): first, if the clause has control flow, a presence byte per
// action (1: executed) padded to 8, then the fields in order, each aligned to min(size, 8) (by-reference fields to 1,
// stacks to 8). Strings and by-reference values are zero-filled to their full size.
struct RecordLayout {
  bool recorded = false;  // false: the clause records nothing at all (no record is written, nothing is printed)
  bool has_presence = false;
  uint32_t size = 0;
  std::vector<Field> fields;
  const Field* field(uint32_t action, uint32_t arg) const;
};

// What a clause records: empty clause (default action), trace, printf, printa, exit, system, freopen, the library
// actions, stacks, symbols, speculate/commit/discard. An aggregating action and a plain expression record nothing.
RecordLayout record_layout(const Clause& clause, uint32_t strsize);

// An aggregation's bin: the keys packed like record fields from offset 0 (padded to 8), then the values.
struct AggregationLayout {
  std::vector<Field> keys;
  uint32_t key_size = 0;     // bytes, multiple of 8
  uint32_t value_words = 0;  // uint64_t words: count 1, sum 1, min 1, max 1, avg 2 (count, sum), stddev 4 (count, sum,
                             // low and high of the sum of squares), quantize 127, lquantize levels + 2, llquantize bins
};
AggregationLayout aggregation_layout(const Action& action, const AggregationDef& def, uint32_t strsize);

inline constexpr uint32_t kQuantizeBuckets = 127;
inline constexpr uint32_t kQuantizeZeroBucket = 63;
int64_t quantize_label(uint32_t bucket);
uint32_t quantize_bucket(int64_t value);

// lquantize's parameter.
struct LquantizeParam {
  int32_t base = 0;
  uint16_t levels = 0;
  uint16_t step = 0;
};
LquantizeParam decode_lquantize(uint64_t param);
uint64_t encode_lquantize(const LquantizeParam& param);
// 0 below base, 1 .. levels, levels + 1 above.
uint32_t lquantize_bucket(int64_t value, const LquantizeParam& param);

// llquantize's parameter: steps << 48 | hmag << 32 | lmag << 16 | factor.
struct LlquantizeParam {
  uint16_t factor = 0;
  uint16_t lmag = 0;
  uint16_t hmag = 0;
  uint16_t steps = 0;
};
LlquantizeParam decode_llquantize(uint64_t param);
uint64_t encode_llquantize(const LlquantizeParam& param);
// The rules of the reference, section 6.2: factor >= 2, lmag <= hmag, factor^(hmag+1) <= 2^64, and steps that divide
// the ranges evenly. The functions below rely on it.
bool valid_llquantize(const LlquantizeParam& param);
// 2 * (hmag - lmag + 1) * (steps - steps / factor) + 3; 0 for a parameter that is not valid.
uint32_t llquantize_bins(const LlquantizeParam& param);
// The middle bin, (bins - 1) / 2, holds |value| < factor^lmag; negative values mirror below it; the outermost overflow.
uint32_t llquantize_bucket(int64_t value, const LlquantizeParam& param);

}  // namespace ht::dif
