#include "cmd/dtrace/options.h"

#include <fmt/format.h>
#include <getopt.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "cmd/dtrace/messages.h"
#include "cmd/dtrace/usage.h"

namespace ht::dtrace {
namespace {

using dif::OptionSource;

constexpr char kShortOptions[] = ":3:6:aAb:Bc:CdD:eEf:FGhHi:I:lL:m:n:o:p:P:qs:SU:vVwx:X:y:Y:Z";
constexpr char kHelpLetter = '\1';
constexpr option kLongOptions[] = {
    {"help", no_argument, nullptr, kHelpLetter}, {"version", no_argument, nullptr, 'V'}, {nullptr, 0, nullptr, 0}};

// Flags that stand for an option.
struct FlagOption {
  char letter;
  std::string_view option;
};
constexpr FlagOption kFlagOptions[] = {
    {'a', "grabanon"},    {'b', "bufsize"}, {'C', "cpp"},    {'D', "define"}, {'F', "flowindent"},
    {'H', "cpphdrs"},     {'I', "incdir"},  {'L', "libdir"}, {'q', "quiet"},  {'U', "undef"},
    {'w', "destructive"}, {'X', "stdc"},    {'Z', "zdefs"},
};

// Options that are passed to the preprocessor, and as what.
struct CppOption {
  std::string_view option;
  std::string_view flag;
};
constexpr CppOption kCppOptions[] = {{"define", "-D"}, {"incdir", "-I"}, {"undef", "-U"}, {"cpphdrs", "-H"}};

struct ProgramFlag {
  char letter;
  d::DescContext context;
};
constexpr ProgramFlag kProgramFlags[] = {{'f', d::DescContext::kFunction},
                                         {'i', d::DescContext::kName},
                                         {'m', d::DescContext::kModule},
                                         {'n', d::DescContext::kName},
                                         {'P', d::DescContext::kProvider}};

// Flags that only switch something on.
struct Switch {
  char letter;
  bool CommandLine::*member;
};
constexpr Switch kSwitches[] = {
    {'B', &CommandLine::buffered},    {'e', &CommandLine::compile_only}, {'E', &CommandLine::guests},
    {'S', &CommandLine::disassemble}, {'v', &CommandLine::verbose},
};

struct ModeFlag {
  char letter;
  Mode mode;
};
constexpr ModeFlag kModeFlags[] = {{'G', Mode::kLink}, {'h', Mode::kHeader}, {'l', Mode::kList}, {'V', Mode::kVersion}};

int usage_error() {
  std::fputs(kUsageText, stderr);
  return kUsage;
}

int misuse(const std::string& text) {
  say(text);
  return kUsage;
}

// First every flag is recognised, then those that say what is to be done are looked at, then everything is set in the
// order of the command line: a wrong flag is a wrong use of the command whatever else is wrong.
class CommandParser {
 public:
  CommandParser(int argc, char** argv) : argc_(argc), argv_(argv) {}

  ParsedCommand run() {
    if (argc_ == 1) return done(usage_error());
    if (const auto status = recognise()) return done(*status);
    if (const auto status = choose_mode()) return done(*status);
    if (auto result = environment(); !result) return done(fatal(result.error()));
    line_.arguments.emplace_back(argv_[0]);
    for (const auto& [letter, argument] : flags_) {
      if (const auto status = take(letter, argument)) return done(*status);
    }
    line_.arguments.insert(line_.arguments.end(), operands_.begin(), operands_.end());
    if (const auto status = finish()) return done(*status);
    return {std::move(line_), std::nullopt};
  }

 private:
  ParsedCommand done(int status) { return {std::move(line_), status}; }

  std::optional<int> recognise() {
    optind = 0;
    for (;;) {
      const int letter = getopt_long(argc_, argv_, kShortOptions, kLongOptions, nullptr);
      if (letter == -1) break;
      if (letter == '?' || letter == ':') {
        const char* trouble = letter == '?' ? "illegal option" : "option requires an argument";
        say(fmt::format("{} -- {}", trouble,
                        optopt == 0 ? std::string(argv_[optind - 1]) : std::string(1, static_cast<char>(optopt))));
        return usage_error();
      }
      const std::string argument = optarg != nullptr ? optarg : "";
      if ((letter == '3' && argument != "2") || (letter == '6' && argument != "4")) {
        say(fmt::format("illegal option -- {}{}", static_cast<char>(letter), argument));
        return usage_error();
      }
      flags_.emplace_back(static_cast<char>(letter), argument);
    }
    operands_.assign(argv_ + optind, argv_ + argc_);
    return std::nullopt;
  }

  bool given(char letter) const {
    return std::any_of(flags_.begin(), flags_.end(), [&](const auto& flag) { return flag.first == letter; });
  }

  std::optional<int> choose_mode() {
    if (given(kHelpLetter)) {
      std::fputs(kUsageText, stdout);
      return kOk;
    }
    int modes = 0;
    for (const auto& flag : flags_) {
      for (const ModeFlag& mode : kModeFlags) {
        if (mode.letter != flag.first) continue;
        line_.mode = mode.mode;
        ++modes;
      }
    }
    if (modes > 1) return misuse("only one of the [-GhlV] options can be specified at a time");
    if (line_.mode != Mode::kVersion) return std::nullopt;
    std::puts("dtrace: HyperTrace D 2.0");
    if (given('v')) std::puts("dtrace: program version 1.0\ndtrace: library version 2.0");
    return kOk;
  }

