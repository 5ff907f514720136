#include "consumer/datum.h"

#include <algorithm>
#include <cstring>

namespace ht::consumer {

using dif::ActionKind;
using dif::Type;
using dif::TypeKind;

Datum Datum::of(const dif::Field& field, ByteView data) {
  Datum datum{&field, {}};
  if (field.offset <= data.size() && field.size <= data.size() - field.offset) {
    datum.bytes = data.subspan(field.offset, field.size);
  }
  return datum;
}

bool Datum::is_integer() const {
  if (kind() != ActionKind::kDifexpr || type().kind == TypeKind::kString) return false;
  return (type().flags & (Type::kByRef | Type::kByUserRef)) == 0 && !type().is_void();
}

bool Datum::is_string() const {
  if (kind() != ActionKind::kDifexpr) return false;
  if (type().kind == TypeKind::kString) return true;
  return !is_integer() && (type().name.starts_with("char [") || type().name.starts_with("char["));
}

bool Datum::is_stack() const {
  return kind() == ActionKind::kStack || kind() == ActionKind::kUstack || kind() == ActionKind::kJstack;
}

bool Datum::is_symbol() const {
  switch (kind()) {
    case ActionKind::kSym:
    case ActionKind::kMod:
    case ActionKind::kUsym:
    case ActionKind::kUmod:
    case ActionKind::kUaddr:
      return true;
    default:
      return false;
  }
}

bool Datum::is_kernel() const {
  return kind() == ActionKind::kStack || kind() == ActionKind::kSym || kind() == ActionKind::kMod;
}

uint64_t Datum::zero_extended() const {
  uint64_t value = 0;
  if (!bytes.empty()) std::memcpy(&value, bytes.data(), std::min<size_t>(bytes.size(), sizeof value));
  return value;
}

int64_t Datum::extended() const {
  const uint64_t value = zero_extended();
  if (!type().is_signed() || bytes.empty() || bytes.size() >= 8) return static_cast<int64_t>(value);
  const unsigned unused = 64 - 8 * static_cast<unsigned>(bytes.size());
  return static_cast<int64_t>(value << unused) >> unused;
}

std::string Datum::text() const {
  const auto end = std::find(bytes.begin(), bytes.end(), 0);
  return {bytes.begin(), end};
}

uint64_t Datum::word(size_t index) const {
  uint64_t value = 0;
  if ((index + 1) * 8 <= bytes.size()) std::memcpy(&value, bytes.data() + index * 8, sizeof value);
  return value;
}

uint64_t Datum::frame(size_t index) const {
  return word(index + 1);  // room for names behind a user stack is empty
}

uint64_t Datum::address() const {
  return word(1);
}

}  // namespace ht::consumer
