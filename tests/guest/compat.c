// compat N: makes N system calls of number 64 through int 0x80, which is getppid in the 32-bit table and semget in the
// 64-bit one. A probe on either 64-bit call must not see them. Prints N.
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 1;
  for (long i = 0; i < n; i++) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(64L) : "r8", "r9", "r10", "r11", "memory");
    if (result <= 0) return 1;  // not getppid: this kernel has no 32-bit calls
  }
  printf("%ld\n", n);
  return 0;
}
