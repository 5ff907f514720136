// What dtrace(1) says about itself, on stderr. Every line begins with "dtrace: ".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "d/compile.h"

namespace ht::dtrace {

inline constexpr int kOk = 0, kFatal = 1, kUsage = 2;  // exit statuses

// DTrace's own first line only, without source lines, carets and hints (-x oneline).
void show_hints(bool on);
// Errors also as JSON objects on standard output (-x format=json).
void show_json(bool on);
// All of it, as -x and pragmas have set it by now.
void show_as(const std::map<std::string, std::string>& options);

void say(const std::string& text);
// What goes on inside, with -x debug.
void show_debug(bool on);
void debug(const std::string& text);
// The message, and the hint on a line of its own.
void say(const Error& error);
int fatal(const std::string& text);  // says it; returns kFatal
int fatal(const Error& error);

// "dtrace: failed to compile script FILE: line 3: TEXT", the source line with a caret, the hint. The tag is shown with
// the option errtags.
void say_compile_error(const d::CompileError& error, const std::vector<d::SourceText>& sources, bool errtags);

// What the linker found at a place of the source: "dtrace: FILE line 3, column 14: TEXT", caret, hint.
void say_at_source(const Error& error, const std::vector<d::SourceText>& sources, bool errtags);

// The source that a position is in; null if that cannot be told.
const d::SourceText* source_of(const SourcePos& pos, const std::vector<d::SourceText>& sources);

}  // namespace ht::dtrace
