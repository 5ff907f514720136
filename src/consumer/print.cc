// Two layouts: what a pointer leads to, one line per thing and only what is not zero; and a value, as C would declare
// it. The types have been verified: everything is inside its parent, and nothing contains itself.
#include "consumer/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "consumer/text.h"

namespace ht::consumer {
namespace {

using dif::CKind;
using dif::PrintMember;
using dif::PrintType;

bool all_zero(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

uint64_t integer_at(ByteView bytes, size_t size) {
  uint64_t value = 0;
  std::memcpy(&value, bytes.data(), std::min({size, bytes.size(), sizeof value}));
  return value;
}

uint64_t bits_at(ByteView bytes, const PrintMember& member) {
  const uint64_t value = integer_at(bytes, (member.bit_offset + member.bits + 7U) / 8) >> member.bit_offset;
  return member.bits >= 64 ? value : value & ((uint64_t{1} << member.bits) - 1);
}

// `value` of `bits` bits, extended by its sign.
int64_t extended(uint64_t value, unsigned bits) {
  if (bits == 0 || bits >= 64) return static_cast<int64_t>(value);
  return static_cast<int64_t>(value << (64 - bits)) >> (64 - bits);
}

std::string decimal(uint64_t value, unsigned bits, bool is_signed) {
  return is_signed ? fmt::format("{}", extended(value, bits)) : fmt::format("{}", value);
}

std::string enumerator(const PrintType& type, uint64_t value, unsigned bits) {
  const int64_t number = extended(value, bits);
  for (const dif::PrintEnumerator& entry : type.enumerators) {
    if (entry.value == number) return entry.name;
  }
  return fmt::format("{}", number);
}

std::string character(uint64_t value, bool octal_nul) {
  const auto c = static_cast<unsigned char>(value);
  if (c >= ' ' && c <= '~') return fmt::format("'{:c}'", c);
  return c == 0 && !octal_nul ? "'\\0'" : fmt::format("'\\{:03o}'", c);
}

double floating(ByteView bytes) {
  if (bytes.size() == sizeof(float)) {
    float value = 0;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  double value = 0;
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

std::string float_text(ByteView bytes) {
  if (bytes.size() <= sizeof(double)) return fmt::format("{:+.7e}", floating(bytes));
  long double value = 0;
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return fmt::format("{:+.16LE}", value);
}

// What a pointer leads to.
class PointedTree {
 public:
  explicit PointedTree(const dif::Program& program) : types_(program.print_types) {}

  std::string run(uint32_t number, ByteView bytes) {
    show(number, bytes, "", 0);
    return std::move(text_);
  }

 private:
  static constexpr unsigned kIndent = 44, kDeepest = 10;

  void line(unsigned depth, const std::string& what) { text_ += fmt::format("{:{}}{}\n", "", kIndent + depth, what); }

  void show(uint32_t number, ByteView bytes, const std::string& name, unsigned depth) {
    const PrintType& type = types_[number - 1];
    if (depth >= kDeepest) return line(depth, "...");
    const std::string lead = fmt::format("{}({})", name, type.name);
    switch (type.ckind) {
      case CKind::kStruct:
      case CKind::kUnion:
        return members(type, bytes, lead, depth);
      case CKind::kArray:
        return array(type, bytes, lead, depth);
      default:
        if (bytes.size() < type.size) return line(depth, "...");
        line(depth, lead + scalar(type, bytes) + ",");
    }
  }

  static std::string scalar(const PrintType& type, ByteView bytes) {
    const uint64_t value = integer_at(bytes, type.size);
    switch (type.ckind) {
      case CKind::kInteger:
        return type.is_char ? character(value, false) : decimal(value, type.size * 8, type.is_signed);
      case CKind::kEnum:
        return enumerator(type, value, type.size * 8);
      case CKind::kFloat:
        return float_text(bytes.first(type.size));
      default:
        return fmt::format("{:#x}", value);
    }
  }

  void members(const PrintType& type, ByteView bytes, const std::string& lead, unsigned depth) {
    line(depth, lead + " {");
    for (const PrintMember& member : type.members) {
      const std::string name = member.name.empty() ? "" : fmt::format(".{} = ", member.name);
      if (!part(member, bytes, name, depth + 1)) break;
    }
    line(depth, depth == 0 ? "}" : "},");
  }

  // False if the data ends here.
  bool part(const PrintMember& member, ByteView bytes, const std::string& name, unsigned depth) {
    const PrintType& type = types_[member.type - 1];
    const size_t size = member.bits == 0 ? type.size : (member.bit_offset + member.bits + 7U) / 8;
    if (member.offset >= bytes.size() || (member.bits != 0 && bytes.size() - member.offset < size)) {
      line(depth, "...");
      return false;
    }
    const ByteView inside = bytes.subspan(member.offset, std::min<size_t>(size, bytes.size() - member.offset));
    if (member.bits != 0) {
      const uint64_t value = bits_at(inside, member);
      if (value == 0) return true;
      const std::string shown = type.ckind == CKind::kEnum ? enumerator(type, value, member.bits)
                                                           : decimal(value, member.bits, type.is_signed);
      line(depth, fmt::format("{}({}){},", name, type.name, shown));
      return true;
    }
    if (inside.size() < size && type.members.empty() && type.ckind != CKind::kArray) {
      line(depth, "...");
      return false;
    }
    if (!all_zero(inside)) show(member.type, inside, name, depth);
    return true;
  }

  void array(const PrintType& type, ByteView bytes, const std::string& lead, unsigned depth) {
    if (type.is_text) {
      const auto end = std::find(bytes.begin(), bytes.end(), 0);
      return line(depth, fmt::format("{}\"{}\",", lead, std::string(bytes.begin(), end)));
    }
    if (type.count == 0) return line(depth, lead + " [],");
    line(depth, lead + " [");
    const PrintType& element = types_[type.element - 1];
    for (uint32_t i = 0; i < type.count; ++i) {
      const size_t offset = size_t{i} * element.size;
      if (offset >= bytes.size() || bytes.size() - offset < element.size) {
        line(depth + 1, "...");
        break;
      }
      const ByteView inside = bytes.subspan(offset, element.size);
      if (element.is_char && inside[0] == 0) break;
      if (!all_zero(inside)) show(type.element, inside, "", depth + 1);
    }
    line(depth, "],");
  }

  const std::vector<PrintType>& types_;
  std::string text_;
};

// A value.
class ValueTree {
 public:
  explicit ValueTree(const dif::Program& program) : types_(program.print_types) {}

  std::string run(uint32_t number, ByteView bytes) {
    const PrintType& type = types_[number - 1];
    std::string shown = type.name.ends_with('*') ? type.name : type.name + " ";
    if (type.is_text || is_text(type, bytes)) {
      const auto end = std::find(bytes.begin(), bytes.end(), 0);
      return fmt::format("{}\"{}\"\n", shown, std::string(bytes.begin(), end));
    }
    return shown + value(type, bytes, 0) + "\n";
  }

 private:
  static constexpr unsigned kTab = 4;

  // An array of characters that is text, ending in a NUL, and then nothing but NULs.
  bool is_text(const PrintType& type, ByteView bytes) const {
    if (type.ckind != CKind::kArray || type.element == 0 || !types_[type.element - 1].is_char) return false;
    const auto end = std::find(bytes.begin(), bytes.end(), 0);
    return end != bytes.begin() && end != bytes.end() &&
           std::all_of(bytes.begin(), end, [](uint8_t c) { return c >= ' ' && c <= '~'; });
  }

  std::string value(const PrintType& type, ByteView bytes, unsigned depth) const {
    if (bytes.size() < type.size) return "...";
    switch (type.ckind) {
      case CKind::kInteger: {
        const uint64_t number = integer_at(bytes, type.size);
        return type.is_char ? character(number, false) : hexadecimal(number);
      }
      case CKind::kEnum:
        return enumerator(type, integer_at(bytes, type.size), type.size * 8);
      case CKind::kFloat:
        return float_text(bytes.first(type.size));
      case CKind::kArray:
        return array(type, bytes, depth);
      case CKind::kStruct:
      case CKind::kUnion:
        return members(type, bytes, depth);
      case CKind::kPointer:
        return hexadecimal(integer_at(bytes, type.size));
      default:
        return "<forward decl>";
    }
  }

  static std::string hexadecimal(uint64_t number) { return number == 0 ? "0" : fmt::format("{:#x}", number); }

  std::string members(const PrintType& type, ByteView bytes, unsigned depth) const {
    std::string text = "{\n";
    for (const PrintMember& member : type.members) {
      const PrintType& inner = types_[member.type - 1];
      text += fmt::format("{:{}}{}", "", (depth + 1) * kTab, inner.name);
      if (!member.name.empty()) text += (inner.name.ends_with('*') ? "" : " ") + member.name;
      if (member.bits != 0) text += fmt::format(" :{}", member.bits);
      text += " = ";
      const ByteView inside = bytes.subspan(member.offset);
      text += member.bits != 0 ? hexadecimal(bits_at(inside, member)) : value(inner, inside, depth + 1);
      text += "\n";
    }
    return text + fmt::format("{:{}}}}", "", depth * kTab);
  }

  std::string array(const PrintType& type, ByteView bytes, unsigned depth) const {
    if (type.is_text || is_text(type, bytes.first(type.size))) {
      const auto end = std::find(bytes.begin(), bytes.begin() + type.size, 0);
      return fmt::format("[ \"{}\" ]", std::string(bytes.begin(), end));
    }
    const PrintType& element = types_[type.element - 1];
    const bool lines = element.ckind == CKind::kStruct || element.ckind == CKind::kUnion;
    std::string text = "[";
    for (uint32_t i = 0; i < type.count; ++i) {
      const ByteView inside = bytes.subspan(size_t{i} * element.size, element.size);
      text += i == 0 ? "" : ",";
      text += lines ? fmt::format("\n{:{}}{} ", "", (depth + 1) * kTab, element.name) : std::string(" ");
      text += value(element, inside, depth + 1);
    }
    return text + (lines ? fmt::format("\n{:{}}]", "", depth * kTab) : std::string(" ]"));
  }

  const std::vector<PrintType>& types_;
};

}  // namespace

std::string print_tree(const dif::Program& program, const dif::Action& action, const std::vector<Datum>& values) {
  if (values.empty()) return {};
  const auto number = static_cast<uint32_t>(action.param);
  if (number == 0) return print_text(values.back());
  if (values.size() == 1) return ValueTree(program).run(number, values[0].bytes);
  return fmt::format("{:#x} = *\n", values[0].zero_extended()) + PointedTree(program).run(number, values[1].bytes);
}

}  // namespace ht::consumer
