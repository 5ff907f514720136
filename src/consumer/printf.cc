// printf conversions, by way of the C library's own.
#include "consumer/printf.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "consumer/text.h"

namespace ht::consumer {
namespace {

using dif::Conversion;

// Flags, width and precision as they are applied: what the format says, with * filled in.
struct Spec {
  std::string flags;
  int width = 0;
  int precision = 0;  // 0: none

  static Spec of(const Conversion& conversion) {
    Spec spec;
    if (conversion.alternate) spec.flags += '#';
    if (conversion.zero) spec.flags += '0';
    if (conversion.minus) spec.flags += '-';
    if (conversion.plus) spec.flags += '+';
    if (conversion.group) spec.flags += '\'';
    if (conversion.space) spec.flags += ' ';
    spec.width = conversion.width;
    spec.precision = std::max(0, conversion.precision);
    return spec;
  }
  std::string c_format(std::string_view letters) const {
    std::string format = "%" + flags;
    if (width > 0) format += std::to_string(width);
    if (precision > 0) format += "." + std::to_string(precision);
    return format + std::string(letters);
  }
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
template <typename T>
std::string c_print(const std::string& format, T value) {
  const int size = std::snprintf(nullptr, 0, format.c_str(), value);
  if (size <= 0) return {};
  std::string text(static_cast<size_t>(size) + 1, '\0');
  std::snprintf(text.data(), text.size(), format.c_str(), value);
  text.resize(static_cast<size_t>(size));
  return text;
}
#pragma GCC diagnostic pop

std::string print_text(const Spec& spec, const std::string& text) {
  // By hand: C's %s counts bytes just so, but a value may be longer than INT_MAX is polite to.
  std::string cut = spec.precision > 0 ? text.substr(0, static_cast<size_t>(spec.precision)) : text;
  const auto width = static_cast<size_t>(std::max(0, spec.width));
  if (cut.size() >= width) return cut;
  const std::string blanks(width - cut.size(), ' ');
  return spec.flags.find('-') != std::string::npos ? cut + blanks : blanks + cut;
}

std::string escaped(char c) {
  static constexpr std::string_view kPlain = "\a\b\f\n\r\t\v\"\\";
  static constexpr std::string_view kNames = "abfnrtv\"\\";
  if (const size_t at = kPlain.find(c); at != std::string_view::npos) return {'\\', kNames[at]};
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= ' ' && byte <= '~') return {c};
  return byte == 0 ? "\\0" : fmt::format("\\{:03o}", byte);
}

std::string escaped_text(ByteView bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    text += escaped(static_cast<char>(byte));
    if (byte == 0) break;
  }
  return text;
}

std::string local_time(uint64_t nanoseconds, const char* format) {
  const auto seconds = static_cast<time_t>(nanoseconds / 1'000'000'000);
  tm parts{};
  if (localtime_r(&seconds, &parts) == nullptr) return {};
  char text[128];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

void append_utf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x110000) {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += '?';
  }
}

std::string wide_text(ByteView bytes) {
  std::string text;
  for (size_t at = 0; at + 4 <= bytes.size(); at += 4) {
    uint32_t c = 0;
    std::memcpy(&c, bytes.data() + at, sizeof c);
    if (c == 0) break;
    append_utf8(text, c);
  }
  return text;
}

std::string service_name(uint16_t port) {
  const servent* service = getservbyport(htons(port), nullptr);
  return service != nullptr ? service->s_name : std::to_string(port);
}

std::string host_name(const std::string& address) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.c_str(), nullptr, &hints, &found) != 0) return address;
  char name[NI_MAXHOST];
  const bool named = getnameinfo(found->ai_addr, found->ai_addrlen, name, sizeof name, nullptr, 0, NI_NAMEREQD) == 0;
  freeaddrinfo(found);
  return named ? name : address;
}

std::string print_float(const Spec& spec, std::string letter, const Datum& value) {
  if (value.bytes.size() == sizeof(float)) {
    float number = 0;
    std::memcpy(&number, value.bytes.data(), sizeof number);
    return c_print(spec.c_format(letter), static_cast<double>(number));
  }
  if (value.bytes.size() == sizeof(long double)) {
    long double number = 0;
    std::memcpy(&number, value.bytes.data(), sizeof number);
    return c_print(spec.c_format("L" + letter), number);
  }
  double number = 0;
  if (value.bytes.size() == sizeof number) std::memcpy(&number, value.bytes.data(), sizeof number);
  return c_print(spec.c_format(letter), number);
}

// `bits` as the letter says; `number` is the same value extended by its own sign.
std::string print_integer(const Spec& spec, char letter, int64_t number, uint64_t bits, bool is_signed) {
  switch (letter) {
    case 'd':
    case 'i':
      return is_signed ? c_print(spec.c_format("lld"), static_cast<long long>(number))
                       : c_print(spec.c_format("llu"), static_cast<unsigned long long>(bits));
    case 'p':
      return c_print(spec.c_format("llx"), static_cast<unsigned long long>(bits));
    default:
      return c_print(spec.c_format(std::string("ll") + letter), static_cast<unsigned long long>(bits));
  }
}

std::string print_stack(const Spec& spec, const Datum& value, Symbols* symbols) {
  const bool indent = spec.flags.find('-') != std::string::npos;
  return indent ? stack_text(value, spec.width, 0, symbols) : stack_text(value, 0, spec.width, symbols);
}

