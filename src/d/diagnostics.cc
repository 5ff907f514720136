// Errors, spelling hints and the caret under a source line.
#include "d/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "d/compile.h"

namespace ht::d {
namespace {

// Levenshtein's distance with a transposition of neighbours counted once (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> rows(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); i++) rows[i][0] = i;
  for (size_t j = 0; j <= b.size(); j++) rows[0][j] = j;
  for (size_t i = 1; i <= a.size(); i++) {
    for (size_t j = 1; j <= b.size(); j++) {
      size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      rows[i][j] = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
      }
    }
  }
  return rows[a.size()][b.size()];
}

}  // namespace

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

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
  static constexpr size_t kLongest = 64;  // longer words are not misspellings, and distance costs their product
  if (word.empty() || word.size() > kLongest) return {};
  size_t nearest = std::max<size_t>(1, word.size() / 3) + 1;
  std::string_view best;
  for (std::string_view candidate : candidates) {
    if (candidate.size() > kLongest) continue;
    size_t distance = edit_distance(word, candidate);
    if (distance < nearest && distance < candidate.size()) {
      nearest = distance;
      best = candidate;
    }
  }
  return best.empty() ? std::string() : fmt::format("did you mean \"{}\"?", best);
}

std::string caret(const std::string& source_text, const SourcePos& pos) {
  if (!pos.known()) return {};
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
