// sleeper [N]: sleeps 10 ms at a time, N times (then prints N), or until it is killed.
#include <time.h>

#include "count.h"

int main(int argc, char **argv) {
  if (argc > 2) {
    fprintf(stderr, "usage: sleeper [N]\n");
    return 2;
  }
  long n = argc > 1 ? count_or_die(argv[1], "sleeper [N]") : -1;
  struct timespec nap = {0, 10 * 1000 * 1000};
  for (long i = 0; i != n; i++) nanosleep(&nap, NULL);
  printf("%ld\n", n);
  return 0;
}
