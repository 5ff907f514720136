// forks N: N times over forks a child that executes /bin/true, and waits for it; prints N.
#include <sys/wait.h>
#include <unistd.h>

#include "count.h"

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: forks N\n");
    return 2;
  }
  long n = count_or_die(argv[1], "forks N");
  for (long i = 0; i < n; i++) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
      execl("/bin/true", "true", (char *)NULL);
      _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
      fprintf(stderr, "forks: child %ld failed\n", i);
      return 1;
    }
  }
  printf("%ld\n", n);
  return 0;
}
