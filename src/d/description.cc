// Probe descriptions (reference, section 1.10). Under -E there is one field more in front of the provider, the target:
// "vm*:syscall:::entry" has all five, and shorter forms mean every target.
#include "d/description.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <limits>
#include <optional>

#include "d/lexer.h"

namespace ht::d {
namespace {

struct FieldInfo {
  std::string dif::ProbeDesc::*member;
  std::string_view word;
  size_t limit;  // bytes including a final NUL
};
// From the right, beginning at the name; a DescContext is an index into it.
constexpr FieldInfo kFields[] = {
    {&dif::ProbeDesc::name, "name", 64},      {&dif::ProbeDesc::function, "function", 192},
    {&dif::ProbeDesc::module, "module", 64},  {&dif::ProbeDesc::provider, "provider", 64},
    {&dif::ProbeDesc::target, "target", 256},
};
constexpr size_t kTargetField = 4;

Error invalid(const Pos& pos, std::string_view text, std::string_view why, std::string hint = {}) {
  return fail(Tag::D_PDESC_INVAL, pos, fmt::format("invalid probe description \"{}\": {}", text, why), std::move(hint));
}

// One macro in a field, with the text around it: $name reaches as far as it can, $1 ends with its digits.
std::optional<std::string> expand_macro(std::string_view field, MacroTable& macros) {
  size_t dollar = field.find('$');
  if (dollar == std::string_view::npos) return std::string(field);
  size_t begin = dollar + (field.substr(dollar).starts_with("$$") ? 2 : 1);
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  bool number = begin < field.size() && digit(field[begin]);
  auto word = [&](char c) {
    return digit(c) || (!number && (std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'));
  };
  size_t end = begin;
  while (end < field.size() && word(field[end])) end++;
  std::string_view after = field.substr(end);
  if (after.find('$') != std::string_view::npos) return std::nullopt;
  std::optional<std::string> value = macros.expand_text(field.substr(begin, end - begin));
  if (!value.has_value()) return std::nullopt;
  return fmt::format("{}{}{}", field.substr(0, dollar), *value, after);
}

// Splits at colons, but not at one that a backslash quotes.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> fields(1);
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] == ':') {
      fields.emplace_back();
      continue;
    }
    fields.back() += text[i];
    if (text[i] == '\\' && i + 1 < text.size()) fields.back() += text[++i];
  }
  return fields;
}

}  // namespace

Result<dif::ProbeDesc> read_description(std::string_view text, DescContext context, bool hypertrace, const Pos& pos,
                                        MacroTable* macros) {
  std::vector<std::string> fields = split(text);
  size_t first = static_cast<size_t>(context);
  size_t available = (hypertrace ? kTargetField + 1 : kTargetField) - first;
  if (fields.size() > available) {
    return invalid(pos, text, "Overspecified probe description",
                   !hypertrace && fields.size() == available + 1 ? "a target in front of the provider needs -E" : "");
  }
  dif::ProbeDesc desc;
  desc.pos = pos.source();
  for (size_t i = 0; i < fields.size(); i++) {
    const FieldInfo& info = kFields[first + i];
    std::string& field = fields[fields.size() - 1 - i];
    if (macros != nullptr) {
      std::optional<std::string> expanded = expand_macro(field, *macros);
      if (!expanded.has_value()) return invalid(pos, text, "Undefined macro variable in probe description");
      field = std::move(*expanded);
    }
    if (field.size() >= info.limit) {
      return invalid(pos, text, "File name too long",
                     fmt::format("a {} has at most {} characters", info.word, info.limit - 1));
    }
    desc.*info.member = std::move(field);
  }
  return desc;
}

Result<dif::ProbeDesc> read_probe_id(uint64_t id, DescContext context, const Pos& pos) {
  if (context != DescContext::kName) {
    return fail(Tag::D_PDESC_INVAL, pos,
                fmt::format("probe identifier {} not permitted when specifying {}s", id,
                            kFields[static_cast<size_t>(context)].word));
  }
  if (id > std::numeric_limits<uint32_t>::max()) {
    return fail(Tag::D_PDESC_INVAL, pos, fmt::format("identifier {} exceeds maximum probe id", id));
  }
  if (id == 0) {
    return fail(Tag::D_PDESC_INVAL, pos, "invalid probe identifier 0: Unknown probe identifier");
  }
  dif::ProbeDesc desc;
  desc.id = static_cast<uint32_t>(id);
  desc.pos = pos.source();
  return desc;
}

Result<dif::ProbeDesc> parse_description(std::string_view text, DescContext context, bool hypertrace) {
  Pos pos{nullptr, 1, 1};
  for (size_t i = 0; i < text.size(); i++) {
    if (is_description_char(text[i]) || (i > 0 && text[i - 1] == '\\')) continue;
    Pos bad{nullptr, 1, static_cast<uint32_t>(i + 1)};
    return invalid(bad, text, fmt::format("character '{}' may not be part of one", text[i]));
  }
  if (!text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    uint64_t id = 0;
    for (char c : text.substr(0, 18)) id = id * 10 + static_cast<uint64_t>(c - '0');
    return read_probe_id(id, context, pos);
  }
  return read_description(text, context, hypertrace, pos, nullptr);
}

}  // namespace ht::d
