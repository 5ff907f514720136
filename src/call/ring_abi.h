// The ring: the memory through which a guest calls the host. One C header, shared by the guest's eBPF programs (bpf/),
// the guest's agent (src/agent) and the host's poller (src/call).
//
// THE PICTURE. A guest has one ring per possible CPU. All of them are one BPF array map made with BPF_F_MMAPABLE, one
// element per CPU; the value size is a multiple of 4096, so every ring begins on a page. The pages are ordinary
// unmovable pages of the guest kernel, not contiguous in guest physical memory; the agent tells the host where each of
// them is.
//
//      page 0: header                                pages 1..: entries, 16 to a page
//     +---------------------------------------+     +------------------+------------------+--
//     | identity  magic, version, cpu, nonce  |     | entry 0  256 B   | entry 1          | ...
//     | head      next reservation            |     +------------------+------------------+--
//     | losses    counted by the guest        |       word: generation + sequence + state
//     | host      presence and heartbeat      |       what fired: probe, args, task, comm, ...
//     | breaker   (in ring 0, for the guest)  |       room for memory on demand
//     +---------------------------------------+
//
// WHO WRITES WHAT
//   identity    the agent, once, before any program is attached; at the end it wipes it. Host: reads, never trusts.
//   head        the guest's programs, by atomic increment. Host: reads.
//   losses      the guest's programs, by atomic add. Host: reads.
//   host        the host, by compare-and-swap only. Guest: reads.
//   breaker     the guest's programs and the agent. Only the one in the first ring is used. Host: may read.
//   entry       the guest while its state is FREE or WRITING; nobody while POSTED; the host only reads while RUNNING.
//   entry.word  both, by compare-and-swap (below).
//
// AN ENTRY'S LIFE. `word` is one 64-bit number: generation (from the nonce) + sequence * 256 + state. The sequence is
// the number that the reservation drew from `head`; the entry is sequence % HT_RING_ENTRIES.
//
//              guest               guest              host              host               guest
//      FREE ----------> WRITING ----------> POSTED ----------> RUNNING ----------> DONE ----------> FREE
//      (of any older     fills in              |                  |   asynchronous: RUNNING ------> FREE by the host
//       sequence)                              |                  |
//                                              +--> FREE          +--> FREE      abandoned by the guest at time-out
//
//   * FREE -> WRITING is a compare-and-swap: a nested call (softirq, hardirq, NMI) never gets the same entry.
//     If the entry is in use the reservation is burnt and the next one is tried; after HT_RESERVE_TRIES, `ring_full`.
//   * WRITING -> POSTED is an atomic exchange, a full barrier: whoever reads POSTED may read the rest of the entry.
//   * POSTED -> RUNNING is the host's claim. From here to DONE the guest does not touch the entry, so the host
//     copies it out, checks the copy and runs the copy. (A hostile guest may touch it; that is why there is a copy.)
//   * RUNNING -> DONE is the host's last access. A waiting guest that reads DONE owns the entry and makes it FREE.
//   * At time-out the guest tries POSTED -> FREE. If that fails the host has claimed it: the guest waits as long once
//     more, then tries RUNNING -> FREE; the host's late RUNNING -> DONE fails and harms nobody.
//   * Because every transition names the full old word, a transition on a page that has become something else, or on an
//     entry that has been reserved again, fails. In addition the host compares the nonce in the header before each
//     write. The host writes nothing but the words and the heartbeat, and each of them by compare-and-swap.
//
// WHAT THE HOST MAY ASSUME: nothing. Any byte may change at any time. WHAT THE GUEST MAY ASSUME: the host may stop
// answering at any time. So the wait is bounded, by time and by iterations; after HT_BREAKER_TRIP time-outs in a row,
// on whatever CPUs, the breaker trips and no call is made any more, only counted, until the agent arms again or the
// host's heartbeat shows that somebody polls. Each trip makes the next recovery wait for twice as many beats, so that a
// host that is alive but too slow does not keep costing the guest time.
//
// BEFORE AND AFTER. The host word of the first ring says whether there is a host at all. The agent makes it ABSENT; the
// host's first beat makes it PRESENT, and a host that leaves in good order makes it ABSENT again, before it lets the
// waiting calls go. While it is ABSENT no call is made and none is counted: nobody has asked for it yet, or any more.
//
// TIME. The guest sums the time between two looks at its clock, and counts at most HT_WAIT_CLAMP_NS of each: when the
// whole machine stands still, guest and host together, the pause is not held against the host.
//
// MEMORY ON DEMAND (reserved in this version). While RUNNING the host may ask for bytes of the guest: it fills
// `request` and moves RUNNING -> ASKING; the waiting program reads them into `data`, sets `request.status` and moves
// ASKING -> RUNNING, from where the host goes on. Version 1 programs never see ASKING, because a version 1 host never
// writes it.
#pragma once

