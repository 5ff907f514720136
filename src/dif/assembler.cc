// The assembler: text into one DIFO, for tests. Two passes over the lines: the first finds the labels.
#include "dif/assembler.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

namespace ht::dif {
namespace {

std::string_view trim(std::string_view text) {
  const size_t from = text.find_first_not_of(" \t\r");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

// Cuts a comment (';' or '!') that is not inside a string.
std::string_view strip_comment(std::string_view line) {
  bool in_string = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (in_string && line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      in_string = !in_string;
    } else if (!in_string && (line[i] == ';' || line[i] == '!')) {
      return line.substr(0, i);
    }
  }
  return line;
}

std::vector<std::string_view> split_operands(std::string_view text) {
  std::vector<std::string_view> result;
  bool in_string = false;
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (in_string && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      in_string = !in_string;
    } else if (!in_string && text[i] == ',') {
      result.push_back(trim(text.substr(start, i - start)));
      start = i + 1;
    }
  }
  if (const std::string_view last = trim(text.substr(start)); !last.empty() || !result.empty()) result.push_back(last);
  return result;
}

std::optional<uint64_t> parse_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return negative ? 0 - value : value;
}

// "PREFIX N SUFFIX", for example DT_VAR(N).
std::optional<uint64_t> parse_wrapped(std::string_view text, std::string_view prefix, char suffix) {
  if (!text.starts_with(prefix) || !text.ends_with(suffix)) return std::nullopt;
  return parse_number(text.substr(prefix.size(), text.size() - prefix.size() - 1));
}

std::optional<std::string> parse_string(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  std::string result;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] != '\\') {
      result += text[i];
      continue;
    }
    if (++i + 1 >= text.size()) return std::nullopt;
    switch (text[i]) {
      case 'n':
        result += '\n';
        break;
      case 't':
        result += '\t';
        break;
      case '0':
        result += '\0';
        break;
      default:
        result += text[i];
    }
  }
  return result;
}

class Assembler {
 public:
  Result<Difo> assemble(std::string_view text) {
    RETURN_IF_ERROR(find_labels(text));
    difo_.rtype = Type::integer(8, true, "int64_t");
    for (const auto& [number, line] : lines_) {
      line_ = number;
      RETURN_IF_ERROR(instruction(line));
    }
    return std::move(difo_);
  }

 private:
  Error error(std::string what) const {
    Error result(std::move(what));
    result.pos.line = line_;
    return result;
  }

