// burst N [THREADS]: makes exactly N getppid system calls, shared out among the threads, and prints N.
// burst -t N [THREADS]: prints the nanoseconds that one call took instead (mean, wall clock).
//
// Nothing else in this program calls getppid, so a trace of it must count exactly N.
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "count.h"

enum { kMaxThreads = 256 };
static const char kUsage[] = "burst [-t] N [THREADS]";

static void *calls(void *arg) {
  for (long left = *(long *)arg; left > 0; left--) syscall(SYS_getppid);
  return NULL;
}

static long long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
  int timing = argc > 1 && strcmp(argv[1], "-t") == 0;
  argc -= timing, argv += timing;
  if (argc < 2 || argc > 3) {
    fprintf(stderr, "usage: %s\n", kUsage);
    return 2;
  }
  long n = count_or_die(argv[1], kUsage);
  long threads = argc > 2 ? count_or_die(argv[2], kUsage) : 1;
  if (threads < 1 || threads > kMaxThreads) {
    fprintf(stderr, "burst: 1 to %d threads\n", kMaxThreads);
    return 2;
  }

  pthread_t id[kMaxThreads];
  long share[kMaxThreads];
  long long start = now_ns();
  for (long i = 0; i < threads; i++) share[i] = n / threads + (i < n % threads);
  for (long i = 1; i < threads; i++)
    if (pthread_create(&id[i], NULL, calls, &share[i])) {
      fprintf(stderr, "burst: cannot start a thread\n");
      return 1;
    }
  calls(&share[0]);
  for (long i = 1; i < threads; i++) pthread_join(id[i], NULL);
  long long took = now_ns() - start;

  if (timing) printf("%.1f\n", n ? (double)took / (double)n : 0.0);
  else printf("%ld\n", n);
  return 0;
}
