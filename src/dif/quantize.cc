// The buckets of quantize, lquantize and llquantize (reference, sections 6.5 and 12.7).
#include <algorithm>
#include <bit>

#include "dif/layout.h"

namespace ht::dif {
namespace {

using Wide = unsigned __int128;  // powers up to 2^64 themselves

constexpr Wide kLimit = Wide{1} << 64;

uint64_t magnitude_of(int64_t value) {
  return value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
}

// base^exponent, or more than 2^64 when it is more than that.
Wide power(uint16_t base, unsigned exponent) {
  Wide result = 1;
  for (unsigned i = 0; i < exponent && result <= kLimit; ++i) result *= base;
  return result;
}

// Bins of one order of magnitude.
uint32_t bins_per_magnitude(const LlquantizeParam& param) {
  return param.steps - param.steps / param.factor;
}

}  // namespace

int64_t quantize_label(uint32_t bucket) {
  if (bucket == kQuantizeZeroBucket) return 0;
  if (bucket < kQuantizeZeroBucket) return -(int64_t{1} << (kQuantizeZeroBucket - 1 - bucket));
  return int64_t{1} << (std::min(bucket, kQuantizeBuckets - 1) - kQuantizeZeroBucket - 1);
}

uint32_t quantize_bucket(int64_t value) {
  if (value == 0) return kQuantizeZeroBucket;
  // Buckets end at 2^62 on either side; INT64_MIN is in the lowest.
  const uint32_t order = std::min<uint32_t>(static_cast<uint32_t>(std::bit_width(magnitude_of(value))), 63);
  return value > 0 ? kQuantizeZeroBucket + order : kQuantizeZeroBucket - order;
}

LquantizeParam decode_lquantize(uint64_t param) {
  return {.base = static_cast<int32_t>(static_cast<uint32_t>(param)),
          .levels = static_cast<uint16_t>(param >> 32),
          .step = static_cast<uint16_t>(param >> 48)};
}

uint64_t encode_lquantize(const LquantizeParam& param) {
  return uint64_t{param.step} << 48 | uint64_t{param.levels} << 32 | static_cast<uint32_t>(param.base);
}

uint32_t lquantize_bucket(int64_t value, const LquantizeParam& param) {
  if (value < param.base) return 0;
  if (value >= param.base + int64_t{param.levels} * param.step) return param.levels + 1u;
  return static_cast<uint32_t>((value - param.base) / param.step) + 1;
}

LlquantizeParam decode_llquantize(uint64_t param) {
  return {.factor = static_cast<uint16_t>(param),
          .lmag = static_cast<uint16_t>(param >> 16),
          .hmag = static_cast<uint16_t>(param >> 32),
          .steps = static_cast<uint16_t>(param >> 48)};
}

uint64_t encode_llquantize(const LlquantizeParam& param) {
  return uint64_t{param.steps} << 48 | uint64_t{param.hmag} << 32 | uint64_t{param.lmag} << 16 | param.factor;
}

bool valid_llquantize(const LlquantizeParam& param) {
  if (param.factor < 2 || param.steps == 0 || param.lmag > param.hmag) return false;
  if (param.hmag >= 64 || power(param.factor, param.hmag + 1u) > kLimit) return false;
  if (param.steps < param.factor) return param.factor % param.steps == 0;
  if (param.steps == param.factor) return true;
  return param.steps % param.factor == 0 &&
         power(param.factor, std::max<unsigned>(param.lmag, 1) + 1) % param.steps == 0;
}

uint32_t llquantize_bins(const LlquantizeParam& param) {
  if (!valid_llquantize(param)) return 0;
  return 2 * (param.hmag - param.lmag + 1u) * bins_per_magnitude(param) + 3;
}

uint32_t llquantize_bucket(int64_t value, const LlquantizeParam& param) {
  const uint32_t middle = (llquantize_bins(param) - 1) / 2;
  const uint64_t magnitude = magnitude_of(value);
  if (magnitude < power(param.factor, param.lmag)) return middle;
  uint32_t distance = middle;  // overflow, unless found
  for (unsigned m = param.lmag; m <= param.hmag; ++m) {
    const Wide next = power(param.factor, m + 1);
    if (magnitude >= next) continue;
    const Wide index = m == 0 ? Wide{magnitude} * param.steps / next : magnitude / (next / param.steps);
    distance =
        (m - param.lmag) * bins_per_magnitude(param) + static_cast<uint32_t>(index) - param.steps / param.factor + 1;
    break;
  }
  return value < 0 ? middle - distance : middle + distance;
}

}  // namespace ht::dif
