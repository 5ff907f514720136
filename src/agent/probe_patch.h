// What the agent tells an eBPF program of the probe that it serves (bpf/copy.bpf.h has the other end): the probe's
// number, how many arguments it has and how wide they are. One C header, shared by bpf/ and src/agent.
//
// Where the kernel gives a program a cookie for each place to which it is attached, the cookie holds all of it. Where
// it does not, the numbers are constants in the program: it is prepared once by libbpf, and then loaded once for each
// probe, from the same instructions with other constants in them. A constant is a 64-bit load of HT_PATCH_MAGIC + its
// index; nothing else in a program may look like that.
#pragma once

#define HT_PATCH_MAGIC 0x7061746368000000ull  // "patch"

enum ht_patch {
  HT_PATCH_PROBE = 0,       // the probe's number
  HT_PATCH_ARG_COUNT = 1,   // at most HT_ARGS
  HT_PATCH_ARG_WIDTHS = 2,  // HT_WIDTH_BITS for each argument, the first one lowest
  HT_PATCH_COUNT = 3,
};

// 0: 64 bits. Odd numbers: 32, 16, 8 bits and signed; even numbers: the same and unsigned.
enum ht_width { HT_S64 = 0, HT_S32 = 1, HT_U32 = 2, HT_S16 = 3, HT_U16 = 4, HT_S8 = 5, HT_U8 = 6 };
#define HT_WIDTH_BITS 3
#define HT_WIDTH_MASK ((1u << HT_WIDTH_BITS) - 1)
// How many of 64 bits are not the argument's.
#define HT_WIDTH_SHIFT(width) (64 - (64 >> (((width) + 1) / 2)))

#define HT_COOKIE(probe, count, widths) ((uint64_t)(probe) | (uint64_t)(count) << 24 | (uint64_t)(widths) << 28)
#define HT_COOKIE_PROBE(cookie) ((cookie)&0xffffff)
#define HT_COOKIE_ARG_COUNT(cookie) ((cookie) >> 24 & 0xf)
#define HT_COOKIE_ARG_WIDTHS(cookie) ((cookie) >> 28)