// %a and %A: with the offset, but for what mod() and umod() name.
std::string print_address(const Conversion& conversion, const Spec& spec, const Datum& value, Symbols* symbols) {
  if (value.is_symbol()) return print_text(spec, symbol_text(value, symbols, Offset::kShown));
  const uint64_t address = value.zero_extended();
  const std::optional<Symbol> symbol = symbols == nullptr         ? std::nullopt
                                       : conversion.letter == "a" ? symbols->kernel(symbols->firing(), address)
                                                                  : symbols->user(symbols->target(), address);
  return print_text(spec, address_text(symbol, address, Offset::kShown));
}

std::string print_value(const Conversion& conversion, const Spec& spec, const Datum& value, Symbols* symbols) {
  const char letter = conversion.letter.empty() ? 'd' : conversion.letter[0];
  const bool wide = conversion.size == "l" || conversion.size == "w";
  if (value.is_stack()) return print_stack(spec, value, symbols);
  if (value.is_symbol()) return print_address(conversion, spec, value, symbols);
  switch (letter) {
    case 'c':
      if (wide) {
        std::string text;
        append_utf8(text, static_cast<uint32_t>(value.zero_extended()));
        return print_text(spec, text);
      }
      return c_print(spec.c_format("c"), static_cast<int>(value.zero_extended() & 0xff));
    case 'C':
      return print_text(spec, escaped(static_cast<char>(value.zero_extended())));
    case 's':
      return print_text(spec, wide ? wide_text(value.bytes) : value.text());
    case 'S':
      return print_text(spec, escaped_text(value.bytes));
    case 'T':
      return print_text(spec, local_time(value.zero_extended(), "%a, %d %b %G %T %Z"));
    case 'Y':
      return print_text(spec, local_time(value.zero_extended(), "%Y %b %e %H:%M:%S"));
    case 'I':
      return print_text(spec, host_name(value.text()));
    case 'P':
      return print_text(spec, service_name(static_cast<uint16_t>(value.zero_extended())));
    case 'a':
    case 'A':
      return print_address(conversion, spec, value, symbols);
    case 'k':
      return print_stack(spec, value, symbols);
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
      return print_float(spec, conversion.letter, value);
    default:
      return print_integer(spec, letter, value.extended(), value.zero_extended(), value.type().is_signed());
  }
}

std::string print_tally(const Conversion& conversion, const Spec& spec, const Tally& tally) {
  if (tally.is_distribution()) return distribution(tally);
  const int64_t number = tally.scalar();
  const bool is_signed = tally.function != dif::ActionKind::kCount && tally.function != dif::ActionKind::kStddev;
  const char letter = conversion.letter.empty() ? 'd' : conversion.letter[0];
  switch (letter) {
    case 'T':
      return print_text(spec, local_time(static_cast<uint64_t>(number), "%a, %d %b %G %T %Z"));
    case 'Y':
      return print_text(spec, local_time(static_cast<uint64_t>(number), "%Y %b %e %H:%M:%S"));
    case 'a':
    case 'A':
      return print_text(spec, fmt::format("{:#x}", static_cast<uint64_t>(number)));
    case 'd':
    case 'i':
    case 'o':
    case 'p':
    case 'u':
    case 'x':
    case 'X':
      return print_integer(spec, letter, number, static_cast<uint64_t>(number), is_signed);
    default:
      return c_print(spec.c_format("lld"), static_cast<long long>(number));
  }
}

// Takes a * from the values: width, or precision if it is one.
class Values {
 public:
  explicit Values(std::span<const Datum> values) : values_(values) {}
  const Datum* next() { return at_ < values_.size() ? &values_[at_++] : nullptr; }

  Spec spec(const Conversion& conversion) {
    Spec spec = Spec::of(conversion);
    if (conversion.star_width) {
      spec.width = number();
      if (spec.width < 0) {  // as in C: to the left
        spec.width = -spec.width;
        spec.flags += '-';
      }
    }
    if (conversion.star_precision) spec.precision = std::max(0, number());
    return spec;
  }

 private:
  static constexpr int kMost = 65536;  // as for constant widths
  int number() {
    const Datum* value = next();
    if (value == nullptr) return 0;
    return static_cast<int>(std::clamp<int64_t>(value->extended(), -kMost, kMost));
  }
  std::span<const Datum> values_;
  size_t at_ = 0;
};

}  // namespace

std::string format_printf(const dif::FormatString& format, std::span<const Datum> values, Symbols* symbols) {
  std::string text;
  Values arguments(values);
  for (const Conversion& conversion : format.parts) {
    text += conversion.literal;
    if (conversion.is_literal_only) continue;
    const Spec spec = arguments.spec(conversion);
    if (const Datum* value = arguments.next()) text += print_value(conversion, spec, *value, symbols);
  }
  return text;
}

std::string format_printa(const dif::FormatString& format, std::span<const Datum> keys, std::span<const Tally> tallies,
                          Symbols* symbols) {
  std::string text;
  Values arguments(keys);
  size_t tally = 0;
  for (const Conversion& conversion : format.parts) {
    text += conversion.literal;
    if (conversion.is_literal_only) continue;
    if (conversion.agg) {
      if (tallies.empty()) continue;
      text += print_tally(conversion, Spec::of(conversion), tallies[std::min(tally++, tallies.size() - 1)]);
      continue;
    }
    const Spec spec = arguments.spec(conversion);
    if (const Datum* value = arguments.next()) text += print_value(conversion, spec, *value, symbols);
  }
  return text;
}

}  // namespace ht::consumer
