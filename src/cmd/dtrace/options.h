// The command line of dtrace(1) (reference, section 8.4).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/dtrace/option_table.h"
#include "d/compile.h"

namespace ht::dtrace {

struct CommandLine {
  bool guests = false;                     // -E
  bool list = false;                       // -l
  bool compile_only = false;               // -e
  bool disassemble = false;                // -S
  bool preprocess = false;                 // -C
  std::vector<d::SourceText> originals;    // the sources as the user wrote them, before -C: what errors point into
  std::vector<d::SourceText> sources;      // -n -f -m -P -i -s, in order; the text of a script is read later
  std::vector<std::string> cpp_arguments;  // -D -U -I -H -X, in order
  std::vector<std::string> arguments;      // $0, $1, ...
  std::string object;                      // -Y: an ELF object, compiled before
  std::string output;                      // -o
  std::string command;                     // -c
  OptionMap options;                       // -x and the flags that stand for one

  bool option(std::string_view name) const { return is_set(options, name); }
};

// The exit status, if there is nothing more to do: --help, --version, or an error that has been reported.
struct ParsedCommand {
  CommandLine line;
  std::optional<int> exit_status;
};
ParsedCommand parse_command_line(int argc, char** argv);

}  // namespace ht::dtrace
