// The default output of single values.
#include "consumer/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace ht::consumer {
namespace {

using dif::ActionKind;

// The rule by which keys without a format are taken for text: printable throughout, then nothing but NULs.
bool printable(ByteView bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), 0);
  if (end == bytes.begin()) return false;
  const auto shows = [](uint8_t c) {
    return (c < 0x80 && (std::isprint(c) != 0 || std::isspace(c) != 0)) || c == '\b' || c == '\a';
  };
  return std::all_of(bytes.begin(), end, shows) && std::all_of(end, bytes.end(), [](uint8_t c) { return c == 0; });
}

std::string bytes_column(ByteView bytes, int width) {
  if (!printable(bytes)) return raw_dump(bytes);
  const auto end = std::find(bytes.begin(), bytes.end(), 0);
  return fmt::format("  {:<{}}", std::string(bytes.begin(), end), width);
}

int width_of(size_t size, bool is_signed) {
  switch (size) {
    case 1:
      return 3;
    case 2:
      return 5;
    case 4:
      return 10;
    default:
      return is_signed ? 19 : 20;
  }
}

std::string trace_integer(const Datum& value, bool quiet) {
  const bool is_signed = value.type().is_signed();
  const int width = quiet ? 0 : width_of(value.bytes.size(), is_signed);
  const char* const lead = quiet ? "" : " ";
  return is_signed ? fmt::format("{}{:>{}}", lead, value.extended(), width)
                   : fmt::format("{}{:>{}}", lead, value.zero_extended(), width);
}

}  // namespace

std::string raw_dump(ByteView bytes) {
  static constexpr size_t kPerRow = 16;
  if (bytes.empty()) return {};
  std::string text = "\n           ";
  for (char digit : std::string_view("0123456789abcdef")) text += fmt::format("  {}", digit);
  text += "  0123456789abcdef\n";
  for (size_t row = 0; row < bytes.size(); row += kPerRow) {
    const ByteView part = bytes.subspan(row, std::min(kPerRow, bytes.size() - row));
    text += fmt::format("     {:>5x}:", row);
    for (uint8_t byte : part) text += fmt::format(" {:02x}", byte);
    text.append((kPerRow - part.size()) * 3 + 2, ' ');
    for (uint8_t byte : part) text += byte < ' ' || byte > '~' ? '.' : static_cast<char>(byte);
    text += '\n';
  }
  return text;
}

std::string frame_text(const Datum& stack, size_t frame, Symbols* symbols) {
  const uint64_t pc = stack.frame(frame);
  const dif::AddressOwner owner = stack.owner();
  if (symbols == nullptr) return address_text(std::nullopt, pc, Offset::kShown);
  if (stack.is_kernel()) return address_text(symbols->kernel(owner, pc), pc, Offset::kShown);
  if (!symbols->noresolve()) return address_text(symbols->user(owner, pc), pc, Offset::kShown);
  return symbols->user_offset(owner, pc).value_or(fmt::format("{:#x}", pc));
}

std::string stack_text(const Datum& stack, int indent, int width, Symbols* symbols) {
  std::string text = "\n";
  if (symbols != nullptr) symbols->prepare(stack);
  for (size_t i = 0; stack.frame(i) != 0; ++i) {
    text += fmt::format("{:{}}{:>{}}\n", "", indent, frame_text(stack, i, symbols), width);
  }
  return text;
}

std::string address_text(const std::optional<Symbol>& symbol, uint64_t address, Offset offset) {
  if (!symbol) return fmt::format("{:#x}", address);
  if (symbol->name.empty()) return fmt::format("{}`{:#x}", symbol->module, address);
  std::string text = symbol->module + "`" + symbol->name;
  if (offset == Offset::kShown && address > symbol->start) text += fmt::format("+{:#x}", address - symbol->start);
  return text;
}

std::string symbol_text(const Datum& datum, Symbols* symbols, Offset offset) {
  const uint64_t address = datum.address();
  std::optional<Symbol> symbol;
  if (symbols != nullptr) {
    symbol = datum.is_kernel() ? symbols->kernel(datum.owner(), address) : symbols->user(datum.owner(), address);
  }
  const bool module_only = datum.kind() == ActionKind::kMod || datum.kind() == ActionKind::kUmod;
  if (module_only && symbol) return symbol->module;
  return address_text(symbol, address, datum.kind() == ActionKind::kUaddr ? Offset::kShown : offset);
}

std::string trace_text(const Datum& value, const TraceStyle& style) {
  if (value.is_stack()) return stack_text(value, style.stack_indent, 0, style.symbols);
  if (value.is_symbol()) return fmt::format("  {:<50}", symbol_text(value, style.symbols, Offset::kHidden));
  if (style.raw_bytes) return raw_dump(value.bytes);
  if (value.is_integer()) return trace_integer(value, style.quiet);
  if (value.is_string()) return style.quiet ? value.text() : fmt::format("  {:<33}", value.text());
  return raw_dump(value.bytes);
}

std::string print_text(const Datum& value) {
  const std::string& type = value.type().name;
  const std::string lead = type.ends_with('*') ? type : type + " ";
  if (value.is_string()) return lead + "\"" + value.text() + "\"\n";
  if (!value.is_integer()) return type + raw_dump(value.bytes);
  if (type == "char") {
    const auto c = static_cast<unsigned char>(value.zero_extended());
    if (c >= ' ' && c <= '~') return fmt::format("{}'{:c}'\n", lead, c);
    return c == 0 ? lead + "'\\0'\n" : fmt::format("{}'\\{:03o}'\n", lead, c);
  }
  const uint64_t number = value.zero_extended();
  return number == 0 ? lead + "0\n" : fmt::format("{}{:#x}\n", lead, number);
}

std::string key_column(const Datum& key, const TraceStyle& style) {
  if (key.is_stack()) return stack_text(key, style.stack_indent, 0, style.symbols);
  if (key.is_symbol()) return fmt::format("  {:<50}", symbol_text(key, style.symbols, Offset::kHidden));
  if (!key.is_integer()) return bytes_column(key.bytes, 50);
  switch (key.bytes.size()) {
    case 1:
      return fmt::format(" {:>3}", key.zero_extended());
    case 2:
      return fmt::format(" {:>5}", key.zero_extended());
    case 4:
      return fmt::format(" {:>8}", static_cast<int32_t>(static_cast<uint32_t>(key.zero_extended())));
    default:
      return fmt::format(" {:>16}", static_cast<int64_t>(key.zero_extended()));
  }
}

}  // namespace ht::consumer
