#include "cmd/dtrace/link_program.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/fd.h"
#include "cmd/dtrace/messages.h"
#include "cmd/dtrace/programs.h"
#include "object/elf.h"

namespace ht::dtrace {
namespace {

// The calls that a compiler leaves behind for static probes; turning them into probes is not done here.
constexpr std::string_view kStaticProbes[] = {"__dtrace_", "__dtraceenabled_"};

std::string title(const d::SourceText& source) {
  return fmt::format("{} {}", source.is_file ? "script" : "description",
                     source.is_file ? source.name : source.name.substr(0, source.name.find_first_of("{/;")));
}

// An object file that needs nothing done to it is let pass.
Result<void> check_operand(const std::string& path) {
  auto bytes = read_file(path);
  if (!bytes) return Error(fmt::format("failed to open {}: {}", path, std::strerror(errno)));
  const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  if (!text.starts_with("\x7f"
                        "ELF"))
    return Error(path + " is not an ELF object");
  for (std::string_view prefix : kStaticProbes) {
    if (text.find(std::string(1, '\0') + std::string(prefix)) != std::string_view::npos) {
      return Error(path + " has static probes, which are not available yet");
    }
  }
  return {};
}

// -o; a script x.d becomes x.o; anything else d.out, numbered if there are several.
std::string output_name(const CommandLine& line, size_t index) {
  if (!line.output.empty()) return line.output;
  const d::SourceText& source = line.sources[index];
  if (source.is_file && source.name.ends_with(".d")) return source.name.substr(0, source.name.size() - 1) + "o";
  return line.sources.size() > 1 ? fmt::format("d.out.{}", index) : "d.out";
}

}  // namespace

int link_program(CommandLine& line) {
  const std::vector<std::string> operands(line.arguments.begin() + 1, line.arguments.end());
  line.arguments.resize(1);  // the others are object files
  line.options["linkmode"] = "dynamic";
  line.options["unodefs"] = "";
  if (!load_sources(line)) return kFatal;
  for (size_t i = 0; i < line.sources.size(); ++i) {
    CommandLine one = line;
    one.sources = {line.sources[i]};
    one.originals = {line.originals[i]};
    const auto program = compile_sources(one, 0);
    if (!program) return kFatal;
    const auto failed = [&](const Error& error) {
      return fatal(Error(fmt::format("failed to link {}: {}", title(line.sources[i]), error.message), error.hint));
    };
    if (one.options["linktype"] == "dof") return failed(Error("programs are written as ELF only"));
    for (const std::string& operand : operands) {
      if (auto checked = check_operand(operand); !checked) return failed(checked.error());
    }
    if (auto written = write_file_atomically(output_name(line, i), object::write(*program)); !written) {
      return failed(written.error());
    }
  }
  return kOk;
}

}  // namespace ht::dtrace
