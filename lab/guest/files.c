// files N: creates, writes, reads back and unlinks N files in /tmp, and prints N.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "count.h"

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: files N\n");
    return 2;
  }
  long n = count_or_die(argv[1], "files N");
  char path[64], text[64], back[64];
  for (long i = 0; i < n; i++) {
    snprintf(path, sizeof path, "/tmp/files.%d.%ld", (int)getpid(), i);
    int length = snprintf(text, sizeof text, "file %ld\n", i);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd < 0 || write(fd, text, (size_t)length) != length || lseek(fd, 0, SEEK_SET) != 0 ||
        read(fd, back, sizeof back) != length || memcmp(text, back, (size_t)length) != 0) {
      perror(path);
      return 1;
    }
    close(fd);
    if (unlink(path) < 0) {
      perror(path);
      return 1;
    }
  }
  printf("%ld\n", n);
  return 0;
}
