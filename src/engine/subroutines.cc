// Subroutines: the way in, and those about numbers, memory and the process. Those not available fault ILLOP.
#include <endian.h>

#include <algorithm>
#include <array>

#include "engine/machine.h"

namespace ht::engine {

using dif::Fault;
using dif::Subr;

namespace {

// Fewest arguments by number; 0xff: no such subroutine.
constexpr std::array<uint8_t, dif::kMaxSubr + 1> kLeastArguments = [] {
  std::array<uint8_t, dif::kMaxSubr + 1> table{};
  table.fill(0xff);
  for (const dif::SubrInfo& info : dif::kSubroutines) table[info.number] = info.least;
  return table;
}();

// Linux's dev_t as the kernel holds it.
constexpr unsigned kMinorBits = 20;

}  // namespace

bool Machine::call(uint32_t subroutine, Value* result) {
  if (subroutine > dif::kMaxSubr || tuple_size_ < kLeastArguments[subroutine]) return fail(Fault::kIllop);
  const uint64_t a = arg(0).bits;
  const auto value = [&](uint64_t bits) {
    *result = {bits, arg(0).tag};
    return true;
  };
  switch (const auto subr = static_cast<Subr>(subroutine)) {
    case Subr::kRand:
      random_ ^= random_ << 13;
      random_ ^= random_ >> 7;
      random_ ^= random_ << 17;
      *result = {narrow(random_ >> 16, 4, true)};
      return true;
    case Subr::kHtons:
    case Subr::kNtohs:
      return value(htobe16(static_cast<uint16_t>(a)));
    case Subr::kHtonl:
    case Subr::kNtohl:
      return value(htobe32(static_cast<uint32_t>(a)));
    case Subr::kHtonll:
    case Subr::kNtohll:
      return value(htobe64(a));
    case Subr::kGetmajor:
      return value(static_cast<uint32_t>(a) >> kMinorBits);
    case Subr::kGetminor:
      return value(a & ((1u << kMinorBits) - 1));
    case Subr::kMutexTypeAdaptive:
      return value(1);
    case Subr::kMutexTypeSpin:
      return value(0);
    case Subr::kProgenyof:
      // Of the ancestors only the parent is known.
      *result = {static_cast<uint32_t>(a) == context_->firing.pid || static_cast<uint32_t>(a) == context_->firing.ppid};
      return true;
    case Subr::kSpeculation: {
      bool busy = false;
      const uint32_t id = session_.speculations.open(context_->timestamp(), &busy);
      if (id == 0) {
        session_.memory.count_drop(slot_, busy ? Drop::kSpeculationBusy : Drop::kSpeculationUnavailable);
      }
      *result = {id};
      return true;
    }
    case Subr::kAlloca:
    case Subr::kBcopy:
    case Subr::kCopyin:
    case Subr::kCopyinstr:
    case Subr::kCopyinto:
      return call_memory(subr, result);
    case Subr::kInetNtop:
    case Subr::kInetNtoa:
    case Subr::kInetNtoa6:
    case Subr::kLinkNtop:
      return call_net(subr, result);
    default:
      return call_string(subr, result);
  }
}

bool Machine::call_memory(Subr subroutine, Value* result) {
  switch (subroutine) {
    case Subr::kAlloca: {
      uint8_t* memory = allocate(arg(0).bits, 0, result);
      if (memory == nullptr) return false;
      std::memset(memory, 0, arg(0).bits);
      return true;
    }
    case Subr::kBcopy:
      return copy(Space::kKernel, arg(0), arg(1), arg(2).bits);
    case Subr::kCopyin: {
      if (allocate(arg(1).bits, 0, result) == nullptr) return false;
      return copy(Space::kUser, arg(0), *result, arg(1).bits);
    }
    case Subr::kCopyinto:
      return copy(Space::kUser, arg(0), arg(2), arg(1).bits);
    default:
      return copyinstr(result);
  }
}

// With a second argument at most that many bytes, the NUL included.
bool Machine::copyinstr(Value* result) {
  uint64_t bytes = strsize();
  if (tuple_size_ > 1) bytes = std::min(bytes, arg(1).bits);
  char* room = string_room();
  if (room == nullptr) return false;
  std::string_view text;
  const auto limit = static_cast<uint32_t>(bytes == 0 ? 0 : bytes - 1);
  if (!fetch_string(Space::kUser, arg(0), room, limit, &text)) return false;
  *result = finish_string(text.size());
  return true;
}

}  // namespace ht::engine
