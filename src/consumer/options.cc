#include "consumer/options.h"

#include <algorithm>
#include <array>

#include "dif/options.h"

namespace ht::consumer {
namespace {

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
    Number{"aggsortpos", &Options::aggsortpos},   Number{"aggsortkeypos", &Options::aggsortkeypos},
    Number{"stackindent", &Options::stackindent}, Number{"aggrate", &Options::aggrate},
    Number{"switchrate", &Options::switchrate},
};

void store(Options& options, const std::string& name, const dif::OptionMap& values) {
  for (const Flag& flag : kFlags) {
    if (flag.name == name) options.*flag.member = dif::option_set(values, name);
  }
  for (const Number& number : kNumbers) {
    if (number.name == name) options.*number.member = dif::option_number(values, name);
  }
}

}  // namespace

Options Options::from(const dif::OptionMap& options) {
  Options result;
  for (const auto& option : options) store(result, option.first, options);
  if (const std::string encoding = dif::option_text(options, "encoding"); !encoding.empty()) {
    result.encoding = encoding == "utf8" ? Encoding::kUtf8 : Encoding::kAscii;
  }
  result.json = dif::option_text(options, "format") == "json";
  result.droptags = dif::option_set(options, "droptags");
  result.strsize = static_cast<uint32_t>(std::min<uint64_t>(dif::option_number(options, "strsize"), UINT32_MAX));
  result.noresolve = dif::option_set(options, "noresolve");
  result.temporal = !options.contains("temporal") || dif::option_set(options, "temporal");
  result.statusrate = dif::option_number(options, "statusrate");
  return result;
}

Result<void> Options::set(std::string_view name, std::string_view value) {
  dif::OptionMap values;
  RETURN_IF_ERROR(dif::set_option(values, name, value, dif::OptionSource::kSetopt));
  store(*this, std::string(name), values);
  return {};
}

}  // namespace ht::consumer
