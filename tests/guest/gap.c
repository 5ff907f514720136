// gap SECONDS: calls getppid for that long and prints the longest time, in microseconds, between two returns, and how
// many calls were made. The witness for "the guest goes on".
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
  long long end = now_ns() + 1000000000LL * (argc > 1 ? atoi(argv[1]) : 1);
  long long last = now_ns(), longest = 0, calls = 0;
  while (last < end) {
    syscall(SYS_getppid);
    long long t = now_ns();
    if (t - last > longest) longest = t - last;
    last = t;
    calls++;
  }
  printf("%lld %lld\n", longest / 1000, calls);
  return 0;
}
