// Errors, spelling hints and the caret under a source line.
#include "d/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "d/compile.h"

namespace ht::d {
std::string_view tag_name(Tag tag) {
  static constexpr std::string_view kNames[] = {
#define X(name) #name,
      HT_D_TAGS(X)
#undef X
  };
  return kNames[static_cast<size_t>(tag)];
}

Error fail(Tag tag, const Pos& pos, std::string message, std::string hint) {
  Error error(std::move(message), std::move(hint));
  error.tag = tag_name(tag);
  error.pos = pos.source();
  return error;
}

std::string caret(const std::string& source_text, const SourcePos& pos) {
  if (!pos.known() || pos.column == 0) return {};  // without a column it is said of the whole program
  size_t begin = 0;
  for (uint32_t line = 1; line < pos.line; line++) {
    begin = source_text.find('\n', begin);
    if (begin == std::string::npos) return {};
    begin++;
  }
  std::string text = source_text.substr(begin, source_text.find('\n', begin) - begin);
  if (!text.empty() && text.back() == '\r') text.pop_back();
  size_t column = std::min<size_t>(pos.column == 0 ? 1 : pos.column, text.size() + 1);
  // Tabs are kept in the padding, so that the caret stands under its character whatever a tab is wide. Of a character
  // of several bytes only the first counts.
  std::string padding;
  for (char c : text.substr(0, column - 1)) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) padding += c == '\t' ? '\t' : ' ';
  }
  return fmt::format("{:5} | {}\n      | {}^", pos.line, text, padding);
}

}  // namespace ht::d
