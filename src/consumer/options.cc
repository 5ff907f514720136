#include "consumer/options.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace ht::consumer {
namespace {

Error invalid_value() {
  return Error("Invalid value for specified option");
}

struct Flag {
  std::string_view name;
  bool Options::*member;
};
constexpr std::array kFlags = {
    Flag{"quiet", &Options::quiet},           Flag{"flowindent", &Options::flowindent},
    Flag{"rawbytes", &Options::rawbytes},     Flag{"aggsortkey", &Options::aggsortkey},
    Flag{"aggsortrev", &Options::aggsortrev}, Flag{"agghist", &Options::agghist},
    Flag{"aggpack", &Options::aggpack},       Flag{"aggzoom", &Options::aggzoom},
};

struct Number {
  std::string_view name;
  uint64_t Options::*member;
};
constexpr std::array kNumbers = {
    Number{"aggsortpos", &Options::aggsortpos},
    Number{"aggsortkeypos", &Options::aggsortkeypos},
    Number{"stackindent", &Options::stackindent},
};
constexpr uint64_t kMostNumber = 65536;  // columns or positions; more would only serve to exhaust the printer

// Dynamic options of the command: how often to look, what to say.
constexpr std::array<std::string_view, 5> kElsewhere = {"aggrate", "switchrate", "statusrate", "printsize",
                                                        "quietresize"};
// Known, but fixed once tracing is active.
constexpr std::array<std::string_view, 16> kFixed = {
    "aggsize",   "bufpolicy", "bufresize", "bufsize", "cleanrate",   "cpu",      "destructive",  "dynvarsize",
    "noresolve", "nspec",     "specsize",  "strsize", "stackframes", "temporal", "ustackframes", "scratchsize"};

template <typename Table>
bool contains(const Table& table, std::string_view name) {
  return std::find(table.begin(), table.end(), name) != table.end();
}

}  // namespace

bool parse_boolean(std::string_view text, bool* ok) {
  *ok = true;
  for (std::string_view word : {"no", "disable", "disabled", "false", "off", "unset"}) {
    if (text == word) return false;
  }
  for (std::string_view word : {"", "yes", "enable", "enabled", "true", "on", "set"}) {
    if (text == word) return true;
  }
  *ok = parse_number(text, false).ok();
  return true;  // any stored number counts as set
}

Result<uint64_t> parse_number(std::string_view text, bool suffixes) {
  unsigned shift = 0;
  if (suffixes && !text.empty()) {
    static constexpr std::string_view kSuffixes = "kmgt";
    const auto last = static_cast<char>(std::tolower(static_cast<unsigned char>(text.back())));
    if (const size_t at = kSuffixes.find(last); at != std::string_view::npos) {
      shift = 10 * (static_cast<unsigned>(at) + 1);
      text.remove_suffix(1);
    }
  }
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > UINT64_MAX >> shift) {
    return invalid_value();
  }
  return value << shift;
}

Options Options::from(const std::map<std::string, std::string>& options) {
  Options result;
  for (const auto& [name, value] : options) {
    bool ok = false;
    if (name == "encoding") {
      result.encoding = value == "utf8" ? Encoding::kUtf8 : Encoding::kAscii;
    }
    if (name == "format") result.json = value == "json";
    if (name == "droptags") result.droptags = parse_boolean(value, &ok);
    if (name == "strsize") {
      if (const auto size = parse_number(value, true); size && *size <= UINT32_MAX) {
        result.strsize = static_cast<uint32_t>(*size);
      }
    } else {
      (void)result.set(name, value);
    }
  }
  return result;
}

Result<void> Options::set(std::string_view name, std::string_view value) {
  for (const Flag& flag : kFlags) {
    if (flag.name != name) continue;
    bool ok = false;
    const bool on = parse_boolean(value, &ok);
    if (!ok) return invalid_value();
    this->*flag.member = on;
    return {};
  }
  for (const Number& number : kNumbers) {
    if (number.name != name) continue;
    ASSIGN_OR_RETURN(const uint64_t parsed, parse_number(value, false));
    if (parsed > kMostNumber) return invalid_value();
    this->*number.member = parsed;
    return {};
  }
  if (contains(kElsewhere, name)) return {};
  if (contains(kFixed, name)) return Error("Operation illegal when tracing is active");
  return Error("Invalid option name");
}

}  // namespace ht::consumer
