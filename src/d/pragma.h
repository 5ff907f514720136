// Control lines: a # first on a line (reference, section 1.12).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "d/diagnostics.h"
#include "d/interfaces.h"
#include "dif/options.h"

namespace ht::d {

// A #line directive: the line after it is line `line` of `file` (empty: of the same file).
struct LineMark {
  uint32_t line = 0;
  std::string file;
  bool enters = false, leaves = false;  // an included file: the preprocessor's states 1 and 2
};

// What control lines act on. Both outlive whoever has it.
struct Controls {
  std::map<std::string, std::string>& options;
  Interfaces& interfaces;
};

// Runs one control line, `text` beginning after the '#'.
Result<std::optional<LineMark>> run_control_line(std::string_view text, const Pos& pos, const Controls& controls);

using dif::option_set;

}  // namespace ht::d
