// count-attach CALL: attaches an eBPF program that only counts that system call's entries (bpf/count.bpf.c), says so,
// and stays until it gets a line or the end of its standard input; then prints how many it saw. CALL is a number. Runs
// in a guest, pushed there by bench/probe-cost: the least that any eBPF probe can cost.
#include <stdio.h>
#include <stdlib.h>

#include "count.skel.h"

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: count-attach SYSCALL-NUMBER\n");
    return 2;
  }
  struct count_bpf *programs = count_bpf__open();
  if (!programs) return 1;
  programs->rodata->counted = atol(argv[1]);
  if (count_bpf__load(programs) || count_bpf__attach(programs)) {
    fprintf(stderr, "count-attach: the kernel does not take the program\n");
    return 1;
  }
  puts("attached");
  fflush(stdout);
  getchar();

  unsigned long long total = 0;
  int cpus = libbpf_num_possible_cpus();
  unsigned long long *counts = calloc(cpus > 0 ? cpus : 1, sizeof(*counts));
  unsigned int zero = 0;
  if (counts && !bpf_map__lookup_elem(programs->maps.counts, &zero, sizeof(zero), counts, cpus * sizeof(*counts), 0))
    for (int i = 0; i < cpus; i++) total += counts[i];
  printf("%llu\n", total);
  free(counts);
  count_bpf__destroy(programs);
  return 0;
}
