// The lattice of inferred types: what a register, a variable or a result holds. docs/typing.md has the picture.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dif/program.h"
#include "types/type_file.h"

namespace ht::typing {

enum class ValueKind : uint8_t {
  kBottom,   // nothing known (yet)
  kInt,      // an integer of `size` bytes, `is_signed`
  kTyped,    // a value of the type file's type `type` with `pointers` stars behind it
  kObject,   // by reference: the register holds the address of an object of type `type`
  kOpaque,   // a type by its spelling `text` that the type file (if any) does not have; 8 bytes
  kString,   // a D string, by reference
  kScratch,  // a pointer to scratch memory
  kMember,   // the offset of member `text`, to be added to an address
  kElement,  // a multiple of the element's size of the pointer that it is to be added to
  kTop,      // conflicting; `text` says how
};

struct Value {
  ValueKind kind = ValueKind::kBottom;
  bool is_signed = false;
  bool user = false;      // an address in user memory
  bool symbolic = false;  // the compiler did not know this type
  bool zero = false;      // the constant 0: fits any pointer
  bool constant = false;
  std::optional<uint64_t> number;  // its value, where every path gives it the same one that the linker knows
  uint32_t size = 0;               // kInt: bytes
  types::TypeId type = 0;
  unsigned pointers = 0;
  types::TypeId array = 0;  // kTyped: the array type that decayed to this pointer
  // kTyped pointers to a bit-field: `bits` bits from bit `shift` of the `unit` bytes at this address.
  uint8_t bits = 0, shift = 0, unit = 0;
  uint32_t origin = 0;  // kMember, kElement: the usetx
  std::string text;     // kInt: the name if it has one

  static Value bottom() { return {}; }
  static Value integer(uint32_t size, bool is_signed, std::string_view name = {});
  static Value typed(types::TypeId type, unsigned pointers);
  static Value object(types::TypeId type);
  static Value opaque(std::string_view spelling);
  static Value of(ValueKind kind) {
    Value v;
    v.kind = kind;
    return v;
  }
  static Value top(std::string text);
};

// An integer as arithmetic sees it: DTrace's promotion ranks by bits, unsigned before signed.
struct IntView {
  uint32_t size = 8;
  bool is_signed = false;
  bool arithmetic = false;  // really an integer or an enum, not an address
  unsigned rank() const { return size * 8 + (is_signed ? 0 : 1); }
};

// The operations that need to look into the type file. `types` may be null.
class Lattice {
 public:
  explicit Lattice(const types::TypeFile* types) : types_(types) {}

  Value join(const Value& a, const Value& b) const;
  bool same(const Value& a, const Value& b) const;
  IntView int_view(const Value& v) const;
  Value promote(const Value& a, const Value& b) const;

  // What the value points at: a type with stars, or nothing.
  struct Pointee {
    types::TypeId type = 0;
    unsigned pointers = 0;
  };
  std::optional<Pointee> pointee(const Value& v) const;

  std::string spell(const Value& v) const;  // for messages
  std::string spell(types::TypeId type, unsigned pointers) const;

  // From a C or D spelling; kOpaque when unknown.
  Value spelled(std::string_view text) const;
  Value from_dif(const dif::Type& type) const;
  // What is recorded or stored; the error says why it cannot be.
  Result<dif::Type> to_dif(const Value& v) const;

  const types::TypeFile* types() const { return types_; }

 private:
  Pointee canonical(types::TypeId type, unsigned pointers) const;
  bool is_pointer(const Value& v) const;
  bool is_char(types::TypeId type) const;

  const types::TypeFile* types_;
};

// The integers that D knows without any kernel (reference, section 3.2). Nothing for other spellings.
std::optional<Value> d_integer(std::string_view spelling);

}  // namespace ht::typing
