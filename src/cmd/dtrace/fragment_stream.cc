#include "cmd/dtrace/fragment_stream.h"

#include <fmt/format.h>

namespace ht::dtrace {
namespace {

std::string quoted(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '\n':
        result += "\\n";
        break;
      case '\t':
        result += "\\t";
        break;
      case '"':
      case '\\':
        result += '\\';
        result += c;
        break;
      default:
        result += c;
    }
  }
  return result;
}

}  // namespace

void FragmentStream::write(std::string_view text) {
  out_.write(fmt::format("fragment of {} bytes\n  \"{}\"\n", text.size(), quoted(text)));
}

}  // namespace ht::dtrace
