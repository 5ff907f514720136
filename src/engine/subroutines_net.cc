// Subroutines that print network addresses.
#include <array>
#include <cstdio>

#include "engine/machine.h"

namespace ht::engine {

using dif::Fault;
using dif::Subr;

namespace {

constexpr uint64_t kAfInet6 = 10;
constexpr uint64_t kArphrdEther = 1, kArphrdInfiniband = 32;
constexpr size_t kGroups = 8;
using Address6 = std::array<uint16_t, kGroups>;

// A text that is put together piece by piece; large enough for every address.
class AddressText {
 public:
  template <typename... Args>
  void add(const char* format, Args... args) {
    size_ += static_cast<size_t>(snprintf(text_ + size_, sizeof text_ - size_, format, args...));
  }
  void add(const char* text) { add("%s", text); }
  std::string_view view() const { return {text_, size_}; }

 private:
  char text_[80] = {};
  size_t size_ = 0;
};

void add_dotted(AddressText& text, const uint8_t* bytes) {
  text.add("%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
}

// How many of the leading groups say that the last four bytes are an IPv4 address; 0: it is not.
bool embeds_ipv4(const Address6& g, bool* mapped) {
  for (size_t i = 0; i < 5; ++i) {
    if (g[i] != 0) return false;
  }
  *mapped = g[5] == 0xffff;
  return *mapped || (g[5] == 0 && !(g[6] == 0 && g[7] <= 1));
}

// The longest run of at least two zero groups, the first on a tie.
void longest_zeros(const Address6& groups, size_t* start, size_t* length) {
  *start = *length = 0;
  for (size_t i = 0; i < kGroups;) {
    size_t end = i;
    while (end < kGroups && groups[end] == 0) ++end;
    if (end - i >= 2 && end - i > *length) {
      *start = i;
      *length = end - i;
    }
    i = end + 1;
  }
}

void add_ipv6(AddressText& text, const uint8_t* bytes, bool strict) {
  Address6 groups;
  for (size_t i = 0; i < kGroups; ++i) groups[i] = static_cast<uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  bool mapped;
  if (embeds_ipv4(groups, &mapped)) {
    if (strict) text.add(mapped ? "::ffff:" : "::");
    return add_dotted(text, bytes + 12);
  }
  size_t start, length;
  longest_zeros(groups, &start, &length);
  for (size_t i = 0; i < kGroups; ++i) {
    if (length != 0 && i == start) {
      text.add("::");
      i += length - 1;
      continue;
    }
    text.add(i == 0 || (length != 0 && i == start + length) ? "%x" : ":%x", groups[i]);
  }
}

}  // namespace

bool Machine::call_net(Subr subroutine, Value* result) {
  AddressText text;
  uint8_t bytes[20];
  Tag tag;
  const auto fetch = [&](Value address, size_t size) { return read(Space::kKernel, address, bytes, size, &tag); };
  switch (subroutine) {
    case Subr::kInetNtoa:
      if (!fetch(arg(0), 4)) return false;
      add_dotted(text, bytes);
      break;
    case Subr::kInetNtoa6:
      if (!fetch(arg(0), 16)) return false;
      add_ipv6(text, bytes, arg(1).bits != 0);
      break;
    case Subr::kInetNtop:
      if (arg(0).bits == kAfInet6) {
        if (!fetch(arg(1), 16)) return false;
        add_ipv6(text, bytes, true);
      } else {
        if (!fetch(arg(1), 4)) return false;
        add_dotted(text, bytes);
      }
      break;
    default: {
      const uint64_t type = arg(0).bits;
      if (type != kArphrdEther && type != kArphrdInfiniband) return fail(Fault::kIllop);
      const size_t size = type == kArphrdEther ? 6 : 20;
      if (!fetch(arg(1), size)) return false;
      for (size_t i = 0; i < size; ++i) text.add(i == 0 ? "%02x" : ":%02x", bytes[i]);
    }
  }
  return string_result(text.view(), result);
}

}  // namespace ht::engine
