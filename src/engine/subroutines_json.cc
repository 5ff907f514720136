// json(): one element of a JSON text, found by a path such as "a.b[3].c". The text is walked once, without recursion
// and without a copy; what lies behind the element is never looked at, so that a text cut at strsize still serves.
#include <algorithm>
#include <charconv>

#include "engine/machine.h"

namespace ht::engine {
namespace {

constexpr size_t kNowhere = std::string_view::npos;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class JsonWalk {
 public:
  explicit JsonWalk(std::string_view text) : text_(text) {}

  // Moves into the element that `path` names; false if there is none or the text before it is malformed.
  bool find(std::string_view path) {
    blanks();
    while (!path.empty()) {
      const bool in_brackets = path.front() == '[';
      if (in_brackets || path.front() == '.') path.remove_prefix(1);
      const size_t end = std::min(path.find_first_of(in_brackets ? "]" : ".["), path.size());
      if (in_brackets && end == path.size()) return false;
      if (!enter(path.substr(0, end), in_brackets)) return false;
      path.remove_prefix(end + (in_brackets ? 1 : 0));
      if (in_brackets && !path.empty() && path.front() != '.' && path.front() != '[') return false;
    }
    return true;
  }

  // The value here: a string without its quotes, anything else as it is written.
  bool value(std::string_view* out) {
    const size_t start = at_;
    const bool quoted = peek() == '"';
    if (!skip()) return false;
    *out = quoted ? text_.substr(start + 1, at_ - start - 2) : text_.substr(start, at_ - start);
    return true;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void blanks() { at_ = std::min(text_.find_first_not_of(" \t\n\r", at_), text_.size()); }

  bool enter(std::string_view element, bool in_brackets) {
    if (take('[')) return enter_array(element);
    return !in_brackets && take('{') && enter_object(element);
  }

  bool enter_array(std::string_view element) {
    uint64_t index = 0;
    const auto [end, error] = std::from_chars(element.data(), element.data() + element.size(), index);
    if (error != std::errc() || end != element.data() + element.size()) return false;
    for (blanks(); index != 0; --index) {
      if (!skip()) return false;
      blanks();
      if (!take(',')) return false;
      blanks();
    }
    return true;
  }

  bool enter_object(std::string_view element) {
    for (;;) {
      blanks();
      if (peek() != '"') return false;
      std::string_view name;
      if (!value(&name)) return false;
      blanks();
      if (!take(':')) return false;
      blanks();
      if (name == element) return true;
      if (!skip()) return false;
      blanks();
      if (!take(',')) return false;
    }
  }

  // Behind the value here.
  bool skip() {
    const char c = peek();
    if (c == '"') return skip_string();
    if (c == '{' || c == '[') return skip_container();
    if (c == '-' || is_digit(c)) return skip_number();
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return ended();
      }
    }
    return false;
  }

  bool skip_number() {
    at_ += text_[at_] == '-' ? 1 : 0;
    if (!is_digit(peek())) return false;
    at_ = std::min(text_.find_first_not_of("0123456789.+-eE", at_), text_.size());
    return ended();
  }

  // A number or word ends where something else could begin; 0x10 and falsehood are neither.
  bool ended() const { return at_ < text_.size() && std::string_view(" \t\n\r,]}").find(text_[at_]) != kNowhere; }

  bool skip_string() {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        ++at_;
        return true;
      }
    }
    return false;
  }

  bool skip_container() {
    size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        if (!skip_string()) return false;
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return true;
    }
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

// NULL if there is no such element.
bool Machine::json(Value* result) {
  std::string_view text, path, found;
  if (!text_arg(0, &text) || !text_arg(1, &path)) return false;
  JsonWalk walk(text);
  *result = {0, kTagAbsent};
  if (path.empty() || !walk.find(path) || !walk.value(&found)) return true;
  return string_result(found, result);
}

}  // namespace ht::engine
