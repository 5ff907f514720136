#include "cmd/dtrace/options.h"

#include <fmt/format.h>
#include <getopt.h>

#include <cstdio>

#include "cmd/dtrace/messages.h"

namespace ht::dtrace {
namespace {

constexpr char kUsageText[] =
    R"(Usage: dtrace [-CeEFHhlqSVwZ] [-b bufsz] [-c cmd] [-D name[=def]] [-I path]
	[-o output] [-s script] [-U name] [-x opt[=val]] [-X a|c|s|t] [-Y object]
	[-P provider [[ predicate ] action ]]
	[-m [ provider: ] module [[ predicate ] action ]]
	[-f [[ provider: ] module: ] func [[ predicate ] action ]]
	[-n [[[ provider: ] module: ] func: ] name [[ predicate ] action ]]
	[-i probe-id [[ predicate ] action ]] [ args ... ]

	predicate -> '/' D-expression '/'
	   action -> '{' D-statements '}'

	-b  set trace buffer size
	-c  run specified command and exit upon its completion
	-C  run cpp(1) preprocessor on script files
	-D  define symbol when invoking preprocessor
	-e  exit after compiling request but prior to enabling probes; with -E,
	    write the compiled program to an object file
	-E  trace guests, through dtraced; descriptions may begin with a target
	    (guest name, globs): target:provider:module:func:name
	-f  enable or list probes matching the specified function name
	-F  coalesce trace output by function
	-h  print this text (also --help)
	-H  print included files when invoking preprocessor
	-i  enable or list probes matching the specified probe id
	-I  add include directory to preprocessor search path
	-l  list probes matching specified criteria
	-m  enable or list probes matching the specified module name
	-n  enable or list probes matching the specified probe name
	-o  set output file
	-P  enable or list probes matching the specified provider name
	-q  set quiet mode (only output explicitly traced data)
	-s  enable or list probes according to the specified D script
	-S  print D compiler intermediate code
	-U  undefine symbol when invoking preprocessor
	-V  report the version (also --version)
	-w  permit destructive actions
	-x  enable or modify compiler and tracing options
	-X  specify ISO C conformance settings for preprocessor
	-Y  with -E, trace an object file that -e wrote
	-Z  permit probe descriptions that match zero probes
)";

constexpr char kShortOptions[] = ":3:6:aAb:Bc:CdD:eEf:FGhHi:I:lL:m:n:o:p:P:qs:SU:vVwx:X:Y:Zz:";
constexpr option kLongOptions[] = {
    {"help", no_argument, nullptr, 'h'}, {"version", no_argument, nullptr, 'V'}, {nullptr, 0, nullptr, 0}};

// Flags that DTrace has and this implementation does not (yet), with what to say.
struct Refusal {
  char letter;
  const char* text;
};
constexpr Refusal kRefused[] = {
    {'a', "claiming anonymous tracing state is not available"},
    {'A', "anonymous tracing is not available"},
    {'B', "buffered output is not available"},
    {'d', "printing rewritten clauses is not available"},
    {'G', "generating an object with program text (USDT) is not available yet"},
    {'L', "libraries of D scripts are not available yet"},
    {'p', "tracing another process is not available yet; -c runs a command under a trace"},
    {'v', "stability reports are not available yet"},
    {'z', "there are no zones on Linux"},
};

// Flags that stand for an option.
struct FlagOption {
  char letter;
  const char* option;
};
constexpr FlagOption kFlagOptions[] = {{'F', "flowindent"}, {'q', "quiet"}, {'w', "destructive"}, {'Z', "zdefs"}};

struct ProgramFlag {
  char letter;
  d::DescContext context;
};
constexpr ProgramFlag kProgramFlags[] = {{'f', d::DescContext::kFunction},
                                         {'i', d::DescContext::kName},
                                         {'m', d::DescContext::kModule},
                                         {'n', d::DescContext::kName},
                                         {'P', d::DescContext::kProvider}};

int usage_error() {
  std::fputs(kUsageText, stderr);
  return kUsage;
}

class CommandParser {
 public:
  CommandParser(int argc, char** argv) : argc_(argc), argv_(argv) {}

  ParsedCommand run() {
    if (argc_ == 1) return done(usage_error());
    if (auto result = set_options_from_environment(line_.options); !result) return done(fatal(result.error()));
    line_.arguments.emplace_back(argv_[0]);
    optind = 0;
    for (;;) {
      const int letter = getopt_long(argc_, argv_, kShortOptions, kLongOptions, nullptr);
      if (letter == -1) break;
      if (letter == '?' || letter == ':') {
        if (optopt == 0) {
          say(fmt::format("illegal option -- {}", argv_[optind - 1]));
        } else {
          say(fmt::format("{} -- {}", letter == '?' ? "illegal option" : "option requires an argument",
                          static_cast<char>(optopt)));
        }
        return done(usage_error());
      }
      if (const auto status = take(static_cast<char>(letter), optarg != nullptr ? optarg : "")) return done(*status);
    }
    for (int i = optind; i < argc_; ++i) line_.arguments.emplace_back(argv_[i]);
    if (const auto status = finish()) return done(*status);
    return {std::move(line_), std::nullopt};
  }