#if defined(__bpf__)
typedef __u8 uint8_t;
typedef __u32 uint32_t;
typedef __u64 uint64_t;
typedef __s32 int32_t;
#else
#include <stddef.h>
#include <stdint.h>
#endif

#define HT_RING_MAGIC 0x31474e4952505948ull  // "HYPRING1"
#define HT_RING_ABI 1u
#define HT_PAGE_SIZE 4096u
#define HT_RING_ENTRIES 64u  // a power of two
#define HT_ENTRY_SIZE 256u
#define HT_ENTRIES_PER_PAGE (HT_PAGE_SIZE / HT_ENTRY_SIZE)
#define HT_RING_PAGES (1u + HT_RING_ENTRIES / HT_ENTRIES_PER_PAGE)
#define HT_RESERVE_TRIES 4
#define HT_ARGS 10
#define HT_DATA_BYTES 80

#define HT_WAIT_NS 10000000ull         // the usual wait_ns
#define HT_WAIT_CLAMP_NS 1000000ull    // the most that one look at the clock may add
#define HT_WAIT_ITERATIONS (1u << 23)  // the kernel's own bound for bpf_loop
#define HT_WAIT_CLOCK_EVERY 256u       // iterations between two looks at the clock; a power of two
#define HT_BREAKER_TRIP 2u
#define HT_BEAT_NS 10000000ull   // the host's heartbeat
#define HT_BREAKER_BEATS 8u      // beats until the breaker's first recovery; doubles with each trip ...
#define HT_BREAKER_DOUBLINGS 8u  // ... this many times

enum ht_state {
  HT_FREE = 0,
  HT_WRITING = 1,
  HT_POSTED = 2,
  HT_RUNNING = 3,
  HT_DONE = 4,
  HT_ASKING = 5,  // reserved: memory on demand
};
#define HT_STATE_BITS 8

enum ht_host { HT_HOST_PRESENT = 0, HT_HOST_ABSENT = 1 };

enum ht_entry_flag {
  HT_ENTRY_ASYNC = 1u,   // nobody waits: the host frees the entry
  HT_ENTRY_COMPAT = 2u,  // the task is in a 32-bit system call
};

// Reserved: memory on demand.
enum ht_request_kind { HT_REQUEST_NONE = 0, HT_REQUEST_KERNEL = 1, HT_REQUEST_USER = 2 };
struct ht_request {
  uint64_t address;
  uint32_t length;  // bytes, at most HT_DATA_BYTES
  uint8_t kind;     // ht_request_kind
  uint8_t status;   // 0: the bytes are in `data`
  uint8_t reserved[2];
};

// A call of up to six arguments touches two cache lines: what is not needed is not written and not read.
struct ht_entry {
  uint64_t word;
  uint32_t probe;  // the agent's number
  uint32_t flags;  // ht_entry_flag
  uint32_t cpu;    // must be the ring's
  uint32_t pid;    // tgid
  uint32_t tid;
  uint32_t ppid;  // real parent's tgid
  uint32_t uid;
  uint32_t gid;
  int32_t error;       // D's errno
  uint32_t arg_count;  // how many of args were written; the others are zero, whatever is there
  uint64_t task;       // address of struct task_struct
  uint64_t pgd;        // task->mm->pgd, 0 for a kernel thread
  char comm[16];
  uint64_t args[HT_ARGS];
  struct ht_request request;
  uint8_t data[HT_DATA_BYTES];
};

// Lines of 64 bytes, each with one writer.
struct ht_ring_header {
  struct {
    uint64_t magic;
    uint32_t abi;
    uint32_t cpu;
    uint32_t entry_count;
    uint32_t entry_size;
    uint8_t nonce[16];    // chosen by the host
    uint64_t generation;  // ht_generation(nonce)
    uint64_t wait_ns;     // how long one wait may last; a call waits at most twice
    uint64_t zero;        // always 0: for the guest's programs, a 0 that the verifier does not know
  } identity;
  struct {
    uint64_t head;  // the next reservation's sequence
    uint8_t pad[56];
  } reservation;
  struct {
    uint64_t ring_full;  // calls not made: no free entry
    uint64_t timed_out;  // calls abandoned before the host claimed them
    uint64_t breaker;    // calls not made: the breaker had tripped
    uint64_t late;       // calls the host ran, but the guest had stopped waiting: not lost
    uint8_t pad[32];
  } losses;
  struct {
    uint64_t heartbeat;  // generation + beats * 256 + ht_host; only in the first ring
    uint8_t pad[56];
  } host;
  struct {
    uint32_t time_outs;  // in a row
    uint32_t tripped;    // 1: no calls are made
    uint64_t trips;
    uint64_t recover_at;  // the heartbeat from which calls are made again
    uint8_t pad[40];
  } breaker;
  uint8_t pad[HT_PAGE_SIZE - 5 * 64];
};

