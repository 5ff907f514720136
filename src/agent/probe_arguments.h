// The arguments of a function or a tracepoint as registers hold them: how many, and which of their bits count.
#pragma once

#include <cstdint>
#include <vector>

#include "types/type_file.h"

namespace ht::agent {

// In the form of probe_patch.h.
struct ProbeArguments {
  uint32_t count = 0;
  uint64_t widths = 0;

  bool operator==(const ProbeArguments&) const = default;
};

// Of the first HT_ARGS of `parameters`.
ProbeArguments probe_arguments(const types::TypeFile& types, const std::vector<types::Member>& parameters);
// What a function of that type returns: a count of 0 if nothing.
ProbeArguments probe_result(const types::TypeFile& types, types::TypeId result);

}  // namespace ht::agent