  // DTRACE_OPT_<NAME>.
  Result<void> environment() {
    for (const dif::OptionInfo& info : dif::option_table()) {
      std::string variable = "DTRACE_OPT_";
      for (char c : info.name) variable += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      const char* value = std::getenv(variable.c_str());
      if (value == nullptr) continue;
      if (auto result = dif::set_option(line_.options, info.name, value, OptionSource::kEnvironment); !result) {
        return Error("failed to set " + variable + ": " + result.error().message, result.error().hint);
      }
      if (line_.options.contains(std::string(info.name))) to_preprocessor(info.name, value);
    }
    show_hints(!line_.option("oneline") && !asks_for_one_line());
    return {};
  }

  // Before any option is set: what is said of a wrong one depends on it.
  bool asks_for_one_line() const {
    return std::any_of(flags_.begin(), flags_.end(),
                       [](const auto& flag) { return flag.first == 'x' && flag.second == "oneline"; });
  }

  std::optional<int> set(std::string_view name, std::optional<std::string_view> value, const std::string& flag) {
    if (auto result = dif::set_option(line_.options, name, value, OptionSource::kCommand); !result) {
      Error error = result.error();
      error.message = "failed to set " + flag + ": " + error.message;
      return fatal(error);
    }
    to_preprocessor(name, value.value_or(""));
    return std::nullopt;
  }

  void to_preprocessor(std::string_view name, std::string_view value) {
    for (const CppOption& option : kCppOptions) {
      if (option.option != name) continue;
      line_.cpp_arguments.push_back(std::string(option.flag) + std::string(value));
    }
  }

  std::optional<int> take(char letter, const std::string& argument) {
    for (const ProgramFlag& flag : kProgramFlags) {
      if (flag.letter != letter) continue;
      line_.sources.push_back({argument, argument, false, flag.context});
      return std::nullopt;
    }
    for (const FlagOption& flag : kFlagOptions) {
      if (flag.letter != letter) continue;
      const bool has_value = dif::find_option(flag.option)->value != dif::OptionValue::kFlag &&
                             dif::find_option(flag.option)->value != dif::OptionValue::kBoolean;
      if (!has_value) return set(flag.option, std::nullopt, std::string("-") + letter);
      return set(flag.option, argument, fmt::format("-{} {}", letter, argument));
    }
    for (const Switch& one : kSwitches) {
      if (one.letter == letter) line_.*one.member = true;
    }
    return take_other(letter, argument);
  }

  std::optional<int> take_other(char letter, const std::string& argument) {
    switch (letter) {
      case '3':
        line_.ilp32 = true;
        break;
      case '6':
        line_.ilp32 = false;
        break;
      case 'c':
        line_.subjects.push_back({false, 0, argument});
        break;
      case 'd':
        return fatal("-d: if and else are compiled as they are; there are no rewritten clauses to print");
      case 'o':
        line_.output = argument;
        break;
      case 'p':
        return grab(argument);
      case 's':
        if (line_.arguments.size() == 1) line_.arguments[0] = argument;
        line_.sources.push_back({argument, "", true, d::DescContext::kName});
        break;
      case 'x': {
        const size_t equals = argument.find('=');
        const std::string name = argument.substr(0, equals);
        if (equals == std::string::npos) return set(name, std::nullopt, "-x " + name);
        return set(name, argument.substr(equals + 1), "-x " + name);
      }
      case 'y':
        line_.to_link = argument;
        break;
      case 'Y':
        line_.object = argument;
        break;
      default:
        break;
    }
    return std::nullopt;
  }

  std::optional<int> grab(const std::string& argument) {
    char* end = nullptr;
    errno = 0;
    const long pid = std::strtol(argument.c_str(), &end, 10);
    if (errno != 0 || end == argument.c_str() || *end != '\0') return fatal("invalid pid: " + argument);
    line_.subjects.push_back({true, static_cast<pid_t>(pid), ""});
    return std::nullopt;
  }

  std::optional<int> finish() {
    if (line_.buffered && (line_.mode == Mode::kLink || line_.mode == Mode::kList)) {
      return misuse("-B not valid in combination with [-Gl] options");
    }
    if (line_.buffered && !line_.output.empty()) return misuse("-B not valid in combination with -o option");
    if (line_.mode == Mode::kLink && line_.sources.empty()) {
      return misuse("-G requires one or more scripts or enabling options");
    }
    const bool traces = line_.mode == Mode::kTrace;
    if (const auto status = check_object(traces)) return status;
    show_debug(line_.option("debug"));
    for (const auto& [name, value] : line_.options) debug(fmt::format("option {}={}", name, value));
    line_.preprocess = line_.option("cpp");
    line_.disassemble |= line_.option("verbose");
    // What is only listed or written need not be there.
    if (!traces) line_.options["zdefs"] = "";
    return std::nullopt;
  }

  // -Y and -y bring the program: there is nothing to compile.
  std::optional<int> check_object(bool traces) const {
    if (line_.has_object() &&
        (!line_.sources.empty() || !traces || (!line_.object.empty() && !line_.to_link.empty()))) {
      return misuse(fmt::format("-{} takes no other program", line_.object.empty() ? 'y' : 'Y'));
    }
    if (!line_.to_link.empty() && (line_.guests || line_.compile_only)) {
      return misuse("-y not valid in combination with [-eE] options");
    }
    if (!line_.to_link.empty() && line_.option("dump")) return misuse("-y not valid in combination with -x dump");
    if (line_.guests && line_.option("typefile") && !line_.option("dump")) {
      return fatal(
          Error("-x typefile: with -E every guest has types of its own", "-y links an object with a type file"));
    }
    return std::nullopt;
  }

  int argc_;
  char** argv_;
  std::vector<std::pair<char, std::string>> flags_;
  std::vector<std::string> operands_;
  CommandLine line_;
};

}  // namespace

ParsedCommand parse_command_line(int argc, char** argv) {
  return CommandParser(argc, argv).run();
}

}  // namespace ht::dtrace
