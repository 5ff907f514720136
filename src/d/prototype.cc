#include "d/prototype.h"

#include <algorithm>
#include <iterator>

#include "dif/ids.h"

namespace ht::d {
namespace {

constexpr dif::Subr kUnimplemented[] = {dif::Subr::kDdiPathname, dif::Subr::kMsgdsize, dif::Subr::kMsgsize};

}  // namespace

bool is_constant_parameter(uint16_t subroutine, size_t index) {
  return subroutine == static_cast<uint16_t>(dif::Subr::kInetNtoa6) && index == 1;
}

bool is_unimplemented(uint16_t subroutine) {
  return std::find(std::begin(kUnimplemented), std::end(kUnimplemented), static_cast<dif::Subr>(subroutine)) !=
         std::end(kUnimplemented);
}

}  // namespace ht::d
