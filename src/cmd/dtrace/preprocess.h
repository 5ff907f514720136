// -C: the C preprocessor on a script (reference, section 1.13).
#pragma once

#include <string>

#include "base/result.h"
#include "cmd/dtrace/options.h"

namespace ht::dtrace {

Result<std::string> preprocess(const d::SourceText& source, const CommandLine& line);

}  // namespace ht::dtrace
