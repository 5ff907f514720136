// Prototypes of the subroutines: what type each parameter has. How many there are, and which are optional, is in dif's
// table (dif/ids.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ht::d {

inline constexpr std::string_view kTextParameter = "const char *";

// The C type of parameter `index` (from 0) of a subroutine; empty if it takes anything.
std::string_view parameter_type(uint16_t subroutine, size_t index);
// An argument that must be known when the program is compiled.
bool is_constant_parameter(uint16_t subroutine, size_t index);
// Other systems' subroutines, about structures that Linux has not: DTrace for Linux knows their names and nothing else.
bool is_unimplemented(uint16_t subroutine);

}  // namespace ht::d
