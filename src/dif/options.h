// The options of DTrace as one table (reference, section 8.3): what -x, #pragma D option, the environment and setopt()
// all go by. Values are checked when they are set and kept in one canonical form, so that whoever uses one later reads
// a plain number: sizes in bytes, rates in nanoseconds, booleans as a number or "unset".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ht::dif {

// When an option can be set (section 8.1).
enum class OptionClass : uint8_t {
  kEarly,         // compile-time, but before any program is read
  kCompile,       // before or during compilation
  kRuntimeEarly,  // until tracing starts, but not by a program
  kRuntime,       // until tracing starts
  kDynamic,       // any time
};

// What its value looks like (section 8.2).
enum class OptionValue : uint8_t {
  kFlag,        // none
  kBoolean,     // none, yes, no, on, off ... or a number
  kInteger,     // base 0
  kSize,        // an integer with k, m, g, t
  kRate,        // an integer with ns, us, ms, s, m, h, d, hz
  kWord,        // one of `words`
  kText,        // anything but nothing
  kList,        // the same, and every setting adds a value
  kAssignment,  // NAME=VALUE; every setting adds a value
  kAttributes,  // Stability/Stability/Class
  kVersion,     // M.m[.u]
  kLimit,       // a size or `unlimited`
};

// Who needs it after compiling.
enum class OptionUse : uint8_t {
  kCommand,  // the command or the compiler: used up before the program runs
  kProgram,  // the engine or the consumer: travels with the program
  kRefused,  // it has no meaning here; `words` says why
};

struct OptionInfo {
  std::string_view name;
  OptionClass when;
  OptionValue value;
  OptionUse use;
  std::string_view standard = {};  // the default, in canonical form; empty: unset
  std::string_view words = {};     // kWord: those allowed, blank separated
  uint64_t least = 0, most = INT64_MAX;
};

std::span<const OptionInfo> option_table();
const OptionInfo* find_option(std::string_view name);

enum class OptionSource : uint8_t { kCommand, kEnvironment, kPragma, kSetopt };

using OptionMap = std::map<std::string, std::string>;

// Checks and stores. The error's message is DTrace's text ("Invalid option name", "Invalid value for specified option",
// "Option cannot be used from within a D program", "Operation illegal when tracing is active"); its hint the near name.
// No value and an empty value are different things.
Result<void> set_option(OptionMap& options, std::string_view name, std::optional<std::string_view> value,
                        OptionSource source);
// "name" or "name=value".
Result<void> set_option(OptionMap& options, std::string_view text, OptionSource source);

// Whether a flag or boolean is set. Any stored value counts, even 0, except the words that mean unset.
bool option_set(const OptionMap& options, std::string_view name);
// The number of an integer, size or rate; the table's default if it is not set.
uint64_t option_number(const OptionMap& options, std::string_view name);
// Of a word or text; the table's default if it is not set.
std::string option_text(const OptionMap& options, std::string_view name);
// Of a list, in the order of setting.
std::vector<std::string> option_list(const OptionMap& options, std::string_view name);

// The single kinds. Nothing if the text is no such value.
std::optional<uint64_t> parse_option_integer(std::string_view text);
std::optional<uint64_t> parse_option_size(std::string_view text);
std::optional<uint64_t> parse_option_rate(std::string_view text);

}  // namespace ht::dif
