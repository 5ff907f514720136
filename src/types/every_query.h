// Asks a type file every question about many ids: what the mutation test and the fuzzer share. Returns a number that
// depends on every answer, so that nothing is optimised away.
#pragma once

#include <algorithm>

#include "types/type_file.h"

namespace ht::types {

inline uint64_t ask_about(const TypeFile& file, TypeId id) {
  uint64_t sum = static_cast<uint64_t>(file.kind(id)) + file.target(id) + file.array_length(id) + file.strip(id);
  sum += file.is_signed(id) ? 1 : 0;
  sum += file.size(id).value_or(0);
  sum += file.spell(id).size();
  for (std::string_view name : file.member_names(id)) {
    if (sum % 3 == 0) sum += file.member(id, name).value_or(MemberRef{}).bit_offset;
    sum += name.size();
  }
  for (const Member& m : file.members(id)) sum += m.bit_offset + m.name.size();
  for (const Member& p : file.parameters(id)) sum += p.type;
  const std::string_view name = file.name(id);
  sum += file.find(file.kind(id), name).value_or(0);
  sum += static_cast<uint64_t>(file.enumerator(name).value_or(0));
  if (auto spelled = file.find_spelling(file.spell(id))) sum += spelled->base + spelled->pointers;
  return sum;
}

inline uint64_t ask_everything(const TypeFile& file, size_t most_ids = 2000) {
  uint64_t sum = file.hash().size();
  for (TypeId id = 0; id < std::min(file.count() + 3, most_ids); ++id) sum += ask_about(file, id);
  for (TypeId id : {UINT32_MAX, UINT32_MAX - 1, 0x80000000u}) sum += ask_about(file, id);
  return sum;
}

}  // namespace ht::types
