// Run-time options of a program as a session's configuration (reference, sections 8.2 and 8.3).
#include <array>
#include <cctype>
#include <charconv>
#include <optional>

#include "engine/session.h"

namespace ht::engine {
namespace {

constexpr uint64_t kMaxStrsize = 1u << 20;
constexpr uint64_t kMaxSpeculations = 1u << 16;
constexpr uint64_t kMaxSize = uint64_t{1} << 40;

// Decimal, 0x or 0 octal, with an optional suffix k, m, g, t.
std::optional<uint64_t> parse_size(std::string_view text) {
  if (text.empty()) return 0;
  unsigned shift = 0;
  switch (std::tolower(static_cast<unsigned char>(text.back()))) {
    case 'k':
      shift = 10;
      break;
    case 'm':
      shift = 20;
      break;
    case 'g':
      shift = 30;
      break;
    case 't':
      shift = 40;
      break;
    default:
      break;
  }
  if (shift != 0) text.remove_suffix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || value > UINT64_MAX >> shift) return std::nullopt;
  return value << shift;
}

bool parse_flag(std::string_view text) {
  for (std::string_view unset : {"no", "disable", "disabled", "false", "off", "unset"}) {
    if (text == unset) return false;
  }
  return true;
}

struct SizeOption {
  std::string_view name;
  uint64_t least, most;
  void (*set)(SessionConfig&, uint64_t);
};
constexpr std::array kSizeOptions = {
    SizeOption{"bufsize", 1, kMaxSize, [](SessionConfig& c, uint64_t v) { c.bufsize = v; }},
    SizeOption{"aggsize", 0, kMaxSize, [](SessionConfig& c, uint64_t v) { c.aggsize = v; }},
    SizeOption{"dynvarsize", 0, kMaxSize, [](SessionConfig& c, uint64_t v) { c.dynvarsize = v; }},
    SizeOption{"strsize", 1, kMaxStrsize, [](SessionConfig& c, uint64_t v) { c.strsize = static_cast<uint32_t>(v); }},
    SizeOption{"nspec", 0, kMaxSpeculations, [](SessionConfig& c, uint64_t v) { c.nspec = static_cast<uint32_t>(v); }},
    SizeOption{"specsize", 0, kMaxSize, [](SessionConfig& c, uint64_t v) { c.specsize = v; }},
};

}  // namespace

Result<SessionConfig> session_config(const dif::Program& program) {
  SessionConfig config;
  for (const SizeOption& option : kSizeOptions) {
    const auto found = program.options.find(std::string(option.name));
    if (found == program.options.end()) continue;
    const std::optional<uint64_t> value = parse_size(found->second);
    if (!value || *value < option.least || *value > option.most) {
      return Error("option " + found->first + ": Invalid value for specified option");
    }
    option.set(config, *value);
  }
  if (const auto found = program.options.find("destructive"); found != program.options.end()) {
    config.destructive = parse_flag(found->second);
  }
  return config;
}

}  // namespace ht::engine
