// The options of -x, as a table (reference, section 8.3): name, when it may be set, what its value is.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ht::dtrace {

enum class ValueKind {
  kFlag,     // compile-time: no value allowed
  kBoolean,  // no value, yes, no, on, off ... or a number
  kInteger,
  kSize,  // with k, m, g, t; no value is 0
  kRate,  // with ns, us, ms, s, m, h, d, hz
  kText,
  kUnsupported  // DTrace knows it; this implementation does not do it
};

struct OptionInfo {
  std::string_view name;
  ValueKind kind;
  std::string_view words;  // kText: the allowed words, blank separated; "" for any
};

const OptionInfo* find_option(std::string_view name);

using OptionMap = std::map<std::string, std::string>;

// "name" or "name=value" as given to -x. The error's message is DTrace's text ("Invalid option name").
Result<void> set_option(std::string_view text, OptionMap& options);
// DTRACE_OPT_<NAME> of the environment. Done before the command line.
Result<void> set_options_from_environment(OptionMap& options);

bool is_set(const OptionMap& options, std::string_view name);  // a flag or boolean
// A rate in nanoseconds between two events; `otherwise` if not set or 0.
uint64_t rate_ns(const OptionMap& options, std::string_view name, uint64_t otherwise);
Result<uint64_t> parse_rate(std::string_view text);

}  // namespace ht::dtrace
