// Names that a guest says and that are shown to people.
#pragma once

#include <algorithm>
#include <string>

namespace ht::daemon {

// Nothing but printable characters without blanks, and no more than `most` of them.
inline bool printable(const std::string& text, size_t most) {
  return text.size() <= most &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace ht::daemon
