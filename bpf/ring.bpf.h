// The guest's side of a call: reserve an entry of this CPU's ring, fill it in, post it, wait. The protocol and the
// reasons for each step are in src/call/ring_abi.h.
#pragma once

#include "vmlinux_min.h"

#include "call/ring_abi.h"

// One ring per possible CPU. The agent makes the real map (so that all programs share it) and sets the sizes.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct ht_ring);
} rings SEC(".maps");

// A development aid: only this process makes calls; 0 for all. With it the local kernel can be traced safely by a test.
const volatile __u32 filter_tgid = 0;

#define ht_load(p) (*(volatile typeof(p) *)&(p))

struct ht_wait {
  struct ht_entry *entry;
  struct ht_ring *first;
  __u64 done;  // the word waited for
  __u64 left;  // nanoseconds
  __u64 last;  // the clock at the last look; 0 before the first
};

static long ht_wait_step(__u32 iteration, struct ht_wait *wait) {
  if (ht_load(wait->entry->word) == wait->done) return 1;
  // The clock is not looked at before HT_WAIT_CLOCK_EVERY iterations: most calls are over by then.
  if ((iteration & (HT_WAIT_CLOCK_EVERY - 1)) != HT_WAIT_CLOCK_EVERY - 1) return 0;
  __u64 now = bpf_ktime_get_ns();
  if (wait->last) {
    __u64 passed = now - wait->last;
    if (passed > HT_WAIT_CLAMP_NS) passed = HT_WAIT_CLAMP_NS;
    if (passed >= wait->left) {
      wait->left = 0;
      return 1;
    }
    wait->left -= passed;
  }
  wait->last = now;
  return ht_load(wait->first->header.breaker.tripped) != 0;  // another CPU has given the host up
}

// Waits until the host is done, or the time is over.
static __always_inline int ht_await(struct ht_ring *first, struct ht_entry *entry, __u64 done) {
  // Both numbers come from the ring, where the verifier does not know them. It would follow the countdown of a known
  // number; and kernels before 6.7 verify a bpf_loop callback for its first run only and then remove what that run does
  // not reach: with a known 0 in `last` the whole clock would be gone, and only the iterations would bound the wait.
  struct ht_wait wait = {.entry = entry, .first = first, .done = done};
  wait.left = ht_load(first->header.identity.wait_ns);
  wait.last = ht_load(first->header.identity.zero);
  bpf_loop(HT_WAIT_ITERATIONS, ht_wait_step, &wait, 0);
  return ht_load(entry->word) == done;
}

static __always_inline int ht_host_present(struct ht_ring *first) {
  return ht_word_state(ht_load(first->header.host.heartbeat)) == HT_HOST_PRESENT;
}

// Whether calls may be made: the breaker has not tripped, or the host has been seen alive long enough since.
static __always_inline int ht_breaker_closed(struct ht_ring *first) {
  if (!ht_load(first->header.breaker.tripped)) return 1;
  __u64 beat = ht_load(first->header.host.heartbeat);
  if ((__s64)(beat - ht_load(first->header.breaker.recover_at)) < 0) return 0;
  first->header.breaker.time_outs = 0;
  __sync_lock_test_and_set(&first->header.breaker.tripped, 0);
  return 1;
}

static __always_inline void ht_breaker_time_out(struct ht_ring *first) {
  if (__sync_fetch_and_add(&first->header.breaker.time_outs, 1) + 1 != HT_BREAKER_TRIP) return;
  __u64 trips = __sync_fetch_and_add(&first->header.breaker.trips, 1);
  if (trips > HT_BREAKER_DOUBLINGS) trips = HT_BREAKER_DOUBLINGS;
  __u64 beats = (__u64)HT_BREAKER_BEATS << trips;
  first->header.breaker.recover_at = ht_load(first->header.host.heartbeat) + (beats << HT_STATE_BITS);
  __sync_lock_test_and_set(&first->header.breaker.tripped, 1);
}

