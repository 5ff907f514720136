#include "cmd/dtrace/programs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "cmd/dtrace/messages.h"
#include "cmd/dtrace/preprocess.h"
#include "dif/assembler.h"

namespace ht::dtrace {
namespace {

// Options that are about this command and no part of the program.
constexpr std::string_view kCommandOptions[] = {"cpp",     "cpphdrs",   "cpppath", "define", "errtags", "incdir",
                                                "partial", "resolvers", "stdc",    "undef",  "zdefs"};

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

// What a pragma set is checked like -x, only later: the compiler knows names, the command knows values.
Result<void> check_options(const dif::Program& program) {
  for (const auto& [name, value] : program.options) {
    OptionMap scratch;
    const OptionInfo* info = find_option(name);
    const std::string text =
        value.empty() || (info != nullptr && info->kind == ValueKind::kFlag) ? name : name + "=" + value;
    if (auto result = set_option(text, scratch); !result) {
      return Error(fmt::format("failed to set option '{}'{}: {}", name, value.empty() ? "" : " to '" + value + "'",
                               result.error().message));
    }
  }
  return {};
}

}  // namespace

bool load_sources(CommandLine& line) {
  for (d::SourceText& source : line.sources) {
    if (!source.is_file) continue;
    auto text = read_text_file(source.name);
    if (!text) {
      const bool unreadable = access(source.name.c_str(), R_OK) != 0;
      say(fmt::format("failed to open {}: {}", source.name, unreadable ? std::strerror(errno) : text.error().message));
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

std::optional<dif::Program> compile_sources(const CommandLine& line, uint64_t target) {
  d::CompileOptions options;
  options.hypertrace = line.guests;
  options.macro_arguments = line.arguments;
  options.macro_values = macro_values(target);
  options.argref = line.option("argref");
  options.defaultargs = line.option("defaultargs");
  options.empty = line.option("empty");
  options.options = line.options;
  for (std::string_view name : kCommandOptions) options.options.erase(std::string(name));

  d::CompileResult result = d::compile(line.sources, options);
  if (!result.ok()) {
    for (const d::CompileError& error : result.errors) say_compile_error(error, line.originals, line.option("errtags"));
    return std::nullopt;
  }
  if (auto checked = check_options(result.program); !checked) {
    say(checked.error());
    return std::nullopt;
  }
  if (line.disassemble) {
    const std::string text = dif::disassemble(result.program);
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
  return std::move(result.program);
}

void say_matched(const dif::Program& program, const std::vector<uint64_t>& matched) {
  if (is_set(program.options, "quiet")) return;
  for (size_t i = 0; i < program.sources.size(); ++i) {
    uint64_t total = 0;
    for (size_t c = 0; c < program.clauses.size() && c < matched.size(); ++c) {
      if (program.clauses[c].source == i) total += matched[c];
    }
    const dif::Source& source = program.sources[i];
    const std::string name = source.is_file ? source.name : source.name.substr(0, source.name.find_first_of("{/;"));
    say(fmt::format("{} '{}' matched {} {}", source.is_file ? "script" : "description", name, total,
                    total == 1 ? "probe" : "probes"));
  }
}

}  // namespace ht::dtrace
