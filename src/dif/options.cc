#include "dif/options.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/near_name.h"
#include "base/time_units.h"
#include "dif/stability.h"

namespace ht::dif {
namespace {

constexpr std::string_view kInvalidName = "Invalid option name";
constexpr std::string_view kInvalidValue = "Invalid value for specified option";
constexpr std::string_view kNotFromProgram = "Option cannot be used from within a D program";
constexpr std::string_view kActive = "Operation illegal when tracing is active";
constexpr std::string_view kUnset = "unset";

constexpr std::array<std::string_view, 6> kYes = {"yes", "enable", "enabled", "true", "on", "set"};
constexpr std::array<std::string_view, 6> kNo = {"no", "disable", "disabled", "false", "off", "unset"};

Error error(std::string_view text) {
  return Error(std::string(text));
}

template <typename Table>
bool contains(const Table& table, std::string_view word) {
  return std::find(table.begin(), table.end(), word) != table.end();
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(separator, at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

// The leading number of `text` as strtoull takes it, with base 0; `text` becomes the rest. No sign: nothing here is
// negative.
std::optional<uint64_t> take_number(std::string_view& text) {
  int base = 10;
  std::string_view digits = text;
  if (digits.size() > 2 && digits[0] == '0' && std::tolower(static_cast<unsigned char>(digits[1])) == 'x' &&
      std::isxdigit(static_cast<unsigned char>(digits[2])) != 0) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.starts_with('0')) {
    base = 8;
  }
  uint64_t value = 0;
  const auto [end, trouble] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (trouble != std::errc() || value > INT64_MAX) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

std::optional<std::string> boolean_value(std::string_view text) {
  if (text.empty() || contains(kNo, text)) return std::string(kUnset);
  if (contains(kYes, text)) return "1";
  const auto number = parse_option_integer(text);
  return number ? std::optional<std::string>(std::to_string(*number)) : std::nullopt;
}

// A number of any kind within the option's limits. No value is 0.
Result<std::string> number_value(const OptionInfo& info, std::optional<std::string_view> value) {
  std::optional<uint64_t> number = 0;
  if (value && info.value == OptionValue::kInteger) number = parse_option_integer(*value);
  if (value && info.value == OptionValue::kSize) number = value->empty() ? 0 : parse_option_size(*value);
  if (value && info.value == OptionValue::kRate) number = parse_option_rate(*value);
  if (!number) return error(kInvalidValue);
  if (info.name == "strsize" && *number > UINT32_MAX) return error("Value too large for defined data type");
  if (*number < info.least || *number > info.most) return error(kInvalidValue);
  return std::to_string(*number);
}

Result<std::string> version_value(std::string_view text) {
  const auto version = parse_version(text);
  if (!version) return error("Version is not properly formatted or is too large");
  if (!is_defined(*version)) return error("Requested version is not supported by compiler");
  return version_text(*version);
}

bool may_be_empty(OptionValue kind) {
  switch (kind) {
    case OptionValue::kFlag:
    case OptionValue::kBoolean:
    case OptionValue::kInteger:
    case OptionValue::kSize:
    case OptionValue::kRate:
      return true;
    default:
      return false;
  }
}

// The canonical form.
Result<std::string> check_value(const OptionInfo& info, std::optional<std::string_view> value) {
  switch (info.value) {
    case OptionValue::kFlag:
      return std::string();
    case OptionValue::kBoolean: {
      if (!value) return std::string();
      auto text = boolean_value(*value);
      return text ? Result<std::string>(std::move(*text)) : error(kInvalidValue);
    }
    case OptionValue::kInteger:
    case OptionValue::kSize:
    case OptionValue::kRate:
      return number_value(info, value);
    case OptionValue::kVersion:
      return version_value(*value);
    default:
      break;
  }
  bool ok = !value->empty() && value->find('\n') == std::string_view::npos;
  if (info.value == OptionValue::kWord) ok = contains(split(info.words, ' '), *value) && !value->empty();
  if (info.value == OptionValue::kAttributes) ok = parse_attributes(*value).has_value();
  if (info.value == OptionValue::kAssignment)
    ok = ok && value->find('=') != std::string_view::npos && value->front() != '=';
  if (info.value == OptionValue::kLimit) ok = *value == "unlimited" || parse_option_size(*value).has_value();
  if (!ok) return error(kInvalidValue);
  return std::string(*value);
}

bool is_early(const OptionInfo& info) {
  return info.when == OptionClass::kEarly || info.when == OptionClass::kRuntimeEarly;
}

Error unknown(std::string_view name) {
  std::vector<std::string_view> names;
  for (const OptionInfo& info : option_table()) names.push_back(info.name);
  return Error(std::string(kInvalidName), did_you_mean(name, names));
}

const std::string* find(const OptionMap& options, std::string_view name) {
  const auto found = options.find(std::string(name));
  return found == options.end() ? nullptr : &found->second;
}

}  // namespace

std::optional<uint64_t> parse_option_integer(std::string_view text) {
  const auto value = take_number(text);
  return text.empty() ? value : std::nullopt;
}

std::optional<uint64_t> parse_option_size(std::string_view text) {
  const auto value = take_number(text);
  if (!value || text.empty()) return value;
  static constexpr std::string_view kSuffixes = "kmgt";
  const size_t at = kSuffixes.find(static_cast<char>(std::tolower(static_cast<unsigned char>(text[0]))));
  if (text.size() != 1 || at == std::string_view::npos) return std::nullopt;
  const size_t shift = 10 * (at + 1);
  if (*value > static_cast<uint64_t>(INT64_MAX) >> shift) return std::nullopt;
  return *value << shift;
}

std::optional<uint64_t> parse_option_rate(std::string_view text) {
  const auto value = take_number(text);
  if (!value) return value;
  std::string unit(text);
  std::transform(unit.begin(), unit.end(), unit.begin(), [](unsigned char c) { return std::tolower(c); });
  const TimeUnit* known = find_time_unit(unit, "ns");
  if (known == nullptr) return std::nullopt;
  if (known->ns == 0) return *value == 0 ? 0 : kNsPerSecond / *value;
  if (*value > INT64_MAX / known->ns) return std::nullopt;
  return *value * known->ns;
}

Result<void> set_option(OptionMap& options, std::string_view name, std::optional<std::string_view> value,
                        OptionSource source) {
  const OptionInfo* info = find_option(name);
  if (info == nullptr) return unknown(name);
  if (source == OptionSource::kSetopt && info->when != OptionClass::kDynamic) return error(kActive);
  // A variable of the environment always has a value: an empty one is none for a flag, and a number or word sets it.
  const bool environment_flag = source == OptionSource::kEnvironment && info->value == OptionValue::kFlag;
  if (environment_flag) {
    const auto on = value ? boolean_value(*value) : std::nullopt;
    if (!on) return error(kInvalidValue);
    if (*on == kUnset && !value->empty()) return {};
  } else if (value ? info->value == OptionValue::kFlag : !may_be_empty(info->value)) {
    return error(kInvalidValue);
  }
  if (source == OptionSource::kPragma && is_early(*info)) return error(kNotFromProgram);
  if (info->use == OptionUse::kRefused) return Error(std::string(kInvalidValue), std::string(info->words));
  ASSIGN_OR_RETURN(std::string text, check_value(*info, value));
  std::string& stored = options[std::string(name)];
  const bool list = info->value == OptionValue::kList || info->value == OptionValue::kAssignment;
  stored = list && !stored.empty() ? stored + "\n" + text : std::move(text);
  return {};
}

Result<void> set_option(OptionMap& options, std::string_view text, OptionSource source) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return set_option(options, text, std::nullopt, source);
  return set_option(options, text.substr(0, equals), text.substr(equals + 1), source);
}

bool option_set(const OptionMap& options, std::string_view name) {
  const std::string* value = find(options, name);
  return value != nullptr && !contains(kNo, *value);
}

uint64_t option_number(const OptionMap& options, std::string_view name) {
  const std::string* value = find(options, name);
  if (value != nullptr) {
    if (const auto number = parse_option_size(*value)) return *number;
  }
  const OptionInfo* info = find_option(name);
  return info != nullptr ? parse_option_size(info->standard).value_or(0) : 0;
}

std::string option_text(const OptionMap& options, std::string_view name) {
  if (const std::string* value = find(options, name)) return *value;
  const OptionInfo* info = find_option(name);
  return info != nullptr ? std::string(info->standard) : std::string();
}

std::vector<std::string> option_list(const OptionMap& options, std::string_view name) {
  std::vector<std::string> values;
  const std::string* stored = find(options, name);
  if (stored == nullptr) return values;
  for (std::string_view value : split(*stored, '\n')) values.emplace_back(value);
  return values;
}

}  // namespace ht::dif
