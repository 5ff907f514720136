// The fbt provider: the entry and the return of kernel functions. An armed probe has a copy of its own of a program for
// the function's trampoline (fentry, fexit), or, where the kernel makes no trampoline for that function, it is one of
// many to which one kprobe or kretprobe program is attached.
//
// As in bpf/tracepoint.bpf.c, programs wait in any context, and calls of one CPU nest. Trampolines' programs nest freely
// too: only a copy that is running already is skipped, and that is counted (recursion_misses). Of kprobe programs the
// kernel runs one at a time on each CPU: what fires inside is skipped, and counted only since Linux 6.7.
#include "copy.bpf.h"

#define HT_FBT_NUMBERS (1 << 20)  // a power of two
__u8 armed[HT_FBT_NUMBERS / 8];

#define HT_FBT_REGISTERS 6  // arguments that are passed in registers

SEC("ht_fentry")
int ht_fbt_entry(__u64 *ctx) {
  __u64 number = ht_patched(HT_PATCH_PROBE);
  if (!HT_IS_ARMED(armed, number) || !ht_wanted()) return 0;
  struct ht_call call;
  struct ht_entry *entry = ht_begin(&call, bpf_get_current_task_btf(), number);
  if (!entry) return 0;
  __u64 count = ht_patched(HT_PATCH_ARG_COUNT);
  __u64 widths = ht_patched(HT_PATCH_ARG_WIDTHS);
#pragma unroll
  for (int i = 0; i < HT_ARGS; i++) {
    if (i >= count) continue;
    __u64 value = 0;
    bpf_get_func_arg(ctx, i, &value);
    entry->args[i] = ht_widen(value, i, widths);
  }
  ht_make(&call, count, 0);
  return 0;
}

// arg0: where in the function it returned, which is not known; arg1: the result, 0 if it has none.
static __always_inline void ht_returned(struct ht_call *call, __u64 result) {
  call->entry->args[0] = 0;
  call->entry->args[1] = result;
  ht_make(call, 2, 0);
}

SEC("ht_fexit")
int ht_fbt_return(__u64 *ctx) {
  __u64 number = ht_patched(HT_PATCH_PROBE);
  if (!HT_IS_ARMED(armed, number) || !ht_wanted()) return 0;
  struct ht_call call;
  if (!ht_begin(&call, bpf_get_current_task_btf(), number)) return 0;
  __u64 result = 0;
  if (ht_patched(HT_PATCH_ARG_COUNT)) {
    bpf_get_func_ret(ctx, &result);
    result = ht_widen(result, 0, ht_patched(HT_PATCH_ARG_WIDTHS));
  }
  ht_returned(&call, result);
  return 0;
}

SEC("kprobe")
int ht_fbt_kentry(struct pt_regs *ctx) {
  __u64 cookie = bpf_get_attach_cookie(ctx);
  __u64 number = HT_COOKIE_PROBE(cookie);
  if (!HT_IS_ARMED(armed, number) || !ht_wanted()) return 0;
  struct ht_call call;
  struct ht_entry *entry = ht_begin(&call, bpf_get_current_task_btf(), number);
  if (!entry) return 0;
  __u64 count = HT_COOKIE_ARG_COUNT(cookie);
  __u64 widths = HT_COOKIE_ARG_WIDTHS(cookie);
  if (count > HT_ARGS) count = HT_ARGS;
  entry->args[0] = ht_widen(ctx->di, 0, widths);
  entry->args[1] = ht_widen(ctx->si, 1, widths);
  entry->args[2] = ht_widen(ctx->dx, 2, widths);
  entry->args[3] = ht_widen(ctx->cx, 3, widths);
  entry->args[4] = ht_widen(ctx->r8, 4, widths);
  entry->args[5] = ht_widen(ctx->r9, 5, widths);
  if (count > HT_FBT_REGISTERS) {
    __u64 stack[HT_ARGS - HT_FBT_REGISTERS] = {};
    bpf_probe_read_kernel(stack, sizeof(stack), (void *)(ctx->sp + 8));  // above the address to return to
#pragma unroll
    for (int i = HT_FBT_REGISTERS; i < HT_ARGS; i++)
      entry->args[i] = ht_widen(stack[i - HT_FBT_REGISTERS], i, widths);
  }
  ht_make(&call, count, 0);
  return 0;
}

SEC("kretprobe")
int ht_fbt_kreturn(struct pt_regs *ctx) {
  __u64 cookie = bpf_get_attach_cookie(ctx);
  __u64 number = HT_COOKIE_PROBE(cookie);
  if (!HT_IS_ARMED(armed, number) || !ht_wanted()) return 0;
  struct ht_call call;
  if (!ht_begin(&call, bpf_get_current_task_btf(), number)) return 0;
  __u64 result = HT_COOKIE_ARG_COUNT(cookie) ? ht_widen(ctx->ax, 0, HT_COOKIE_ARG_WIDTHS(cookie)) : 0;
  ht_returned(&call, result);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
