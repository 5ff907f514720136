// Options whose value the compiler itself needs: strsize for sizeof, scratchsize for alloca().
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace ht::d {

// The option as a number of bytes with the suffixes of sizes (reference, section 8.2); `otherwise` if it is not set, or
// is not a size, about which whoever takes the options has said what there is to say.
uint64_t size_option(const std::map<std::string, std::string>& options, std::string_view name, uint64_t otherwise);

}  // namespace ht::d
