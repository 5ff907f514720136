// The kernel's own lists of what can be traced, from tracefs.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "base/words.h"

namespace ht::agent {

// Its directory: where it is mounted, or a mount of our own that nobody else sees and that ends with the descriptor.
Result<UniqueFd> open_tracefs();
// A file in it, whole.
Result<std::string> read_tracefs(const std::string& name, size_t limit);

// Lines of available_events, "sched:sched_switch": visit(subsystem, event).
template <typename Visit>
void for_each_event(std::string_view text, Visit visit);
// Lines of available_filter_functions, "vfs_read" or "ext4_readdir [ext4]": visit(function, module), where the module
// of the kernel itself is empty.
template <typename Visit>
void for_each_traceable_function(std::string_view text, Visit visit);

// --- implementation

namespace tracefs_internal {
// No name in these files is longer; what is longer is no name.
inline constexpr size_t kMostName = 255;
inline bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMostName &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-$") ==
             std::string_view::npos;
}
}  // namespace tracefs_internal

template <typename Visit>
void for_each_event(std::string_view text, Visit visit) {
  for_each_line(text, [&](std::string_view line) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string_view subsystem = line.substr(0, colon), event = line.substr(colon + 1);
    if (tracefs_internal::is_name(subsystem) && tracefs_internal::is_name(event)) visit(subsystem, event);
  });
}

template <typename Visit>
void for_each_traceable_function(std::string_view text, Visit visit) {
  for_each_line(text, [&](std::string_view line) {
    const std::string_view function = line.substr(0, line.find_first_of(" \t"));
    std::string_view module;
    if (const size_t open = line.find('['); open != std::string_view::npos) {
      const size_t close = line.find(']', open);
      if (close == std::string_view::npos) return;
      module = line.substr(open + 1, close - open - 1);
      if (!tracefs_internal::is_name(module)) return;
    }
    // A function whose code has been discarded is shown as __ftrace_invalid_address___OFFSET.
    if (tracefs_internal::is_name(function) && !function.starts_with("__ftrace_invalid_address___"))
      visit(function, module);
  });
}

}  // namespace ht::agent
