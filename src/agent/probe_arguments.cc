#include "agent/probe_arguments.h"

#include <algorithm>

#include "agent/probe_patch.h"
#include "call/ring_abi.h"

namespace ht::agent {
namespace {

uint64_t width_of(const types::TypeFile& types, types::TypeId declared) {
  const types::TypeId type = types.strip(declared);
  const types::Kind kind = types.kind(type);
  if (kind != types::Kind::kInt && kind != types::Kind::kEnum) return HT_S64;
  const bool is_signed = types.is_signed(type);
  switch (types.size(type).value_or(0)) {
    case 4:
      return is_signed ? HT_S32 : HT_U32;
    case 2:
      return is_signed ? HT_S16 : HT_U16;
    case 1:
      return is_signed ? HT_S8 : HT_U8;
    default:
      return HT_S64;
  }
}

}  // namespace

ProbeArguments probe_arguments(const types::TypeFile& types, const std::vector<types::Member>& parameters) {
  ProbeArguments arguments;
  arguments.count = static_cast<uint32_t>(std::min<size_t>(parameters.size(), HT_ARGS));
  for (uint32_t i = 0; i < arguments.count; ++i)
    arguments.widths |= width_of(types, parameters[i].type) << (HT_WIDTH_BITS * i);
  return arguments;
}

ProbeArguments probe_result(const types::TypeFile& types, types::TypeId result) {
  if (types.kind(types.strip(result)) == types::Kind::kVoid) return {};
  return {1, width_of(types, result)};
}

}  // namespace ht::agent
