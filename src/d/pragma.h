// Control lines: a # first on a line (reference, section 1.12).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "d/diagnostics.h"
#include "dif/options.h"

namespace ht::d {

// A #line directive: the line after it is line `line` of `file` (empty: of the same file).
struct LineMark {
  uint32_t line = 0;
  std::string file;
};

// Runs one control line, `text` beginning after the '#'. Options go into `options`.
Result<std::optional<LineMark>> run_control_line(std::string_view text, const Pos& pos,
                                                 std::map<std::string, std::string>& options);

using dif::option_set;

}  // namespace ht::d