struct ht_ring {
  struct ht_ring_header header;
  struct ht_entry entries[HT_RING_ENTRIES];
};

// 64 random bits with room for the state: the low eight bits are zero.
static inline uint64_t ht_generation(const uint8_t* nonce) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; i--) value = value << 8 | nonce[i];
  return value & ~((1ull << HT_STATE_BITS) - 1);
}
static inline uint64_t ht_word(uint64_t generation, uint64_t sequence, uint64_t state) {
  return generation + (sequence << HT_STATE_BITS) + state;
}
static inline uint64_t ht_word_state(uint64_t word) {
  return word & ((1ull << HT_STATE_BITS) - 1);
}
// The sequence's low 56 bits.
static inline uint64_t ht_word_sequence(uint64_t generation, uint64_t word) {
  return (word - generation) >> HT_STATE_BITS;
}

#ifdef __cplusplus
static_assert(sizeof(ht_entry) == HT_ENTRY_SIZE && HT_PAGE_SIZE % HT_ENTRY_SIZE == 0, "entries never straddle a page");
static_assert(offsetof(ht_entry, word) == 0 && offsetof(ht_entry, probe) == 8 && offsetof(ht_entry, flags) == 12);
static_assert(offsetof(ht_entry, cpu) == 16 && offsetof(ht_entry, pid) == 20 && offsetof(ht_entry, tid) == 24);
static_assert(offsetof(ht_entry, ppid) == 28 && offsetof(ht_entry, uid) == 32 && offsetof(ht_entry, gid) == 36);
static_assert(offsetof(ht_entry, error) == 40 && offsetof(ht_entry, arg_count) == 44);
static_assert(offsetof(ht_entry, task) == 48 && offsetof(ht_entry, pgd) == 56);
static_assert(offsetof(ht_entry, comm) == 64 && offsetof(ht_entry, args) == 80);
static_assert(offsetof(ht_entry, request) == 160 && offsetof(ht_entry, data) == 176);
static_assert(sizeof(ht_request) == 16 && offsetof(ht_request, length) == 8 && offsetof(ht_request, kind) == 12);
static_assert(sizeof(ht_ring_header) == HT_PAGE_SIZE);
static_assert(offsetof(ht_ring_header, identity.magic) == 0 && offsetof(ht_ring_header, identity.abi) == 8);
static_assert(offsetof(ht_ring_header, identity.cpu) == 12 && offsetof(ht_ring_header, identity.entry_count) == 16);
static_assert(offsetof(ht_ring_header, identity.entry_size) == 20 && offsetof(ht_ring_header, identity.nonce) == 24);
static_assert(offsetof(ht_ring_header, identity.generation) == 40 && offsetof(ht_ring_header, identity.wait_ns) == 48);
static_assert(offsetof(ht_ring_header, reservation) == 64 && offsetof(ht_ring_header, losses) == 128);
static_assert(offsetof(ht_ring_header, losses.ring_full) == 128 && offsetof(ht_ring_header, losses.timed_out) == 136);
static_assert(offsetof(ht_ring_header, losses.breaker) == 144 && offsetof(ht_ring_header, losses.late) == 152);
static_assert(offsetof(ht_ring_header, host) == 192 && offsetof(ht_ring_header, breaker) == 256);
static_assert(offsetof(ht_ring_header, breaker.time_outs) == 256 && offsetof(ht_ring_header, breaker.tripped) == 260);
static_assert(offsetof(ht_ring_header, breaker.trips) == 264 && offsetof(ht_ring_header, breaker.recover_at) == 272);
static_assert(offsetof(ht_ring, entries) == HT_PAGE_SIZE && sizeof(ht_ring) == HT_RING_PAGES * HT_PAGE_SIZE);
static_assert((HT_RING_ENTRIES & (HT_RING_ENTRIES - 1)) == 0);
#endif
