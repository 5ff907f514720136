// BTF on disk, after the kernel's Documentation/bpf/btf.rst: the header and the records, little-endian.
//
//   header | type section: one record after another, ids count from 1 | string section: NUL-terminated, offset 0 is ""
//
// A record is 12 bytes (name, info, size or type) and, by kind, more: one word for an int, 12 bytes for an array, vlen
// entries for structs, enums, prototypes and sections. Nothing here is mapped onto memory; everything is read by copy.
#pragma once

#include <cstdint>
#include <cstring>

namespace ht::types::btf {

template <typename T>
T load_at(const uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline constexpr uint16_t kMagic = 0xeb9f;
inline constexpr uint8_t kVersion = 1;

struct Header {
  uint16_t magic;
  uint8_t version;
  uint8_t flags;
  uint32_t hdr_len;   // from here the two offsets count
  uint32_t type_off;  // bytes, multiple of 4
  uint32_t type_len;
  uint32_t str_off;
  uint32_t str_len;
};
static_assert(sizeof(Header) == 24);

struct Record {
  uint32_t name_off;
  uint32_t info;          // vlen 15-0, kind 28-24, kind_flag 31; the rest is 0
  uint32_t size_or_type;  // size: int, struct, union, enum, enum64, datasec, float; type: the others
};
static_assert(sizeof(Record) == 12);

struct Member {
  uint32_t name_off;
  uint32_t type;
  uint32_t offset;  // bits; with kind_flag: bit-field size 31-24, bits 23-0
};
static_assert(sizeof(Member) == 12);

struct Array {
  uint32_t type;
  uint32_t index_type;
  uint32_t nelems;
};
struct Enum {
  uint32_t name_off;
  int32_t value;
};
struct Enum64 {
  uint32_t name_off;
  uint32_t low;
  uint32_t high;
};
struct Param {
  uint32_t name_off;
  uint32_t type;
};
struct Secinfo {
  uint32_t type;
  uint32_t offset;
  uint32_t size;
};

inline constexpr uint32_t kInfoMask = 0x9f00ffff;
constexpr unsigned vlen_of(uint32_t info) {
  return info & 0xffff;
}
constexpr unsigned kind_of(uint32_t info) {
  return (info >> 24) & 0x1f;
}
constexpr bool kind_flag_of(uint32_t info) {
  return (info >> 31) != 0;
}

// The word after an int's record.
constexpr unsigned int_bits_of(uint32_t word) {
  return word & 0xff;
}
constexpr unsigned int_offset_of(uint32_t word) {
  return (word >> 16) & 0xff;
}
constexpr bool int_signed_of(uint32_t word) {
  return (word >> 24 & 1) != 0;
}

inline constexpr unsigned kMaxKind = 19;
struct KindInfo {
  bool has_type;      // size_or_type is a type, else a size (or unused)
  uint8_t extra;      // bytes after the record
  uint8_t per_entry;  // bytes for each of vlen entries
};
inline constexpr KindInfo kKinds[kMaxKind + 1] = {
    {false, 0, 0},                // void: never in a file
    {false, 4, 0},                // int
    {true, 0, 0},                 // ptr
    {false, sizeof(Array), 0},    // array
    {false, 0, sizeof(Member)},   // struct
    {false, 0, sizeof(Member)},   // union
    {false, 0, sizeof(Enum)},     // enum
    {false, 0, 0},                // fwd
    {true, 0, 0},                 // typedef
    {true, 0, 0},                 // volatile
    {true, 0, 0},                 // const
    {true, 0, 0},                 // restrict
    {true, 0, 0},                 // func: vlen is the linkage
    {true, 0, sizeof(Param)},     // func_proto
    {true, 4, 0},                 // var
    {false, 0, sizeof(Secinfo)},  // datasec
    {false, 0, 0},                // float
    {true, 4, 0},                 // decl_tag
    {true, 0, 0},                 // type_tag
    {false, 0, sizeof(Enum64)},   // enum64
};

}  // namespace ht::types::btf
