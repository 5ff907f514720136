#include "symbols/process_map.h"

#include <charconv>

#include "base/fd.h"
#include "base/words.h"

namespace ht::symbols {
namespace {

constexpr size_t kMostText = size_t{64} << 20;

bool hex(std::string_view text, uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

ProcessMap::ProcessMap(std::string_view text) {
  for_each_line(text, [this](std::string_view line) { add(line); });
}

ProcessMap ProcessMap::of(uint32_t pid) {
  const auto text = read_text_file("/proc/" + std::to_string(pid) + "/maps", kMostText);
  ProcessMap map(text.ok() ? std::string_view(*text) : std::string_view());
  map.start_ = start_of(pid);
  return map;
}

uint64_t ProcessMap::start_of(uint32_t pid) {
  constexpr int kFieldsBefore = 19;  // between the name, which may hold anything, and the 22nd field
  const auto text = read_text_file("/proc/" + std::to_string(pid) + "/stat");
  if (!text.ok() || text->rfind(')') == std::string::npos) return 0;
  std::string_view rest = std::string_view(*text).substr(text->rfind(')') + 1);
  for (int i = 0; i < kFieldsBefore; ++i) next_word(rest);
  uint64_t start = 0;
  const std::string_view word = next_word(rest);
  std::from_chars(word.data(), word.data() + word.size(), start);
  return start;
}

void ProcessMap::add(std::string_view rest) {
  const std::string_view range = next_word(rest);
  const size_t dash = range.find('-');
  Mapping mapping;
  if (dash == std::string_view::npos || !hex(range.substr(0, dash), mapping.begin) ||
      !hex(range.substr(dash + 1), mapping.end)) {
    return;
  }
  next_word(rest);  // permissions
  if (!hex(next_word(rest), mapping.offset)) return;
  mapping.file = next_word(rest);
  mapping.file += ' ';
  mapping.file += next_word(rest);
  const size_t begin = rest.find('/');
  if (begin != std::string_view::npos) mapping.path = rest.substr(begin);
  mappings_.push_back(std::move(mapping));
}

const ProcessMap::Mapping* ProcessMap::find(uint64_t address) const {
  for (const Mapping& mapping : mappings_) {
    if (address >= mapping.begin && address < mapping.end) return &mapping;
  }
  return nullptr;
}

}  // namespace ht::symbols
