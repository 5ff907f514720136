// The daemons' log (spdlog). Never on the path from a probe to its result.
#pragma once

#include <spdlog/spdlog.h>

#include <string>

#include "base/result.h"

namespace ht::log {

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

// To stderr ("foreground") or appended to `path`. `verbose` shows debug messages.
Result<void> to_stderr(bool verbose);
Result<void> to_file(const std::string& path, bool verbose);

}  // namespace ht::log
