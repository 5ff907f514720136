// For programs that serve one probe each, of which the agent makes as many copies as there are probes armed, and for
// those whose cookie says which probe it is: see agent/probe_patch.h.
#pragma once

#include "ring.bpf.h"

#include "agent/probe_patch.h"

// A constant, as a load that the compiler can neither fold nor share, and whose value the verifier knows.
#define ht_patched(index)                                                        \
  ({                                                                             \
    __u64 ht_value;                                                              \
    asm volatile("%0 = %1 ll" : "=r"(ht_value) : "i"(HT_PATCH_MAGIC + (index))); \
    ht_value;                                                                    \
  })

// One bit for each probe number; written by the agent through its mapping. All probes of an arming begin to call at once
// and stop at once, however long the kernel takes to attach and to detach their programs.
#define HT_IS_ARMED(armed, number) ((armed)[(number) >> 3 & (sizeof(armed) - 1)] & 1u << ((number)&7))

// An argument as a 64-bit number: what lies above its own bits is whatever was in the register.
static __always_inline __u64 ht_widen(__u64 value, int index, __u64 widths) {
  __u64 width = widths >> (HT_WIDTH_BITS * index) & HT_WIDTH_MASK;
  __u64 shift = HT_WIDTH_SHIFT(width);
  value <<= shift;
  return width & 1 ? (__u64)((__s64)value >> shift) : value >> shift;
}
