// Shared by the workloads: reading a count from the command line.
#pragma once
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static inline long count_or_die(const char *text, const char *usage) {
  char *end;
  errno = 0;
  long n = strtol(text, &end, 10);
  if (errno || end == text || *end || n < 0) {
    fprintf(stderr, "not a count: %s\nusage: %s\n", text, usage);
    exit(2);
  }
  return n;
}
