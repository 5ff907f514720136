// The processes that this one descends from: what progenyof() asks in the host's own probes.
#pragma once

#include <cstdint>
#include <vector>

namespace ht::engine {

// Process ids, this process's first. Reads /proc: not for the path of a firing.
std::vector<uint32_t> own_ancestors();

}  // namespace ht::engine
