// The D compiler: program texts in, one dif::Program out. Knows nothing of guests: members of kernel types compile to
// symbolic DIF (usetx, uload, typecast) that the linker resolves.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "d/library.h"
#include "dif/program.h"
#include "dif/stability.h"
#include "types/running_kernel.h"

namespace ht::d {

// The field of a probe description that its right-most part means (reference, section 1.10).
enum class DescContext { kName, kFunction, kModule, kProvider };

struct SourceText {
  std::string name;  // file name; for a command-line program the argument itself
  std::string text;
  bool is_file = false;
  DescContext context = DescContext::kName;
};

struct CompileOptions {
  bool hypertrace = false;                       // -E: descriptions may have a target in front
  std::vector<std::string> macro_arguments;      // $0 is [0]
  std::map<std::string, uint64_t> macro_values;  // $pid, $target, ... : name without $
  bool ilp32 = false;                            // -32
  bool argref = false;                           // -x argref, defaultargs, empty
  bool defaultargs = false;
  bool empty = false;
  std::map<std::string, std::string> options;  // set before compiling; pragmas add to Program::options
  // What there is where the program will run; a function that is empty knows nothing, and then all is believed.
  std::function<std::vector<std::string>(const dif::ProbeDesc&)> providers_of;  // of the probes that match
  std::function<bool(std::string_view)> has_provider, has_module;
  // How many arguments each probe has that a description matches.
  std::function<std::vector<size_t>(const dif::ProbeDesc&)> probe_arguments;
  std::vector<LibraryText> libraries;  // compiled first, unless the option nolibs is set
  // The kernel that a program without -E runs on; outlives the call. Null: kernel types are symbolic.
  types::RunningKernel* kernel = nullptr;
};

// One probe of a provider that the program declares, as a header needs it (-h).
struct ProbeInterface {
  std::string provider, name;          // as declared
  std::vector<std::string> arguments;  // C types
};

// The first error of the compilation. Error: tag, message (DTrace's text, section 9), pos with line and column, hint
// ("did you mean ...").
struct CompileError {
  Error error;
  size_t source = 0;    // index into the sources
  std::string where;    // DTrace's WHERE part: "line 3: ", "in action list: ", or ""
  std::string library;  // the text of the library that the position is in; empty: it is in the source
};

// The stability of what the programs use, for -v.
struct StabilityReport {
  std::vector<dif::Attributes> statements;  // least of each source; absent clauses have none: kMostStable
  dif::Providers providers;
};

struct CompileResult {
  dif::Program program;              // after an error only its options, which say how to report it
  std::vector<CompileError> errors;  // empty on success
  StabilityReport stability;
  std::vector<ProbeInterface> probes;  // of the providers that the sources declare
  bool ok() const { return errors.empty(); }
};

CompileResult compile(const std::vector<SourceText>& sources, const CompileOptions& options);

// One probe description as -l takes it.
Result<dif::ProbeDesc> parse_description(std::string_view text, DescContext context, bool hypertrace);

// The source line with a caret under the column: "    3 | expr\n      |   ^". Empty if the position is unknown.
std::string caret(const std::string& source_text, const SourcePos& pos);

}  // namespace ht::d
