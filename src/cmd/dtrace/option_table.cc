#include "cmd/dtrace/option_table.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <string>

#include "base/time_units.h"
#include "consumer/options.h"

namespace ht::dtrace {
namespace {

// clang-format off
constexpr OptionInfo kOptions[] = {
    {"agghist",       ValueKind::kBoolean,     ""},
    {"aggpack",       ValueKind::kBoolean,     ""},
    {"aggpercpu",     ValueKind::kUnsupported, ""},
    {"aggrate",       ValueKind::kRate,        ""},
    {"aggsize",       ValueKind::kSize,        ""},
    {"aggsortkey",    ValueKind::kBoolean,     ""},
    {"aggsortkeypos", ValueKind::kInteger,     ""},
    {"aggsortpos",    ValueKind::kInteger,     ""},
    {"aggsortrev",    ValueKind::kBoolean,     ""},
    {"aggzoom",       ValueKind::kBoolean,     ""},
    {"amin",          ValueKind::kUnsupported, ""},
    {"argref",        ValueKind::kFlag,        ""},
    {"bufpolicy",     ValueKind::kText,        "switch"},
    {"bufresize",     ValueKind::kText,        "auto manual"},
    {"bufsize",       ValueKind::kSize,        ""},
    {"cleanrate",     ValueKind::kRate,        ""},
    {"cpp",           ValueKind::kFlag,        ""},
    {"cpphdrs",       ValueKind::kFlag,        ""},
    {"cpppath",       ValueKind::kText,        ""},
    {"cpu",           ValueKind::kUnsupported, ""},
    {"ctfpath",       ValueKind::kUnsupported, ""},
    {"ctypes",        ValueKind::kUnsupported, ""},
    {"debug",         ValueKind::kUnsupported, ""},
    {"defaultargs",   ValueKind::kFlag,        ""},
    {"define",        ValueKind::kText,        ""},
    {"destructive",   ValueKind::kBoolean,     ""},
    {"disasm",        ValueKind::kInteger,     ""},
    {"droptags",      ValueKind::kFlag,        ""},
    {"dtypes",        ValueKind::kUnsupported, ""},
    {"dynvarsize",    ValueKind::kSize,        ""},
    {"empty",         ValueKind::kFlag,        ""},
    {"encoding",      ValueKind::kText,        "ascii utf8"},
    {"errtags",       ValueKind::kFlag,        ""},
    {"evaltime",      ValueKind::kText,        "exec preinit postinit main"},
    {"flowindent",    ValueKind::kBoolean,     ""},
    {"format",        ValueKind::kText,        "text json"},
    {"incdir",        ValueKind::kText,        ""},
    {"iregs",         ValueKind::kUnsupported, ""},
    {"jstackframes",  ValueKind::kInteger,     ""},
    {"jstackstrsize", ValueKind::kSize,        ""},
    {"kdefs",         ValueKind::kFlag,        ""},
    {"knodefs",       ValueKind::kUnsupported, ""},
    {"libdir",        ValueKind::kUnsupported, ""},
    {"maxframes",     ValueKind::kInteger,     ""},
    {"nolibs",        ValueKind::kFlag,        ""},
    {"noresolve",     ValueKind::kBoolean,     ""},
    {"nspec",         ValueKind::kInteger,     ""},
    {"oformat",       ValueKind::kUnsupported, ""},
    {"partial",       ValueKind::kFlag,        ""},
    {"pgmax",         ValueKind::kInteger,     ""},
    {"printsize",     ValueKind::kSize,        ""},
    {"pspec",         ValueKind::kFlag,        ""},
    {"quiet",         ValueKind::kBoolean,     ""},
    {"quietresize",   ValueKind::kBoolean,     ""},
    {"rawbytes",      ValueKind::kBoolean,     ""},
    {"resolvers",     ValueKind::kText,        ""},
    {"scratchsize",   ValueKind::kSize,        ""},
    {"specsize",      ValueKind::kSize,        ""},
    {"stackframes",   ValueKind::kInteger,     ""},
    {"stackindent",   ValueKind::kInteger,     ""},
    {"statusrate",    ValueKind::kRate,        ""},
    {"stdc",          ValueKind::kText,        "a c t s"},
    {"strsize",       ValueKind::kSize,        ""},
    {"switchrate",    ValueKind::kRate,        ""},
    {"temporal",      ValueKind::kBoolean,     ""},
    {"tree",          ValueKind::kUnsupported, ""},
    {"tregs",         ValueKind::kUnsupported, ""},
    {"udefs",         ValueKind::kFlag,        ""},
    {"undef",         ValueKind::kText,        ""},
    {"unodefs",       ValueKind::kUnsupported, ""},
    {"ustackframes",  ValueKind::kInteger,     ""},
    {"verbose",       ValueKind::kFlag,        ""},
    {"version",       ValueKind::kUnsupported, ""},
    {"zdefs",         ValueKind::kFlag,        ""},
    {"zone",          ValueKind::kUnsupported, ""},
};
// clang-format on

// Options that may be given several times: each value on its own line.
constexpr std::string_view kLists[] = {"define", "incdir", "undef"};

Error invalid_value() {
  return Error("Invalid value for specified option");
}

bool among(std::string_view words, std::string_view word) {
  for (size_t at = 0; at < words.size();) {
    const size_t end = std::min(words.find(' ', at), words.size());
    if (words.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

Result<void> check(const OptionInfo& info, std::string_view value, bool has_value) {
  bool ok = true;
  switch (info.kind) {
    case ValueKind::kFlag:
      ok = !has_value;
      break;
    case ValueKind::kBoolean:
      consumer::parse_boolean(value, &ok);
      break;
    case ValueKind::kInteger:
      ok = consumer::parse_number(value, false).ok();
      break;
    case ValueKind::kSize:
      ok = !has_value || consumer::parse_number(value, true).ok();
      break;
    case ValueKind::kRate:
      ok = parse_rate(value).ok();
      break;
    case ValueKind::kText:
      ok = has_value && !value.empty() && (info.words.empty() || among(info.words, value));
      break;
    case ValueKind::kUnsupported:
      return Error("Option is not implemented");
  }
  // The string size is used in arithmetic everywhere: below the size of a NULL marker, or beyond reason, nothing works.
  if (ok && info.name == "strsize") {
    const auto size = consumer::parse_number(value.empty() ? "0" : value, true);
    ok = size.ok() && *size >= 2 && *size <= (1u << 20);
  }
  return ok ? Result<void>() : invalid_value();
}

}  // namespace

const OptionInfo* find_option(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kOptions), std::end(kOptions), [&](const auto& o) { return o.name == name; });
  return found == std::end(kOptions) ? nullptr : found;
}

Result<uint64_t> parse_rate(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789xXabcdefABCDEF"), text.size());
  std::string_view number = text.substr(0, digits);
  // A hexadecimal digit that begins a unit ("1d", "10day") belongs to the unit unless the number says 0x.
  if (!number.starts_with("0x") && !number.starts_with("0X")) {
    number = text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
  }
  std::string unit;
  for (char c : text.substr(number.size())) unit += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  ASSIGN_OR_RETURN(const uint64_t value, consumer::parse_number(number, false));
  const TimeUnit* known = find_time_unit(unit, "ns");
  if (known == nullptr) return invalid_value();
  if (known->ns == 0) return value == 0 ? Result<uint64_t>(invalid_value()) : Result<uint64_t>(kNsPerSecond / value);
  if (value > UINT64_MAX / known->ns) return invalid_value();
  return value * known->ns;
}

Result<void> set_option(std::string_view text, OptionMap& options) {
  const size_t equals = text.find('=');
  const bool has_value = equals != std::string_view::npos;
  const std::string name(text.substr(0, equals));
  const std::string value(has_value ? text.substr(equals + 1) : std::string_view());
  const OptionInfo* info = find_option(name);
  if (info == nullptr) return Error("Invalid option name");
  RETURN_IF_ERROR(check(*info, value, has_value));
  const bool list = std::find(std::begin(kLists), std::end(kLists), name) != std::end(kLists);
  std::string& stored = options[name];
  stored = list && !stored.empty() ? stored + "\n" + value : value;
  return {};
}

Result<void> set_options_from_environment(OptionMap& options) {
  for (const OptionInfo& info : kOptions) {
    std::string variable = "DTRACE_OPT_";
    for (char c : info.name) variable += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr) continue;
    const std::string text = std::string(info.name) + (*value != '\0' ? "=" + std::string(value) : "");
    if (auto result = set_option(text, options); !result) {
      return Error("failed to set " + variable + ": " + result.error().message);
    }
  }
  return {};
}

bool is_set(const OptionMap& options, std::string_view name) {
  const auto found = options.find(std::string(name));
  bool ok = false;
  return found != options.end() && consumer::parse_boolean(found->second, &ok);
}

uint64_t rate_ns(const OptionMap& options, std::string_view name, uint64_t otherwise) {
  const auto found = options.find(std::string(name));
  if (found == options.end()) return otherwise;
  const auto rate = parse_rate(found->second);
  return rate && *rate != 0 ? *rate : otherwise;
}

}  // namespace ht::dtrace
