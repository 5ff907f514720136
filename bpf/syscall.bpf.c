// The syscall provider: two programs for the whole machine, one at the entry and one at the return of every system
// call. Which calls are of interest is a table that the agent changes while they are attached.
//
// 32-bit calls (int 0x80, sysenter from a 32-bit task) have numbers of their own: 4 is write there and stat here. They
// are told apart by TS_COMPAT and left alone: a probe named after a 64-bit call fires for that call only.
#include "ring.bpf.h"

#define TS_COMPAT 0x0002
#define HT_SYSCALLS 512

enum { HT_ENTRY_BIT = 1, HT_RETURN_BIT = 2 };
// By system call number; written by the agent through its mapping.
__u8 armed[HT_SYSCALLS];

// A task in a 32-bit call is of no interest.
static __always_inline int in_64bit_call(struct task_struct *task) {
  return !(task->thread_info.status & TS_COMPAT);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(ht_sys_enter, struct pt_regs *regs, long id) {
  if ((__u64)id >= HT_SYSCALLS || !(armed[id] & HT_ENTRY_BIT)) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  if (!ht_wanted() || !in_64bit_call(task)) return 0;
  struct ht_call call;
  struct ht_entry *entry = ht_begin(&call, task, id * 2);
  if (!entry) return 0;
  entry->args[0] = regs->di;
  entry->args[1] = regs->si;
  entry->args[2] = regs->dx;
  entry->args[3] = regs->r10;
  entry->args[4] = regs->r8;
  entry->args[5] = regs->r9;
  ht_make(&call, 6, 0);
  return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(ht_sys_exit, struct pt_regs *regs, long ret) {
  __u64 id = regs->orig_ax;
  if (id >= HT_SYSCALLS || !(armed[id] & HT_RETURN_BIT)) return 0;
  struct task_struct *task = bpf_get_current_task_btf();
  if (!ht_wanted() || !in_64bit_call(task)) return 0;
  struct ht_call call;
  struct ht_entry *entry = ht_begin(&call, task, id * 2 + 1);
  if (!entry) return 0;
  entry->args[0] = entry->args[1] = ret;  // as in DTrace: arg0 and arg1 are the result
  ht_make(&call, 2, ret < 0 && ret >= -4095 ? -ret : 0);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
