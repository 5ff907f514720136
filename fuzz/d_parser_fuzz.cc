// The D compiler on arbitrary bytes: it compiles them or says why not, and does not crash, hang or run out of stack.
// The first byte chooses between a script and a command-line program, with and without -E.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "d/compile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const uint8_t mode = data[0];
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);

  ht::d::CompileOptions options;
  options.hypertrace = (mode & 1) != 0;
  options.defaultargs = (mode & 2) != 0;
  options.macro_arguments = {"fuzz.d", "42", "execname", "some text"};
  options.argref = true;
  options.macro_values = {{"pid", 1}, {"target", 2}};
  const bool is_file = (mode & 4) != 0;
  const auto context = static_cast<ht::d::DescContext>(mode >> 4 & 3);
  const ht::d::CompileResult result = ht::d::compile({{"fuzz.d", text, is_file, context}}, options);
  for (const ht::d::CompileError& error : result.errors) {
    // An internal error is a bug even though it does not crash.
    if (error.error.message.starts_with("internal error")) std::abort();
    ht::d::caret(text, error.error.pos);
  }
  auto description = ht::d::parse_description(text, context, options.hypertrace);
  static_cast<void>(description);
  return 0;
}
