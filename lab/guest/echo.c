// udpecho | tcpecho [-d] [N]: echo what comes to 127.0.0.1, port 7007, until N packets (for ever
//   without N). With -d it goes to the background once it listens, so a sender started after it returned
//   always finds it.
// udpsend | tcpsend N: send N packets of 64 bytes, one at a time, each after the echo of the last, and
//   print how many came back.
// One program: the name by which it is run says which of the four it is.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "count.h"

enum { kPort = 7007, kPacket = 64 };

static _Noreturn void die(const char *what) {
  perror(what);
  exit(1);
}

static int whole_read(int fd, char *at, int n) {
  for (int got = 0; got < n;) {
    ssize_t r = read(fd, at + got, (size_t)(n - got));
    if (r <= 0) return 0;
    got += (int)r;
  }
  return 1;
}

static void echo_udp(int fd, long n) {
  char packet[2048];
  for (long i = 0; i != n; i++) {
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    ssize_t got = recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &size);
    if (got < 0) die("recvfrom");
    if (sendto(fd, packet, (size_t)got, 0, (struct sockaddr *)&from, size) != got) die("sendto");
  }
}

static void echo_tcp(int listener, long n) {
  char packet[kPacket];
  for (long i = 0; i != n;) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) die("accept");
    for (; i != n && whole_read(fd, packet, kPacket); i++)
      if (write(fd, packet, kPacket) != kPacket) break;
    close(fd);
  }
}

static long send_packets(int fd, long n) {
  char packet[kPacket], back[kPacket];
  struct timeval limit = {5, 0};
  long echoed = 0;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  for (long i = 0; i < n; i++) {
    memset(packet, 'a' + (int)(i % 26), kPacket);
    if (write(fd, packet, kPacket) != kPacket || !whole_read(fd, back, kPacket)) break;
    echoed += memcmp(packet, back, kPacket) == 0;
  }
  return echoed;
}

int main(int argc, char **argv) {
  const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
  int tcp = name[0] == 't', sending = strlen(name) == 7 && strcmp(name + 3, "send") == 0;
  const char *usage = sending ? "udpsend|tcpsend N" : "udpecho|tcpecho [-d] [N]";
  int background = !sending && argc > 1 && strcmp(argv[1], "-d") == 0;
  argc -= background, argv += background;
  if (argc > 2 || (sending && argc != 2)) {
    fprintf(stderr, "usage: %s\n", usage);
    return 2;
  }
  long n = argc > 1 ? count_or_die(argv[1], usage) : -1;

  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(kPort)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int on = 1, fd = socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  if (tcp) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

  if (sending) {
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) die("connect");
    long echoed = send_packets(fd, n);
    printf("%ld\n", echoed);
    return echoed == n ? 0 : 1;
  }
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&to, sizeof to) < 0) die("bind");
  if (tcp && listen(fd, 8) < 0) die("listen");
  if (background && daemon(0, 0) < 0) die("daemon");
  if (tcp) echo_tcp(fd, n);
  else echo_udp(fd, n);
  return 0;
}
