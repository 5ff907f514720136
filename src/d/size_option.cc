// Sizes: digits, then an optional suffix.
#include "d/size_option.h"

#include <cctype>

namespace ht::d {
namespace {

struct Suffix {
  char letter;
  unsigned shift;
};
constexpr Suffix kSuffixes[] = {{'k', 10}, {'m', 20}, {'g', 30}, {'t', 40}};
constexpr uint64_t kMost = uint64_t{1} << 40;

}  // namespace

uint64_t size_option(const std::map<std::string, std::string>& options, std::string_view name, uint64_t otherwise) {
  auto found = options.find(std::string(name));
  if (found == options.end() || found->second.empty()) return otherwise;
  std::string_view text = found->second;
  unsigned shift = 0;
  for (const Suffix& suffix : kSuffixes) {
    if (std::tolower(static_cast<unsigned char>(text.back())) == suffix.letter) shift = suffix.shift;
  }
  if (shift != 0) text.remove_suffix(1);
  uint64_t value = 0;
  for (char c : text) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) return otherwise;
    value = value * 10 + static_cast<uint64_t>(c - '0');
    if (value > kMost) return kMost;
  }
  return value > kMost >> shift ? kMost : value << shift;
}

}  // namespace ht::d
