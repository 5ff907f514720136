#include "cmd/dtrace/messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <string_view>

#include "consumer/json_sink.h"
#include "dif/options.h"

namespace ht::dtrace {
namespace {

bool hints_shown = true;
bool debug_shown = false;
bool json_shown = false;

void write_line(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
}

void say_place(const SourcePos& pos, const d::SourceText* source, const std::string& hint) {
  if (!hints_shown) return;
  if (source != nullptr && pos.known()) {
    if (const std::string caret = d::caret(source->text, pos); !caret.empty()) write_line(caret);
  }
  if (!hint.empty()) write_line("      = " + hint);
}

// A script that renumbers its own lines: its positions do not say which line of the text they mean.
bool renumbers_lines(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with('#')) continue;
    line.remove_prefix(std::min(line.find_first_not_of(" \t", 1), line.size()));
    if (line.starts_with("line") || (!line.empty() && std::isdigit(static_cast<unsigned char>(line[0])) != 0))
      return true;
  }
  return false;
}

std::string tag_prefix(const Error& error, bool errtags) {
  return errtags && !error.tag.empty() ? "[" + error.tag + "] " : "";
}

void write_json(std::string_view kind, const Error& error) {
  if (!json_shown) return;
  const std::string line = consumer::json_error(kind, error);
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

void show_json(bool on) {
  json_shown = on;
}

void show_hints(bool on) {
  hints_shown = on;
}

void show_debug(bool on) {
  debug_shown = on;
}

void debug(const std::string& text) {
  if (debug_shown) write_line("dtrace DEBUG: " + text);
}

void show_as(const std::map<std::string, std::string>& options) {
  const auto format = options.find("format");
  show_json(format != options.end() && format->second == "json");
  show_hints(!dif::option_set(options, "oneline"));
  show_debug(dif::option_set(options, "debug"));
}

void say(const std::string& text) {
  write_line("dtrace: " + text);
}

void say(const Error& error) {
  say(error.message);
  if (hints_shown && !error.hint.empty()) write_line("      = " + error.hint);
}

int fatal(const std::string& text) {
  write_json("command", Error(text));
  say(text);
  return kFatal;
}

int fatal(const Error& error) {
  write_json("command", error);
  say(error);
  return kFatal;
}

const d::SourceText* source_of(const SourcePos& pos, const std::vector<d::SourceText>& sources) {
  const d::SourceText* found = nullptr;
  for (const d::SourceText& source : sources) {
    if (source.is_file ? source.name != pos.file : !pos.file.empty()) continue;
    const auto lines = 1 + std::count(source.text.begin(), source.text.end(), '\n');
    if (pos.line > lines) continue;
    if (found != nullptr) return nullptr;  // two program texts of the command line: either could be meant
    found = &source;
  }
  return found;
}

void say_compile_error(const d::CompileError& error, const std::vector<d::SourceText>& sources, bool errtags) {
  write_json("compile", error.error);
  const d::SourceText* source = error.source < sources.size() ? &sources[error.source] : nullptr;
  std::string prefix;
  if (source != nullptr) {
    prefix = source->is_file ? fmt::format("failed to compile script {}: ", source->name)
                             : fmt::format("invalid probe specifier {}: ", source->text);
  }
  say(prefix + tag_prefix(error.error, errtags) + error.where + error.error.message);
  if (!error.library.empty()) {
    const d::SourceText library{error.error.pos.file, error.library, true, d::DescContext::kName};
    say_place(error.error.pos, &library, error.error.hint);
    return;
  }
  // A position in a file that #line or the preprocessor named is not in this text.
  const bool here = source != nullptr && (error.error.pos.file.empty() || error.error.pos.file == source->name) &&
                    !renumbers_lines(source->text);
  say_place(error.error.pos, here ? source : nullptr, error.error.hint);
}

void say_at_source(const Error& error, const std::vector<d::SourceText>& sources, bool errtags) {
  write_json("link", error);
  const SourcePos& pos = error.pos;
  std::string place;
  if (pos.known()) {
    place = fmt::format("{}line {}, column {}: ", pos.file.empty() ? "" : pos.file + " ", pos.line, pos.column);
  }
  say(tag_prefix(error, errtags) + place + error.message);
  say_place(pos, source_of(pos, sources), error.hint);
}

}  // namespace ht::dtrace