  Result<void> find_labels(std::string_view text) {
    while (!text.empty()) {
      ++line_;
      const size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = trim(strip_comment(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.empty()) continue;
      if (!line.ends_with(':')) {
        lines_.emplace_back(line_, line);
      } else if (!labels_.emplace(line.substr(0, line.size() - 1), lines_.size()).second) {
        return error("label " + std::string(line) + " is defined twice");
      }
    }
    return {};
  }

  Result<void> instruction(std::string_view line) {
    const size_t space = std::min(line.find_first_of(" \t"), line.size());
    const std::string_view mnemonic = line.substr(0, space);
    operands_ = split_operands(line.substr(space));
    for (unsigned number = 1; number <= kMaxOp; ++number) {
      if (kOpInfo[number].mnemonic != mnemonic) continue;
      ASSIGN_OR_RETURN(Instr encoded, encode(static_cast<Op>(number), kOpInfo[number].format));
      difo_.text.push_back(encoded);
      return {};
    }
    return error("unknown instruction " + std::string(mnemonic));
  }

  Result<Instr> encode(Op op, Format format) {
    next_ = 0;
    failure_.clear();
    const Instr encoded = encode_operands(op, format);
    if (failure_.empty() && next_ != operands_.size()) failure_ = "too many operands";
    if (!failure_.empty()) return error(failure_);
    return encoded;
  }

  // Operands are taken in the order in which they are written; a bad one sets failure_.
  Instr encode_operands(Op op, Format format) {
    switch (format) {
      case Format::kR1R2Rd: {
        const unsigned r1 = reg(), r2 = reg();
        return make(op, r1, r2, reg());
      }
      case Format::kR1Rd: {
        const unsigned r1 = reg();
        return make(op, r1, 0, reg());
      }
      case Format::kR1R2: {
        const unsigned r1 = reg();
        return make(op, r1, reg(), 0);
      }
      case Format::kR1:
        return make(op, reg(), 0, 0);
      case Format::kLabel:
        return make_label(op, label());
      case Format::kLoad: {
        const unsigned r1 = address();
        return make(op, r1, 0, reg());
      }
      case Format::kStore: {
        const unsigned r1 = reg();
        return make(op, r1, 0, address());
      }
      case Format::kRd:
        return make(op, 0, 0, reg());
      case Format::kNone:
        return make(op, 0, 0, 0);
      case Format::kInt:
        return indexed(op, integer());
      case Format::kString:
      case Format::kSymbol:
        return indexed(op, string());
      case Format::kVarR2Rd: {
        const unsigned variable = wrapped("DT_VAR(", ')', 0xff), r2 = reg();
        return make(op, variable, r2, reg());
      }
      case Format::kVarRd:
        return indexed(op, wrapped("DT_VAR(", ')', 0xffff));
      case Format::kRsVar: {
        const unsigned rs = reg();
        return make_index(op, wrapped("DT_VAR(", ')', 0xffff), rs);
      }
      case Format::kCall:
        return indexed(op, subroutine());
      case Format::kPushRef:
      case Format::kPushVal: {
        const unsigned type = wrapped("DT_TYPE(", ')', 0xff);
        const unsigned r2 = format == Format::kPushVal && operands_.size() == 2 ? 0 : reg();
        return make(op, type, r2, reg());
      }
      case Format::kXlate:
        return indexed(op, wrapped("DT_XLREF[", ']', 0xffff));
    }
    return 0;
  }

  Instr indexed(Op op, unsigned index) { return make_index(op, index, reg()); }

  std::string_view take() {
    if (next_ < operands_.size()) return operands_[next_++];
    if (failure_.empty()) failure_ = "too few operands";
    return {};
  }

  unsigned bad(std::string_view what, std::string_view operand) {
    if (failure_.empty()) failure_ = "bad " + std::string(what) + " \"" + std::string(operand) + "\"";
    return 0;
  }

  unsigned parse_register(std::string_view operand) {
    const std::optional<uint64_t> value =
        operand.starts_with("%r") ? parse_number(operand.substr(2)) : std::optional<uint64_t>();
    return value && *value <= 0xff ? static_cast<unsigned>(*value) : bad("register", operand);
  }
  unsigned reg() { return parse_register(take()); }

  unsigned address() {
    const std::string_view operand = take();
    if (!operand.starts_with('[') || !operand.ends_with(']')) return bad("address", operand);
    return parse_register(trim(operand.substr(1, operand.size() - 2)));
  }

  unsigned label() {
    const std::string_view operand = take();
    if (const auto known = labels_.find(operand); known != labels_.end()) return static_cast<unsigned>(known->second);
    const std::optional<uint64_t> value = parse_number(operand);
    return value && *value <= 0xffffff ? static_cast<unsigned>(*value) : bad("label", operand);
  }

  // N or PREFIX N SUFFIX.
  unsigned wrapped(std::string_view prefix, char suffix, unsigned limit) {
    const std::string_view operand = take();
    std::optional<uint64_t> value = parse_wrapped(operand, prefix, suffix);
    if (!value) value = parse_number(operand);
    return value && *value <= limit ? static_cast<unsigned>(*value) : bad("number", operand);
  }

  // DT_INTEGER[N] is taken as it is; a plain number goes into the table.
  unsigned integer() {
    if (next_ < operands_.size() && operands_[next_].starts_with("DT_INTEGER["))
      return wrapped("DT_INTEGER[", ']', 0xffff);
    const std::string_view operand = take();
    const std::optional<uint64_t> value = parse_number(operand);
    if (!value) return bad("number", operand);
    const auto known = std::find(difo_.ints.begin(), difo_.ints.end(), *value);
    const auto index = static_cast<size_t>(known - difo_.ints.begin());
    if (known == difo_.ints.end()) difo_.ints.push_back(*value);
    return index <= 0xffff ? static_cast<unsigned>(index) : bad("number (the table is full)", operand);
  }

  // DT_STRING[N] is taken as it is; a literal (or for symbols a bare name) goes into the table.
  unsigned string() {
    if (next_ < operands_.size() && operands_[next_].starts_with("DT_STRING["))
      return wrapped("DT_STRING[", ']', 0xffff);
    const std::string_view operand = take();
    const std::optional<std::string> value = operand.starts_with('"') ? parse_string(operand) : std::string(operand);
    if (!value) return bad("string", operand);
    const std::string entry = *value + '\0';
    // Only at the start of an entry, so that listings show what was written.
    size_t at = difo_.strings.find('\0' + entry);
    at = value->empty() ? 0 : at == std::string::npos ? at : at + 1;
    if (at == std::string::npos) {
      at = difo_.strings.size();
      difo_.strings += entry;
    }
    return at <= 0xffff ? static_cast<unsigned>(at) : bad("string (the table is full)", operand);
  }

  unsigned subroutine() {
    if (next_ < operands_.size()) {
      if (const SubrInfo* subr = find_subroutine(operands_[next_])) {
        ++next_;
        return subr->number;
      }
    }
    return wrapped("DIF_SUBR(", ')', 0xffff);
  }

  Difo difo_;
  uint32_t line_ = 0;
  std::vector<std::pair<uint32_t, std::string_view>> lines_;  // of instructions
  std::map<std::string_view, size_t> labels_;                 // name to instruction
  std::vector<std::string_view> operands_;                    // of the current instruction
  size_t next_ = 0;
  std::string failure_;
};

}  // namespace

Result<Difo> assemble(std::string_view text) {
  return Assembler().assemble(text);
}

}  // namespace ht::dif
