// Result<T>: a value or an Error; the one error idiom of the project. No exceptions cross a room's border.
//
//   Result<File> open(path);
//   ASSIGN_OR_RETURN(File file, open(path));     // returns the Error from the enclosing function
//   RETURN_IF_ERROR(file.write(bytes));
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace ht {

// A place in a D source. line and column count from 1; 0 means unknown. Columns count bytes.
struct SourcePos {
  std::string file;  // as the user named it; empty for a program text given on the command line
  uint32_t line = 0;
  uint32_t column = 0;
  bool known() const { return line != 0; }
};

// What went wrong, for a person. `message` is one sentence without a final newline that names the thing it is about.
struct Error {
  std::string message;
  std::string tag;   // DTrace's error tag (D_SYNTAX, ...) where there is one
  SourcePos pos;     // where in the D source, if it is about a source
  std::string hint;  // what to do next; may be empty

  Error() = default;
  explicit Error(std::string text) : message(std::move(text)) {}
  Error(std::string text, std::string hint_text) : message(std::move(text)), hint(std::move(hint_text)) {}

  // "message (hint)" for places that have one line only.
  std::string text() const { return hint.empty() ? message : message + " (" + hint + ")"; }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT: implicit by design
  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const& { return error_; }
  Error&& error() && { return std::move(error_); }

 private:
  Error error_;
  bool ok_ = true;
};

// Error made from errno: "TEXT: No such file or directory".
Error errno_error(std::string_view text, int errno_value);
Error errno_error(std::string_view text);

#define HT_CONCAT_(a, b) a##b
#define HT_CONCAT(a, b) HT_CONCAT_(a, b)
#define RETURN_IF_ERROR(expression)                         \
  do {                                                      \
    if (auto ht_result_ = (expression); !ht_result_.ok()) { \
      return std::move(ht_result_).error();                 \
    }                                                       \
  } while (0)
#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_(HT_CONCAT(ht_result_, __LINE__), declaration, expression)
#define ASSIGN_OR_RETURN_(name, declaration, expression) \
  auto name = (expression);                              \
  if (!name.ok()) return std::move(name).error();        \
  declaration = std::move(name).value()

}  // namespace ht