 private:
  ParsedCommand done(int status) { return {std::move(line_), status}; }

  std::optional<int> set(const std::string& option, const std::string& flag) {
    if (auto result = set_option(option, line_.options); !result) {
      Error error = result.error();
      error.message = "failed to set " + flag + ": " + error.message;
      return fatal(error);
    }
    return std::nullopt;
  }

  std::optional<int> take(char letter, const std::string& argument) {
    for (const ProgramFlag& flag : kProgramFlags) {
      if (flag.letter != letter) continue;
      line_.sources.push_back({argument, argument, false, flag.context});
      return std::nullopt;
    }
    for (const FlagOption& flag : kFlagOptions) {
      if (flag.letter == letter) return set(flag.option, std::string("-") + letter);
    }
    for (const Refusal& refusal : kRefused) {
      if (refusal.letter == letter) return fatal(fmt::format("-{}: {}", letter, refusal.text));
    }
    return take_other(letter, argument);
  }

  std::optional<int> take_other(char letter, const std::string& argument) {
    switch (letter) {
      case '3':
      case '6':
        return data_model(letter, argument);
      case 'b':
        return set("bufsize=" + argument, "-b " + argument);
      case 'c':
        line_.command = argument;
        break;
      case 'C':
        line_.preprocess = true;
        break;
      case 'D':
      case 'I':
      case 'U':
        line_.cpp_arguments.push_back(std::string("-") + letter + argument);
        break;
      case 'e':
        line_.compile_only = true;
        break;
      case 'E':
        line_.guests = true;
        break;
      case 'h':
        help_ = true;
        break;
      case 'H':
        line_.cpp_arguments.emplace_back("-H");
        break;
      case 'l':
        line_.list = true;
        break;
      case 'o':
        line_.output = argument;
        break;
      case 's':
        if (line_.arguments.size() == 1) line_.arguments[0] = argument;
        line_.sources.push_back({argument, "", true, d::DescContext::kName});
        break;
      case 'S':
        line_.disassemble = true;
        break;
      case 'V':
        version_ = true;
        break;
      case 'x':
        return set(argument, "-x " + argument.substr(0, argument.find('=')));
      case 'X':
        return set("stdc=" + argument, "-X " + argument);
      case 'Y':
        line_.object = argument;
        break;
      default:
        return usage_error();
    }
    return std::nullopt;
  }

  static std::optional<int> data_model(char first, const std::string& argument) {
    if (first == '6' && argument == "4") return std::nullopt;
    if (first == '3' && argument == "2") return fatal("-32: only the 64-bit data model is available");
    say(fmt::format("illegal option -- {}{}", first, argument));
    return usage_error();
  }

  std::optional<int> finish() {
    if (help_) {
      std::fputs(kUsageText, stdout);
      return kOk;
    }
    if (version_ && line_.list) {
      say("only one of the [-GhlV] options can be specified at a time");
      return kUsage;
    }
    if (version_) {
      std::puts("dtrace: HyperTrace D 1.0");
      return kOk;
    }
    if (!line_.object.empty() && (!line_.guests || !line_.sources.empty() || line_.list || line_.compile_only)) {
      say("-Y needs -E and no other program");
      return kUsage;
    }
    line_.preprocess |= line_.option("cpp");
    if (line_.option("cpphdrs")) line_.cpp_arguments.emplace_back("-H");
    for (const auto& [name, flag] : {std::pair{"define", "-D"}, std::pair{"incdir", "-I"}, std::pair{"undef", "-U"}}) {
      const auto found = line_.options.find(name);
      if (found == line_.options.end()) continue;
      for (size_t at = 0; at <= found->second.size();) {
        const size_t end = std::min(found->second.find('\n', at), found->second.size());
        line_.cpp_arguments.push_back(flag + found->second.substr(at, end - at));
        at = end + 1;
      }
    }
    return std::nullopt;
  }

  int argc_;
  char** argv_;
  CommandLine line_;
  bool help_ = false;
  bool version_ = false;
};

}  // namespace

ParsedCommand parse_command_line(int argc, char** argv) {
  return CommandParser(argc, argv).run();
}

}  // namespace ht::dtrace
