// Subroutines about what a kernel holds: its locks, its paths, its processes. What they look at is the firing target's
// memory; where there is none to read, as in the host's own probes, they fault with the address they were given.
//
// Of the locks only the first word is looked at, which has been where it is since Linux 4.10:
//   struct mutex  owner (a task_struct's address), with flags in its low three bits
//   rwlock_t      readers in bits 9 and up, a waiting writer in bit 8, 0xff in the low byte: held by a writer
// A kernel with PREEMPT_RT has other locks, about which these say nothing.
#include <algorithm>

#include "engine/machine.h"

namespace ht::engine {

using dif::Fault;
using dif::Subr;

namespace {

constexpr uint64_t kMutexFlags = 7;
constexpr uint32_t kWriterHeld = 0xff, kWriterMask = 0x1ff;
constexpr unsigned kReaderShift = 9;

}  // namespace

// Of a guest's processes only the parent is known.
bool Machine::is_ancestor(uint32_t pid) const {
  const Firing& firing = context_->firing;
  const std::vector<uint32_t>& ancestors = session_.ancestors;
  if (pid == firing.pid || (pid == firing.ppid && pid != 0)) return true;
  const bool this_process = firing.target == kHost && !ancestors.empty() && firing.pid == ancestors.front();
  return this_process && std::find(ancestors.begin(), ancestors.end(), pid) != ancestors.end();
}

bool Machine::call_kernel(Subr subroutine, Value* result) {
  Tag tag;
  uint64_t word = 0;
  switch (subroutine) {
    case Subr::kProgenyof:
      *result = {is_ancestor(static_cast<uint32_t>(arg(0).bits))};
      return true;
    case Subr::kMutexOwned:
    case Subr::kMutexOwner:
      if (!read(Space::kKernel, arg(0), &word, sizeof word, &tag)) return false;
      word &= ~kMutexFlags;
      *result = {word, tag};
      if (subroutine == Subr::kMutexOwned) *result = {word != 0 && word == context_->firing.task};
      return true;
    case Subr::kRwReadHeld:
    case Subr::kRwWriteHeld:
    case Subr::kRwIswriter: {
      uint32_t count = 0;
      if (!read(Space::kKernel, arg(0), &count, sizeof count, &tag)) return false;
      if (subroutine == Subr::kRwReadHeld) *result = {count >> kReaderShift != 0};
      if (subroutine == Subr::kRwWriteHeld) *result = {(count & kWriterHeld) == kWriterHeld};
      if (subroutine == Subr::kRwIswriter) *result = {(count & kWriterMask) != 0};
      return true;
    }
    case Subr::kDPath:
      // Two pointers: mnt and dentry. Where a dentry keeps its name is not known here.
      if (!read(Space::kKernel, arg(0), &word, sizeof word, &tag)) return false;
      return string_result("<unknown>", result);
    case Subr::kCopyout:
    case Subr::kCopyoutstr:
      // Nothing is ever stored in a target; where nothing could be, the address is what is wrong.
      if (context_->memory() == nullptr) return fail(Fault::kBadaddr, arg(1).bits);
      return fail(Fault::kIllop);
    default:
      return fail(Fault::kIllop);
  }
}

}  // namespace ht::engine
