// The rawtp and sdt providers: a raw tracepoint program, of which each armed probe has a copy of its own, as a raw
// tracepoint has no cookie before Linux 6.10.
//
// A tracepoint may be hit anywhere: in a system call, in a soft or hard interrupt, in an NMI, in the idle task. The
// program waits for the host in each of them, as bounded as ever. Calls of one CPU nest: an interrupt that comes while
// a program waits reserves an entry of its own, the host serves that, and the outer wait goes on, with at most
// HT_WAIT_CLAMP_NS of the pause held against the host. The wait itself takes no lock, sleeps not, and hits no
// tracepoint; if the program comes upon its own tracepoint all the same, as a fault of one of its reads may, the kernel
// skips the inner one and counts it (recursion_misses, since Linux 6.1).
#include "copy.bpf.h"

#define HT_TRACEPOINT_FIRST 1024
#define HT_TRACEPOINT_NUMBERS 16384  // a power of two
__u8 armed[HT_TRACEPOINT_NUMBERS / 8];

SEC("ht_raw_tp")
int ht_tracepoint(struct bpf_raw_tracepoint_args *ctx) {
  __u64 number = ht_patched(HT_PATCH_PROBE);
  if (!HT_IS_ARMED(armed, number) || !ht_wanted()) return 0;
  struct ht_call call;
  struct ht_entry *entry = ht_begin(&call, bpf_get_current_task_btf(), number);
  if (!entry) return 0;
  __u64 count = ht_patched(HT_PATCH_ARG_COUNT);
  __u64 widths = ht_patched(HT_PATCH_ARG_WIDTHS);
  // The verifier knows `count`: what lies beyond is not even looked at, as the kernel demands.
#pragma unroll
  for (int i = 0; i < HT_ARGS; i++)
    if (i < count) entry->args[i] = ht_widen(ctx->args[i], i, widths);
  ht_make(&call, count, 0);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
