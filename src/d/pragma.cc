// #pragma D option, depends_on, attributes, binding; #error, #line, #ident.
#include "d/pragma.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <vector>

#include "dif/options.h"

namespace ht::d {
namespace {

struct Words {
  std::string_view rest;
  // The next word: a quoted string with its quotes, or a run without blanks; empty at the end.
  std::string_view next() {
    size_t begin = rest.find_first_not_of(" \t\f\v\r");
    if (begin == std::string_view::npos) return rest = {};
    rest.remove_prefix(begin);
    size_t size = 0;
    if (rest[0] == '"') {
      size = rest.find('"', 1);
      size = size == std::string_view::npos ? rest.size() : size + 1;
    } else {
      size = std::min(rest.find_first_of(" \t\f\v\r"), rest.size());
    }
    std::string_view word = rest.substr(0, size);
    rest.remove_prefix(size);
    return word;
  }
};

using Options = dif::OptionMap;
using Mark = Result<std::optional<LineMark>>;

Mark set_option(Words words, const Pos& pos, Options& options) {
  std::string_view word = words.next();
  if (word.empty()) return fail(Tag::D_PRAGMA_MALFORM, pos, "malformed #pragma option <option>=<val>");
  if (!words.next().empty()) {
    return fail(Tag::D_PRAGMA_MALFORM, pos, "superfluous arguments specified for #pragma option");
  }
  size_t equals = word.find('=');
  std::string name(word.substr(0, equals));
  std::string value(equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  std::optional<std::string_view> given;
  if (equals != std::string_view::npos) given = value;
  auto set = dif::set_option(options, name, given, dif::OptionSource::kPragma);
  if (set.ok()) return std::optional<LineMark>();
  std::string what =
      equals == std::string_view::npos ? fmt::format("'{}'", name) : fmt::format("'{}' to '{}'", name, value);
  return fail(Tag::D_PRAGMA_OPTSET, pos, fmt::format("failed to set option {}: {}", what, set.error().message),
              set.error().hint);
}

Mark depends_on(Words words, const Pos& pos, Options&) {
  std::string_view kind = words.next(), name = words.next();
  if (name.empty() || !words.next().empty()) {
    return fail(Tag::D_PRAGMA_MALFORM, pos, "malformed #pragma depends_on <class> <name>");
  }
  if (kind == "library") {
    return fail(Tag::D_PRAGMA_DEPEND, pos, "main program may not explicitly depend on a library");
  }
  if (kind != "provider" && kind != "module") {
    return fail(Tag::D_PRAGMA_INVAL, pos, fmt::format("invalid class {} specified by #pragma depends_on", kind));
  }
  // Which providers and modules there are is known where the probes are, on each target; a description that matches
  // nothing is reported there.
  return std::optional<LineMark>();
}

// "Stable/Evolving/Common": stability of an interface. Checked for form; this compiler computes no stability.
Mark attributes(Words words, const Pos& pos, Options&) {
  std::string_view value = words.next(), name = words.next();
  if (value.empty() || name.empty()) {
    return fail(Tag::D_PRAGMA_MALFORM, pos, "malformed #pragma attributes <attributes> <ident>");
  }
  if (std::count(value.begin(), value.end(), '/') != 2) {
    return fail(Tag::D_PRAGMA_INVAL, pos, "invalid attributes specified by #pragma attributes");
  }
  return std::optional<LineMark>();
}

Mark binding(Words words, const Pos& pos, Options&) {
  std::string_view version = words.next(), name = words.next();
  if (version.empty() || name.empty() || !words.next().empty()) {
    return fail(Tag::D_PRAGMA_MALFORM, pos, "malformed #pragma binding \"version\" <ident>");
  }
  if (version.front() != '"' || version.find_first_not_of("\".0123456789") != std::string_view::npos) {
    return fail(Tag::D_PRAGMA_INVAL, pos, "invalid version string specified by #pragma binding");
  }
  return std::optional<LineMark>();
}

Mark error_line(Words words, const Pos& pos, Options&) {
  std::string message = "#error: ";
  for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
    message += word;
    message += ' ';
  }
  return fail(Tag::D_PRAGERR, pos, message);
}

Mark ident_line(Words, const Pos&, Options&) {
  return std::optional<LineMark>();
}

// `directive` is what the message calls it: "line" or, for cpp's own markers, the line number.
Mark line_mark(std::string_view directive, std::string_view number, Words words, const Pos& pos) {
  LineMark mark;
  bool valid = !number.empty() && number.size() <= 9 && number.find_first_not_of("0123456789") == std::string::npos;
  for (char c : valid ? number : std::string_view()) mark.line = mark.line * 10 + static_cast<uint32_t>(c - '0');
  std::string_view file = words.next();
  if (!file.empty()) {
    valid = valid && file.size() >= 2 && file.front() == '"' && file.back() == '"';
    if (valid) mark.file = file.substr(1, file.size() - 2);
  }
  if (!valid) {
    return fail(Tag::D_PRAGMA_MALFORM, pos, fmt::format("malformed #{} <line> [ [\"file\"] state ]", directive));
  }
  return std::optional<LineMark>(mark);
}

Mark line_line(Words words, const Pos& pos, Options&) {
  std::string_view number = words.next();
  return line_mark("line", number, words, pos);
}

struct Directive {
  std::string_view name;
  Mark (*run)(Words, const Pos&, Options&);
  bool only_pragma_d;
};
constexpr Directive kDirectives[] = {
    {"option", set_option, true}, {"depends_on", depends_on, true}, {"attributes", attributes, true},
    {"binding", binding, true},   {"error", error_line, false},     {"ident", ident_line, false},
    {"line", line_line, false},
};

const Directive* find_directive(std::string_view name, bool pragma_d) {
  for (const Directive& directive : kDirectives) {
    if (directive.name == name && (pragma_d || !directive.only_pragma_d)) return &directive;
  }
  return nullptr;
}

}  // namespace

Mark run_control_line(std::string_view text, const Pos& pos, Options& options) {
  Words words{text};
  std::string_view word = words.next();
  if (word.empty()) return std::optional<LineMark>();
  if (std::isdigit(static_cast<unsigned char>(word[0])) != 0) return line_mark(word, word, words, pos);
  if (word == "pragma") {
    word = words.next();
    if (word != "D") {
      const Directive* directive = find_directive(word, false);
      return directive != nullptr ? directive->run(words, pos, options) : Mark(std::optional<LineMark>());
    }
    word = words.next();
    const Directive* directive = find_directive(word, true);
    if (directive == nullptr) return fail(Tag::D_PRAGMA_INVAL, pos, fmt::format("invalid D pragma: {}", word));
    return directive->run(words, pos, options);
  }
  const Directive* directive = find_directive(word, false);
  if (directive != nullptr) return directive->run(words, pos, options);
  if (std::isalpha(static_cast<unsigned char>(word[0])) == 0) {
    return fail(Tag::D_PRAGCTL_INVAL, pos, "invalid control directive");
  }
  std::string hint = word == "include" || word == "define" || word == "if" || word == "ifdef"
                         ? "the C preprocessor runs only with -C"
                         : "";
  return fail(Tag::D_PRAGCTL_INVAL, pos, fmt::format("invalid control directive: #{}", word), hint);
}

}  // namespace ht::d
