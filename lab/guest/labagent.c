// The guest's end of `lab exec`: runs one command at a time for each of the lab's virtio ports.
//
// The lab gives a guest several ports (org.hypertrace.lab.0, .1, ...). One worker process serves each
// port, so commands run side by side without any multiplexing: the host takes a port that is free.
//
// On the wire:
//   host:  HELLO(16) nonce(16)                        begins a session; ends and kills the one before
//   guest: READY(16) nonce(16) boot_id(36)            same nonce: what follows belongs to this session
//   then frames both ways: type(1) length(4, little endian) payload
//   host:  'X' arguments, each ended by a NUL         run this; once in a session
//          'I' bytes for its standard input, none = end of input
//   guest: '1' standard output, '2' standard error, 'E' exit status (1 byte), the last frame
// A READY with a nonce of zeros is sent once the agent has started and sees a host: to a host that is in the middle of a
// session it says that the guest was restarted. Host and guest find the start of a session by looking
// for its first 16 bytes, so whatever an earlier, broken session left in the pipe does no harm.
//
// When the host closes its end (^C, kill -9, a crash) the port reports a hang-up, and the process group
// of the running command is killed. Commands that ended by themselves may leave background processes.
// The driver learns of hosts coming and going by another queue than that of the data, and data overtakes
// it: a HELLO may come before its host is "connected", and the hang-up of the last host after it. Hence a
// hang-up counts only if it lasts (gone()), and a HELLO is kept until there is somebody to answer.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kMagic = 16, kNonce = 16, kBootId = 36, kHeader = 5, kMaxFrame = 65536, kMaxArgs = 4096 };
enum { kGoneMs = 150 };

static const char kHello[kMagic + 1] = "HTLAB-HELLO-v1\r\n";
static const char kReady[kMagic + 1] = "HTLAB-READY-v1\r\n";
static const char kPortDir[] = "/dev/virtio-ports";
static const char kPortPrefix[] = "org.hypertrace.lab.";

struct port {
  int fd;
  int edge;  // epoll set that wakes on a *change* of the port: poll() would spin while nobody is there
  int announced;  // the READY of this start of the agent has been sent
  size_t used;
  unsigned char in[kHeader + kMaxFrame];
};

enum end { kLost, kDone, kNewHello };  // host gone; session complete; another HELLO came instead

static void fail(const char *what) {
  fprintf(stderr, "labagent: %s: %s\n", what, strerror(errno));
  _exit(1);
}

static int hung_up(struct port *p) {
  struct pollfd f = {.fd = p->fd};
  return poll(&f, 1, 0) > 0 && (f.revents & (POLLHUP | POLLERR));
}

static long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

// Whether the host has left, as against a late report that the one before it left.
static int gone(struct port *p) {
  struct epoll_event e;
  for (long long end = now_ms() + kGoneMs, left; hung_up(p); epoll_wait(p->edge, &e, 1, (int)left))
    if ((left = end - now_ms()) <= 0) return 1;
  return 0;
}

// Sends all of it, or returns -1 because the host is gone. Never blocks in write(): the driver would
// then spin, or sleep until some later host connects.
static int send_all(struct port *p, const void *data, size_t n) {
  const char *at = data;
  while (n > 0) {
    struct pollfd f = {.fd = p->fd, .events = POLLOUT};
    if (poll(&f, 1, -1) < 0 && errno != EINTR) return -1;
    if (f.revents & (POLLHUP | POLLERR)) {
      if (gone(p)) return -1;
      continue;
    }
    ssize_t sent = write(p->fd, at, n);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return -1;
    if (sent > 0) at += sent, n -= (size_t)sent;
  }
  return 0;
}

static int send_frame(struct port *p, char type, const void *data, uint32_t n) {
  unsigned char frame[kHeader + 16384] = {(unsigned char)type, n, n >> 8, n >> 16, n >> 24};
  memcpy(frame + kHeader, data, n);
  return send_all(p, frame, kHeader + n);
}

static int send_ready(struct port *p, const unsigned char *nonce) {
  unsigned char ready[kMagic + kNonce + kBootId] = {0};
  memcpy(ready, kReady, kMagic);
  if (nonce) memcpy(ready + kMagic, nonce, kNonce);
  int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, ready + kMagic + kNonce, kBootId) != kBootId) return -1;
  close(fd);
  p->announced = 1;
  return send_all(p, ready, sizeof ready);
}

