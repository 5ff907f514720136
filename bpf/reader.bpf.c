// Reads kernel memory for the agent, when run with BPF_PROG_RUN: where the page tables are, what the system call table
// holds. Never attached to anything.
#include "vmlinux_min.h"

#define READER_BYTES 8192

__u64 address;
__u32 size;
long status;
__u8 data[READER_BYTES];

SEC("syscall")
int ht_read_kernel(void *ctx) {
  __u32 bytes = size;
  if (bytes > READER_BYTES) bytes = READER_BYTES;
  status = bpf_probe_read_kernel(data, bytes, (const void *)address);
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
