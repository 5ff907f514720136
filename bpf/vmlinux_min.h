// The few kernel structures that our programs look into, written by hand so that the build needs no kernel. Only names
// and types matter: offsets are patched at load time from the running kernel's own BTF (CO-RE).
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
// After the types that they use.
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
  unsigned long pgd;
} pgd_t;

struct mm_struct {
  pgd_t *pgd;
};

struct thread_info {
  __u32 status;
};

struct task_struct {
  struct thread_info thread_info;
  struct mm_struct *mm;
  struct task_struct *real_parent;
  int tgid;
};

struct pt_regs {
  unsigned long di, si, dx, cx, r10, r8, r9, ax, orig_ax, sp;
};

#pragma clang attribute pop
