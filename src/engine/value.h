// Values and where they come from.
//
// Every register, variable and scratch word carries beside its 64 bits a tag that says whose address it would be, if it
// were one. Whatever a guest supplied (arguments, loaded memory, curthread) is tagged with that guest, and arithmetic
// keeps the tag; constants and the host's own numbers have none and mean the guest that is firing. Dereferencing looks
// at the tag first, so that a guest can name neither the host's memory nor another guest's.
//
// The engine's own objects (scratch allocations, string tables, by-reference variables) have synthetic addresses
//
//     63      56 55    52 51          32 31           0
//     |  0x0f   | region |    object    |    offset    |
//
// which are canonical under neither four- nor five-level paging, so no kernel, user or host pointer looks like one.
// They work only together with the tag of the very same object: a forged number reads nothing, and no arithmetic leads
// from one object into another. Offsets are checked against the object's size at each access.
#pragma once

#include <cstdint>

#include "engine/firing.h"

namespace ht::engine {

using Tag = uint32_t;

inline constexpr unsigned kTagKindShift = 28;
inline constexpr Tag kTagNone = 0;
inline constexpr Tag kTagMixed = 3u << kTagKindShift;   // made of two origins: no address at all
inline constexpr Tag kTagAbsent = 4u << kTagKindShift;  // the 0 of an unset string variable, or of no string found

constexpr Tag guest_tag(TargetId target) {
  return 1u << kTagKindShift | target;
}

constexpr bool is_guest_tag(Tag tag) {
  return tag >> kTagKindShift == 1;
}
constexpr TargetId target_of(Tag tag) {
  return static_cast<TargetId>(tag);
}

enum class Region : uint32_t {
  kScratch = 1,  // object: running number of an allocation of this slot; storable unless a string
  kStrings = 2,  // object: number of the DIFO
  kGlobal = 3,   // object: index of the global variable; storable
  kLocal = 4,    // object: index of the clause-local variable; storable unless a string
  kDynamic = 5,  // object: handle of this clause; storable
  kBuiltin = 6,  // object: BuiltinString
};

inline constexpr uint32_t kObjectBits = 20;
inline constexpr uint32_t kObjectMask = (1u << kObjectBits) - 1;
inline constexpr uint64_t kSyntheticBase = 0x0full << 56;

constexpr Tag engine_tag(Region region, uint32_t object) {
  return 2u << kTagKindShift | static_cast<uint32_t>(region) << kObjectBits | (object & kObjectMask);
}
constexpr bool is_engine_tag(Tag tag) {
  return tag >> kTagKindShift == 2;
}
constexpr Region region_of(Tag tag) {
  return static_cast<Region>(tag >> kObjectBits & 0xf);
}
constexpr uint32_t object_of(Tag tag) {
  return tag & kObjectMask;
}
constexpr uint64_t synthetic_address(Tag tag, uint32_t offset = 0) {
  return kSyntheticBase | static_cast<uint64_t>(tag & 0xffffff) << 32 | offset;
}
// Whether `address` lies in the object that `tag` names; its offset is then the low half.
constexpr bool in_object(uint64_t address, Tag tag) {
  return address >> 32 == synthetic_address(tag) >> 32;
}

struct Value {
  uint64_t bits = 0;
  Tag tag = kTagNone;
};
constexpr Value engine_address(Region region, uint32_t object, uint32_t offset = 0) {
  const Tag tag = engine_tag(region, object);
  return {synthetic_address(tag, offset), tag};
}

// The tag of a result of two operands. An engine address plus a guest's number stays in its object.
constexpr Tag combine(Tag a, Tag b) {
  if (a == b || b == kTagNone) return a;
  if (a == kTagNone) return b;
  if (is_engine_tag(a) != is_engine_tag(b)) return is_engine_tag(a) ? a : b;
  return kTagMixed;
}

// Cut to `size` bytes and extended by sign, as a value of that C type is kept in 64 bits. Sizes other than 1, 2, 4: as
// is.
constexpr uint64_t narrow(uint64_t bits, unsigned size, bool is_signed) {
  switch (size) {
    case 1:
      return is_signed ? static_cast<uint64_t>(static_cast<int8_t>(bits)) : static_cast<uint8_t>(bits);
    case 2:
      return is_signed ? static_cast<uint64_t>(static_cast<int16_t>(bits)) : static_cast<uint16_t>(bits);
    case 4:
      return is_signed ? static_cast<uint64_t>(static_cast<int32_t>(bits)) : static_cast<uint32_t>(bits);
    default:
      return bits;
  }
}

// Kernel addresses are those of the upper canonical half, under four or five levels; user addresses the lower.
constexpr bool is_kernel_address(uint64_t address) {
  return address >> 56 == 0xff;
}
constexpr bool is_user_address(uint64_t address) {
  return address >> 56 == 0;
}

}  // namespace ht::engine
