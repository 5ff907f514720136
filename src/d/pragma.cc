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

Mark set_option(Words words, const Pos& pos, const Controls& controls) {
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
  auto set = dif::set_option(controls.options, name, given, dif::OptionSource::kPragma);
  if (set.ok() && name == "version") set = controls.interfaces.restrict_version(value);
  if (set.ok()) return std::optional<LineMark>();
  std::string what =
      equals == std::string_view::npos ? fmt::format("'{}'", name) : fmt::format("'{}' to '{}'", name, value);
  return fail(Tag::D_PRAGMA_OPTSET, pos, fmt::format("failed to set option {}: {}", what, set.error().message),
              set.error().hint);
}

// What a pragma has done changes no position.
Mark done(Result<void> result) {
  if (!result.ok()) return std::move(result).error();
  return std::optional<LineMark>();
}

bool is_word(std::string_view word) {
  return !word.empty() && word[0] != '"' && std::isdigit(static_cast<unsigned char>(word[0])) == 0;
}

std::optional<std::string_view> quoted(std::string_view word) {
  if (word.size() < 2 || word.front() != '"' || word.back() != '"') return std::nullopt;
  return word.substr(1, word.size() - 2);
}

Mark depends_on(Words words, const Pos& pos, const Controls& controls) {
  std::string_view kind = words.next(), name = words.next();
  if (!is_word(kind) || !is_word(name)) {
    return fail(Tag::D_PRAGMA_MALFORM, pos, "malformed #pragma depends_on <class> <name>");
  }
  return done(controls.interfaces.pragma_depends_on(kind, name, pos));
}

Mark attributes(Words words, const Pos& pos, const Controls& controls) {
  std::string_view value = words.next(), name = words.next();
  if (!is_word(value) || !is_word(name)) {
    return fail(Tag::D_PRAGMA_MALFORM, pos, "malformed #pragma attributes <attributes> <ident>");
  }
  if (name != "provider") return done(controls.interfaces.pragma_attributes(value, name, pos));
  std::string_view provider = words.next(), component = words.next();
  if (!is_word(provider) || !is_word(component)) {
    return fail(Tag::D_PRAGMA_MALFORM, pos, "malformed #pragma attributes <attributes> provider <name> <component>");
  }
  return done(controls.interfaces.pragma_provider_attributes(value, provider, component, pos));
}

Mark binding(Words words, const Pos& pos, const Controls& controls) {
  std::optional<std::string_view> version = quoted(words.next());
  std::string_view name = words.next();
  if (!version.has_value() || !is_word(name)) {
    return fail(Tag::D_PRAGMA_MALFORM, pos, "malformed #pragma binding \"version\" <ident>");
  }
  return done(controls.interfaces.pragma_binding(*version, name, pos));
}

Mark error_line(Words words, const Pos& pos, const Controls&) {
  std::string message = "#error: ";
  for (std::string_view word = words.next(); !word.empty(); word = words.next()) {
    message += quoted(word).value_or(word);
    message += ' ';
  }
  return fail(Tag::D_PRAGERR, pos, message);
}

Mark ident_line(Words, const Pos&, const Controls&) {
  return std::optional<LineMark>();
}

// #line and the preprocessor's own markers, which have the number alone.
Mark line_mark(std::string_view number, Words words, const Pos& pos) {
  LineMark mark;
  bool valid = !number.empty() && number.size() <= 9 && number.find_first_not_of("0123456789") == std::string::npos;
  for (char c : valid ? number : std::string_view()) mark.line = mark.line * 10 + static_cast<uint32_t>(c - '0');
  std::string_view file = words.next();
  if (!file.empty()) {
    valid = valid && quoted(file).has_value();
    if (valid) mark.file = *quoted(file);
  }
  std::string_view state = words.next();
  valid = valid && (state.empty() || std::isdigit(static_cast<unsigned char>(state[0])) != 0);
  for (; !file.empty() && !state.empty(); state = words.next()) {
    mark.enters = mark.enters || state == "1";
    mark.leaves = mark.leaves || state == "2";
  }
  if (!valid) {
    return fail(Tag::D_PRAGMA_MALFORM, pos, "malformed #line <line> [ [\"file\"] state ]");
  }
  return std::optional<LineMark>(mark);
}

Mark line_line(Words words, const Pos& pos, const Controls&) {
  std::string_view number = words.next();
  return line_mark(number, words, pos);
}

struct Directive {
  std::string_view name;
  Mark (*run)(Words, const Pos&, const Controls&);
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

Mark run_control_line(std::string_view text, const Pos& pos, const Controls& controls) {
  Words words{text};
  std::string_view word = words.next();
  if (word.empty()) return std::optional<LineMark>();
  if (std::isdigit(static_cast<unsigned char>(word[0])) != 0) return line_mark(word, words, pos);
  if (word == "pragma") {
    word = words.next();
    if (word != "D") {
      const Directive* directive = find_directive(word, false);
      return directive != nullptr ? directive->run(words, pos, controls) : Mark(std::optional<LineMark>());
    }
    word = words.next();
    const Directive* directive = find_directive(word, true);
    if (directive == nullptr) return fail(Tag::D_PRAGMA_INVAL, pos, fmt::format("invalid D pragma: {}", word));
    return directive->run(words, pos, controls);
  }
  const Directive* directive = find_directive(word, false);
  if (directive != nullptr) return directive->run(words, pos, controls);
  if (std::isalpha(static_cast<unsigned char>(word[0])) == 0) {
    return fail(Tag::D_PRAGCTL_INVAL, pos, "invalid control directive");
  }
  std::string hint = word == "include" || word == "define" || word == "if" || word == "ifdef"
                         ? "the C preprocessor runs only with -C"
                         : "";
  return fail(Tag::D_PRAGCTL_INVAL, pos, fmt::format("invalid control directive: #{}", word), hint);
}

}  // namespace ht::d
