// One recorded value: a record's field or a key of an aggregation, with the type it was linked with.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "dif/layout.h"

namespace ht::consumer {

struct Datum {
  const dif::Field* field = nullptr;
  ByteView bytes;  // field->size of them

  // The value of field `field` in `data`; all zeros cannot be told from absent, so a short record reads as no bytes.
  static Datum of(const dif::Field& field, ByteView data);

  dif::ActionKind kind() const { return field->kind; }
  const dif::Type& type() const { return field->type; }
  bool is_integer() const;  // held by value: integers, enums, pointers
  bool is_string() const;   // D strings and arrays of char
  bool is_stack() const;
  bool is_symbol() const;  // sym, mod, usym, umod, uaddr

  uint64_t zero_extended() const;
  int64_t extended() const;                                                   // by the type's own sign
  std::string text() const;                                                   // bytes up to the first NUL
  uint64_t word(size_t index) const;                                          // the index-th 8 bytes
  dif::AddressOwner owner() const { return dif::AddressOwner::of(word(0)); }  // of a stack or symbol
  bool is_kernel() const;                                                     // of these: the kernel's
  uint64_t frame(size_t index) const;                                         // of a stack; 0 behind the last one
  uint64_t address() const;                                                   // of a symbol
};

}  // namespace ht::consumer