static void consume(struct port *p, size_t n) {
  p->used -= n;
  memmove(p->in, p->in + n, p->used);
}

// Reads what there is. Returns 0 when nothing more can be had now.
static int fill(struct port *p) {
  ssize_t n = read(p->fd, p->in + p->used, sizeof p->in - p->used);
  if (n <= 0) return 0;
  p->used += (size_t)n;
  return 1;
}

// Waits, however long, for a HELLO, and answers it. Returns -1 when the host left meanwhile.
static int accept_session(struct port *p) {
  for (;;) {
    unsigned char *hello = memmem(p->in, p->used, kHello, kMagic);
    if (hello) consume(p, (size_t)(hello - p->in));
    if (hello && p->used >= kMagic + kNonce && !hung_up(p)) {
      unsigned char nonce[kNonce];
      memcpy(nonce, p->in + kMagic, kNonce);
      consume(p, kMagic + kNonce);
      return send_ready(p, nonce);
    }
    if (!hello && p->used >= kMagic) consume(p, p->used - (kMagic - 1));
    if (!fill(p)) {
      struct epoll_event e;
      if (!p->announced && !hung_up(p)) send_ready(p, NULL);
      while (epoll_wait(p->edge, &e, 1, -1) < 0 && errno == EINTR) continue;
    }
  }
}

static uint32_t frame_length(const struct port *p) {
  return p->in[1] | p->in[2] << 8 | p->in[3] << 16 | (uint32_t)p->in[4] << 24;
}

// 1: a whole frame is at the start of the buffer; 0: not yet; -1: this is no frame.
static int have_frame(const struct port *p) {
  if (p->used < kHeader) return 0;
  if ((p->in[0] != 'X' && p->in[0] != 'I') || frame_length(p) > kMaxFrame) return -1;
  return p->used >= kHeader + frame_length(p);
}

struct child {
  pid_t pid;
  int pidfd, in, out, err;
};

static void become(char **argv, int in, int out, int err) {
  setsid();
  dup2(in, 0), dup2(out, 1), dup2(err, 2);
  signal(SIGPIPE, SIG_DFL);
  if (chdir("/root") < 0) chdir("/");
  execvp(argv[0], argv);
  fprintf(stderr, "lab: cannot run %s: %s\n", argv[0], strerror(errno));
  _exit(errno == ENOENT ? 127 : 126);
}

static int spawn(struct child *c, char *args, size_t n) {
  static char *argv[kMaxArgs + 1];
  int argc = 0, in[2], out[2], err[2];
  for (size_t at = 0; at < n && argc < kMaxArgs; at += strlen(args + at) + 1) argv[argc++] = args + at;
  argv[argc] = NULL;
  if (argc == 0 || args[n - 1] != 0) return -1;
  if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) fail("pipe");
  c->pid = fork();
  if (c->pid < 0) fail("fork");
  if (c->pid == 0) become(argv, in[0], out[1], err[1]);
  close(in[0]), close(out[1]), close(err[1]);
  c->in = in[1], c->out = out[0], c->err = err[0];
  fcntl(c->in, F_SETFL, O_NONBLOCK), fcntl(c->out, F_SETFL, O_NONBLOCK), fcntl(c->err, F_SETFL, O_NONBLOCK);
  c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
  if (c->pidfd < 0) fail("pidfd_open");
  return 0;
}

