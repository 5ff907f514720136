#include "cmd/dtrace/programs.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "cmd/dtrace/link_types.h"
#include "cmd/dtrace/messages.h"
#include "cmd/dtrace/preprocess.h"
#include "cmd/dtrace/stability_report.h"
#include "dif/assembler.h"
#include "engine/engine.h"

namespace ht::dtrace {
namespace {

std::map<std::string, uint64_t> macro_values(uint64_t target) {
  return {{"pid", static_cast<uint64_t>(getpid())},
          {"ppid", static_cast<uint64_t>(getppid())},
          {"pgid", static_cast<uint64_t>(getpgrp())},
          {"sid", static_cast<uint64_t>(getsid(0))},
          {"uid", getuid()},
          {"euid", geteuid()},
          {"gid", getgid()},
          {"egid", getegid()},
          {"target", target}};
}

// What is about compiling or this command is no part of the program.
void keep_program_options(dif::OptionMap& options) {
  std::erase_if(options, [](const auto& option) {
    const dif::OptionInfo* info = dif::find_option(option.first);
    return info == nullptr || info->use != dif::OptionUse::kProgram;
  });
}

// Ours, unless syslibdir names others; then those of -L, in order.
std::vector<d::LibraryText> libraries_of(const CommandLine& line) {
  std::vector<d::LibraryText> result;
  if (line.option("nolibs")) return result;
  const auto system = line.options.find("syslibdir");
  if (system != line.options.end()) {
    utsname kernel{};
    result = d::read_system_libraries(system->second, uname(&kernel) == 0 ? kernel.release : "");
  } else {
    result = d::embedded_library_texts();
  }
  for (const std::string& directory : dif::option_list(line.options, "libdir")) {
    for (d::LibraryText& library : d::read_libraries(directory)) result.push_back(std::move(library));
  }
  return result;
}

}  // namespace

bool load_sources(CommandLine& line) {
  show_as(line.options);
  for (d::SourceText& source : line.sources) {
    if (!source.is_file) continue;
    auto text = read_text_file(source.name);
    if (!text) {
      if (access(source.name.c_str(), R_OK) != 0) {
        say(fmt::format("failed to open {}: {}", source.name, std::strerror(errno)));
      } else {
        say(fmt::format("failed to compile script {}: Error occurred while reading from input stream", source.name));
      }
      return false;
    }
    source.text = std::move(*text);
  }
  line.originals = line.sources;
  for (d::SourceText& source : line.sources) {
    if (!source.is_file || !line.preprocess) continue;
    auto expanded = preprocess(source, line);
    if (!expanded) {
      say(fmt::format("failed to compile script {}: {}", source.name, expanded.error().message));
      return false;
    }
    source.text = std::move(*expanded);
  }
  return true;
}

std::optional<dif::Program> compile_sources(CommandLine& line, uint64_t target, d::StabilityReport* stability,
                                            std::vector<d::ProbeInterface>* probes) {
  d::CompileOptions options;
  options.hypertrace = line.guests;
  options.macro_arguments = line.arguments;
  options.macro_values = macro_values(target);
  options.ilp32 = line.ilp32;
  options.argref = line.option("argref");
  options.defaultargs = line.option("defaultargs");
  options.empty = line.option("empty");
  options.options = line.options;

  options.libraries = libraries_of(line);
  if (!line.guests) {
    set_world(options);
    options.probe_arguments = [](const dif::ProbeDesc& desc) {
      // None of this machine's own probes has typed arguments.
      return std::vector<size_t>(engine::match_host_probes(desc).size());
    };
  }
  types::RunningKernel kernel = compile_kernel(line);
  if (!line.guests) options.kernel = &kernel;

  d::CompileResult result = d::compile(line.sources, options);
  line.options = result.program.options;  // with what pragmas set
  show_as(line.options);
  if (!result.ok()) {
    for (const d::CompileError& error : result.errors) say_compile_error(error, line.originals, line.option("errtags"));
    return std::nullopt;
  }
  debug(fmt::format("compiled {} clauses, {} variables, {} aggregations", result.program.clauses.size(),
                    result.program.variables.size(), result.program.aggregations.size()));
  keep_program_options(result.program.options);
  if (probes != nullptr) *probes = std::move(result.probes);
  if (line.disassemble) {
    const std::string text = dif::disassemble(result.program);
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
  if (stability != nullptr) *stability = std::move(result.stability);
  return std::move(result.program);
}

std::string short_name(const dif::Source& source) {
  return source.is_file ? source.name : source.name.substr(0, source.name.find_first_of("{/;"));
}

void say_matched(const dif::Program& program, const std::vector<uint64_t>& matched) {
  if (dif::option_set(program.options, "quiet")) return;
  for (size_t i = 0; i < program.sources.size(); ++i) {
    uint64_t total = 0;
    for (size_t c = 0; c < program.clauses.size() && c < matched.size(); ++c) {
      if (program.clauses[c].source == i) total += matched[c];
    }
    const dif::Source& source = program.sources[i];
    const std::string name = short_name(source);
    say(fmt::format("{} '{}' matched {} {}", source.is_file ? "script" : "description", name, total,
                    total == 1 ? "probe" : "probes"));
  }
}

}  // namespace ht::dtrace
