// Probe descriptions: target:provider:module:function:name, fields counted from the right.
#pragma once

#include <string_view>

#include "d/compile.h"
#include "d/macro.h"

namespace ht::d {

// `text` as the scanner found it; macros in it are expanded when `macros` is given.
Result<dif::ProbeDesc> read_description(std::string_view text, DescContext context, bool hypertrace, const Pos& pos,
                                        MacroTable* macros);
// A probe id in a description's place.
Result<dif::ProbeDesc> read_probe_id(uint64_t id, DescContext context, const Pos& pos);

}  // namespace ht::d
