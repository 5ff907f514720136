// A call on a stack of its own, for code that recurses as deeply as its input is nested. The caller bounds the depth;
// the size is only reserved, pages are taken as they are touched.
#pragma once

#include <cstddef>
#include <functional>

namespace ht {

// Runs `body` to its end, with `bytes` of stack. False, and it was not run, if there is no memory for that.
[[nodiscard]] bool on_deep_stack(size_t bytes, const std::function<void()>& body);

}  // namespace ht
