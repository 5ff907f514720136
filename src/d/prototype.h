// What the compiler minds about subroutines beyond their prototypes, which are in dif's table (dif/ids.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ht::d {

// An argument that must be known when the program is compiled.
bool is_constant_parameter(uint16_t subroutine, size_t index);
// Other systems' subroutines, about structures that Linux has not: DTrace for Linux knows their names and nothing else.
bool is_unimplemented(uint16_t subroutine);

}  // namespace ht::d
