// The command line of dtrace(1) (reference, section 8.4).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "d/compile.h"
#include "dif/options.h"

namespace ht::dtrace {

enum class Mode {
  kTrace,
  kList,     // -l
  kHeader,   // -h
  kLink,     // -G
  kVersion,  // -V
};

// A process whose end is the end of tracing: -c starts it, -p grabs it.
struct Subject {
  bool grab = false;    // -p
  pid_t pid = 0;        // of -p
  std::string command;  // of -c
};

struct CommandLine {
  Mode mode = Mode::kTrace;
  bool guests = false;                     // -E
  bool compile_only = false;               // -e
  bool disassemble = false;                // -S
  bool ilp32 = false;                      // -32
  bool verbose = false;                    // -v
  bool preprocess = false;                 // -C
  bool buffered = false;                   // -B
  std::vector<d::SourceText> originals;    // the sources as the user wrote them, before -C: what errors point into
  std::vector<d::SourceText> sources;      // -n -f -m -P -i -s, in order; the text of a script is read later
  std::vector<std::string> cpp_arguments;  // -D -U -I -H -X, in order
  std::vector<std::string> arguments;      // $0, $1, ...
  std::string object;                      // -Y: an ELF object, compiled before, to be run
  std::string to_link;                     // -y: the same, to be linked
  std::string output;                      // -o
  std::vector<Subject> subjects;           // -c and -p, in order; $target is the first
  dif::OptionMap options;                  // -x, the flags that stand for one, the environment

  bool has_object() const { return !object.empty() || !to_link.empty(); }
  bool option(std::string_view name) const { return dif::option_set(options, name); }
};

// The exit status, if there is nothing more to do: --help, -V, or an error that has been reported.
struct ParsedCommand {
  CommandLine line;
  std::optional<int> exit_status;
};
ParsedCommand parse_command_line(int argc, char** argv);

}  // namespace ht::dtrace