// An entry of this ring in state WRITING, or null. *word is its FREE word.
static __always_inline struct ht_entry *ht_reserve(struct ht_ring *ring, __u64 generation, __u64 *word) {
  for (int i = 0; i < HT_RESERVE_TRIES; i++) {
    __u64 sequence = __sync_fetch_and_add(&ring->header.reservation.head, 1);
    struct ht_entry *entry = &ring->entries[sequence & (HT_RING_ENTRIES - 1)];
    __u64 old = ht_load(entry->word);
    *word = ht_word(generation, sequence, HT_FREE);
    if (ht_word_state(old) == HT_FREE &&
        __sync_val_compare_and_swap(&entry->word, old, *word + HT_WRITING) == old)
      return entry;
  }
  return 0;
}

static __always_inline void ht_describe_task(struct ht_entry *entry, struct task_struct *task) {
  __u64 id = bpf_get_current_pid_tgid();
  __u64 user = bpf_get_current_uid_gid();
  entry->pid = id >> 32;
  entry->tid = (__u32)id;
  entry->ppid = task->real_parent->tgid;
  entry->uid = (__u32)user;
  entry->gid = user >> 32;
  entry->task = (__u64)task;
  entry->pgd = (__u64)task->mm->pgd;
  bpf_get_current_comm(entry->comm, sizeof(entry->comm));
}

// Posts a filled-in entry and waits for the host. Returns when the entry is free again, one way or another.
static __always_inline void ht_post_and_wait(struct ht_ring *first, struct ht_ring *ring, struct ht_entry *entry,
                                             __u64 word) {
  __sync_lock_test_and_set(&entry->word, word + HT_POSTED);
  if (ht_await(first, entry, word + HT_DONE)) goto done;
  if (__sync_val_compare_and_swap(&entry->word, word + HT_POSTED, word) == word + HT_POSTED) {
    __sync_fetch_and_add(&ring->header.losses.timed_out, 1);
    ht_breaker_time_out(first);
    return;
  }
  if (ht_await(first, entry, word + HT_DONE)) goto done;  // the host has claimed it: give it as long again
  if (__sync_val_compare_and_swap(&entry->word, word + HT_RUNNING, word) == word + HT_RUNNING) {
    __sync_fetch_and_add(&ring->header.losses.late, 1);
    ht_breaker_time_out(first);
    return;
  }
done:
  if (ht_load(first->header.breaker.time_outs) && !ht_load(first->header.breaker.tripped))
    first->header.breaker.time_outs = 0;
  ht_load(entry->word) = word;
}

// --- What every program begins with.

// Whether the running process is of interest: the one that a test has chosen.
static __always_inline int ht_wanted(void) {
  return !filter_tgid || filter_tgid == bpf_get_current_pid_tgid() >> 32;
}

// The first and this CPU's ring, if calls are to be made now.
static __always_inline struct ht_ring *ht_this_ring(struct ht_ring **first, __u32 cpu) {
  __u32 zero = 0;
  struct ht_ring *ring = bpf_map_lookup_elem(&rings, &cpu);
  *first = bpf_map_lookup_elem(&rings, &zero);
  if (!ring || !*first || !ht_host_present(*first)) return 0;
  if (ht_breaker_closed(*first)) return ring;
  __sync_fetch_and_add(&ring->header.losses.breaker, 1);
  return 0;
}

// One call: where it goes, and its entry.
struct ht_call {
  struct ht_ring *first, *ring;
  struct ht_entry *entry;
  __u64 word;
};

// An entry that says which probe has fired, where, and in which task; or null, and counted if a call was to be made.
// Whoever has it writes the args and makes the call.
static __always_inline struct ht_entry *ht_begin(struct ht_call *call, struct task_struct *task, __u32 probe) {
  __u32 cpu = bpf_get_smp_processor_id();
  call->ring = ht_this_ring(&call->first, cpu);
  if (!call->ring) return 0;
  call->entry = ht_reserve(call->ring, call->ring->header.identity.generation, &call->word);
  if (!call->entry) {
    __sync_fetch_and_add(&call->ring->header.losses.ring_full, 1);
    return 0;
  }
  call->entry->probe = probe;
  call->entry->flags = 0;
  call->entry->cpu = cpu;
  ht_describe_task(call->entry, task);
  return call->entry;
}

// Makes the call: `count` of the args were written.
static __always_inline void ht_make(struct ht_call *call, __u64 count, __s32 error) {
  call->entry->arg_count = count;
  call->entry->error = error;
  ht_post_and_wait(call->first, call->ring, call->entry, call->word);
}
