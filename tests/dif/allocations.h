// Counting of what the program under test allocates: a firing must not.
#pragma once

#include <cstdint>

namespace ht::dif::cases {

// Calls of operator new by this thread so far.
uint64_t allocations();

}  // namespace ht::dif::cases