static void shut(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

// Passes on one read's worth. Returns -1 if the host is gone, 0 if there was nothing, 1 if there was.
static int relay(struct port *p, int *fd, char type) {
  char data[16384];
  if (*fd < 0) return 0;
  ssize_t n = read(*fd, data, sizeof data);
  if (n < 0) return 0;
  if (n == 0) {
    shut(fd);
    return 0;
  }
  return send_frame(p, type, data, (uint32_t)n) < 0 ? -1 : 1;
}

// Gives the child what the frame at the start of the buffer still holds. Returns 1 once it is used up.
static int feed(struct port *p, struct child *c, uint32_t *fed) {
  uint32_t n = frame_length(p);
  if (n == 0) shut(&c->in);
  while (c->in >= 0 && *fed < n) {
    ssize_t w = write(c->in, p->in + kHeader + *fed, n - *fed);
    if (w < 0 && errno == EAGAIN) return 0;
    if (w < 0) shut(&c->in);
    else *fed += (uint32_t)w;
  }
  *fed = 0;
  consume(p, kHeader + n);
  return 1;
}

// Moves bytes until the child has ended or the host is gone.
static enum end attend(struct port *p, struct child *c) {
  uint32_t fed = 0;
  for (;;) {
    int frame = have_frame(p);
    while (frame == 1 && feed(p, c, &fed)) frame = have_frame(p);
    if (frame < 0) return kNewHello;
    struct pollfd f[] = {
        {.fd = p->fd, .events = frame ? 0 : POLLIN},  // a waiting frame is back-pressure on the host
        {.fd = c->pidfd, .events = POLLIN},
        {.fd = c->out, .events = POLLIN},
        {.fd = c->err, .events = POLLIN},
        {.fd = frame ? c->in : -1, .events = POLLOUT},
    };
    if (poll(f, 5, -1) < 0 && errno != EINTR) fail("poll");
    if ((f[0].revents & (POLLHUP | POLLERR)) && gone(p)) return kLost;
    if (f[0].revents & POLLIN) fill(p);
    if (f[2].revents && relay(p, &c->out, '1') < 0) return kLost;
    if (f[3].revents && relay(p, &c->err, '2') < 0) return kLost;
    if (f[1].revents) return kDone;
  }
}

// The child has ended: what it wrote is all in the pipes by now, and is sent before its status.
static void report(struct port *p, struct child *c, int status) {
  int more = 1;
  // A background process may hold the pipe and write for ever: a pipe holds at most 64 KiB of the past.
  for (int left = 64; left > 0 && (more = relay(p, &c->out, '1')) > 0;) left--;
  for (int left = 64; more >= 0 && left > 0 && (more = relay(p, &c->err, '2')) > 0;) left--;
  unsigned char code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  if (more >= 0) send_frame(p, 'E', &code, 1);
}

static void run_session(struct port *p) {
  struct child c;
  int frame;
  while ((frame = have_frame(p)) == 0) {
    struct pollfd f = {.fd = p->fd, .events = POLLIN};
    if (poll(&f, 1, -1) > 0 && (f.revents & (POLLHUP | POLLERR)) && gone(p)) return;
    fill(p);
  }
  if (frame < 0 || p->in[0] != 'X') return;
  static char args[kMaxFrame];
  uint32_t n = frame_length(p);
  memcpy(args, p->in + kHeader, n);
  consume(p, kHeader + n);
  if (spawn(&c, args, n) < 0) return;

  enum end how = attend(p, &c);
  if (how != kDone) kill(-c.pid, SIGKILL), kill(c.pid, SIGKILL);  // the second: it may not have reached setsid
  int status = 0;
  while (waitpid(c.pid, &status, 0) < 0 && errno == EINTR) continue;
  if (how == kDone) report(p, &c, status);
  shut(&c.in), shut(&c.out), shut(&c.err), shut(&c.pidfd);
}

static void serve(const char *path) {
  static struct port p;
  p.fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (p.fd < 0) fail(path);
  p.edge = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET};  // "connected" shows as EPOLLOUT
  if (p.edge < 0 || epoll_ctl(p.edge, EPOLL_CTL_ADD, p.fd, &e) < 0) fail("epoll");
  signal(SIGPIPE, SIG_IGN);
  for (;;)
    if (accept_session(&p) == 0) run_session(&p);
}

int main(void) {
  char path[64][320];
  pid_t worker[64];
  int n = 0;
  DIR *dir = opendir(kPortDir);
  if (!dir) fail(kPortDir);
  for (struct dirent *d; (d = readdir(dir)) && n < 64;)
    if (strncmp(d->d_name, kPortPrefix, sizeof kPortPrefix - 1) == 0)
      snprintf(path[n++], sizeof path[0], "%s/%s", kPortDir, d->d_name);
  closedir(dir);
  if (n == 0) fprintf(stderr, "labagent: no port named %s*\n", kPortPrefix);

  setenv("PATH", "/usr/local/bin:/bin:/sbin:/usr/bin:/usr/sbin:/usr/local/sbin", 1);
  setenv("HOME", "/root", 1);
  for (int i = 0; i < n; i++) worker[i] = 0;
  for (;;) {
    for (int i = 0; i < n; i++)
      if (worker[i] == 0 && (worker[i] = fork()) == 0) serve(path[i]);
    pid_t gone = wait(NULL);
    for (int i = 0; i < n; i++)
      if (worker[i] == gone) worker[i] = 0;
    sleep(1);  // a worker that dies at once must not become a fork storm
  }
}
