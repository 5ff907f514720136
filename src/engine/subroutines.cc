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
    case Subr::kMutexOwned:
    case Subr::kMutexOwner:
    case Subr::kRwReadHeld:
    case Subr::kRwWriteHeld:
    case Subr::kRwIswriter:
    case Subr::kProgenyof:
    case Subr::kCopyout:
    case Subr::kCopyoutstr:
    case Subr::kDPath:
      return call_kernel(subr, result);
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

// Sizes beyond what scratch memory could ever hold are bad sizes; those beyond what is left of it find no room.
bool Machine::call_memory(Subr subroutine, Value* result) {
  const uint64_t most = session_.config.scratchsize;
  switch (subroutine) {
    case Subr::kAlloca:
      return allocate_scratch(arg(0).bits, result) != nullptr;
    case Subr::kBcopy: {
      const uint64_t size = arg(2).bits;
      if (size > most) return fail(Fault::kBadsize, size);
      return storable(arg(1), size) && copy(Space::kKernel, arg(0), arg(1), size);
    }
    case Subr::kCopyin: {
      const uint64_t size = arg(1).bits;
      if (size > most) return fail(Fault::kBadsize, size);
      return allocate_scratch(size, result) != nullptr && copy(Space::kUser, arg(0), *result, size);
    }
    case Subr::kCopyinto: {
      const uint64_t size = arg(1).bits;
      if (size > most) return fail(Fault::kBadsize, size);
      if (!storable(arg(2), 0)) return false;
      if (!storable(arg(2), size)) return fail(Fault::kBadsize, size);
      return copy(Space::kUser, arg(0), arg(2), size);
    }
    default:
      return copyinstr(result);
  }
}

// With a second argument at most that many characters.
bool Machine::copyinstr(Value* result) {
  uint64_t most = strsize() - 1;
  if (tuple_size_ > 1) most = std::min(most, arg(1).bits);
  char* room = string_room();
  if (room == nullptr) return false;
  std::string_view text;
  if (!fetch_string(Space::kUser, arg(0), room, static_cast<uint32_t>(most), &text)) return false;
  *result = finish_string(text.size());
  return true;
}

}  // namespace ht::engine
