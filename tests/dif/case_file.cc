// Reading the cases. See case_file.h for the format.
#include "case_file.h"

#include <algorithm>
#include <charconv>
#include <fstream>

#include "dif/assembler.h"

namespace ht::dif::cases {
namespace {

struct FaultName {
  std::string_view name;
  Fault fault;
};
constexpr FaultName kFaultNames[] = {
    {"BADADDR", Fault::kBadaddr}, {"BADALIGN", Fault::kBadalign},   {"ILLOP", Fault::kIllop},
    {"DIVZERO", Fault::kDivzero}, {"NOSCRATCH", Fault::kNoscratch}, {"TUPOFLOW", Fault::kTupoflow},
    {"BADSIZE", Fault::kBadsize}, {"BADINDEX", Fault::kBadindex},
};

struct IntegerName {
  std::string_view name;
  uint32_t size;
  bool is_signed;
};
constexpr IntegerName kIntegers[] = {
    {"int8_t", 1, true},   {"int16_t", 2, true},   {"int", 4, true},       {"int32_t", 4, true},   {"int64_t", 8, true},
    {"uint8_t", 1, false}, {"uint16_t", 2, false}, {"uint32_t", 4, false}, {"uint64_t", 8, false},
};

std::string_view trim(std::string_view text) {
  const size_t from = text.find_first_not_of(" \t\r");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

// The first word, which is taken off.
std::string_view word(std::string_view* text) {
  *text = trim(*text);
  const size_t end = std::min(text->find_first_of(" \t"), text->size());
  const std::string_view result = text->substr(0, end);
  *text = trim(text->substr(end));
  return result;
}

std::optional<uint64_t> number(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return negative ? 0 - value : value;
}

// "text", which is taken off.
std::optional<std::string> quoted(std::string_view* text) {
  if (!text->starts_with('"')) return std::nullopt;
  std::string result;
  for (size_t i = 1; i < text->size(); ++i) {
    const char c = (*text)[i];
    if (c == '"') {
      *text = trim(text->substr(i + 1));
      return result;
    }
    if (c != '\\') {
      result += c;
      continue;
    }
    if (++i == text->size()) break;
    switch ((*text)[i]) {
      case 'n':
        result += '\n';
        break;
      case 't':
        result += '\t';
        break;
      case 'x': {
        const std::optional<uint64_t> byte = number("0x" + std::string(text->substr(i + 1, 2)));
        if (!byte) return std::nullopt;
        result += static_cast<char>(*byte);
        i += 2;
        break;
      }
      default:
        result += (*text)[i];
    }
  }
  return std::nullopt;
}

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  Result<std::vector<Case>> read(std::istream& stream) {
    std::string line;
    while (std::getline(stream, line)) {
      ++line_;
      const std::string_view text = trim(line);
      if (text.empty() || text.front() == '#') continue;
      RETURN_IF_ERROR(line.front() == ' ' ? detail(text) : heading(text));
    }
    RETURN_IF_ERROR(finish());
    if (cases_.empty()) return error("no cases");
    return std::move(cases_);
  }

 private:
  Error error(const std::string& what) const { return Error(file_ + ":" + std::to_string(line_) + ": " + what); }

  Result<void> finish() {
    if (open_ && cases_.back().expected.kind == Expectation::Kind::kNone) return error("the case expects nothing");
    open_ = false;
    return {};
  }

  Case& start(std::string_view name, std::string_view about) {
    Case& c = cases_.emplace_back();
    c.file = file_;
    c.line = line_;
    c.name = name;
    c.about = about;
    c.type = Type::integer(8, true, "int64_t");
    c.memory = memory_;
    c.options = options_;
    return c;
  }

  Result<void> heading(std::string_view text) {
    RETURN_IF_ERROR(finish());
    std::string_view rest = text;
    const std::string_view first = word(&rest);
    if (first == "memory" || first == "user") return bytes(first == "user", rest);
    if (first == "option") {
      const std::string name(word(&rest));
      options_[name] = std::string(rest);
      return {};
    }
    if (first == "case") {
      const size_t colon = rest.find(':');
      if (colon == std::string_view::npos) return error("a case without a name");
      start(rest, trim(rest.substr(0, colon)));
      open_ = true;
      return {};
    }
    const size_t paren = text.find('(');
    const bool call = paren != std::string_view::npos && paren <= text.find_first_of(" \t");
    if (call) return one_call(text, paren);
    return one_instruction(text);
  }

  Result<void> bytes(bool user, std::string_view rest) {
    const std::optional<uint64_t> address = number(word(&rest));
    if (!address) return error("bad address");
    MemoryBytes& made = memory_.emplace_back();
    made.user = user;
    made.address = *address;
    if (rest.starts_with('"')) {
      const std::optional<std::string> text = quoted(&rest);
      if (!text) return error("bad text");
      made.bytes = *text;
    }
    while (!rest.empty()) {
      const std::string_view next = word(&rest);
      if (next == "*") {
        const std::optional<uint64_t> count = number(word(&rest));
        if (!count) return error("bad repetition");
        const std::string once = made.bytes;
        for (uint64_t i = 1; i < *count; ++i) made.bytes += once;
        continue;
      }
      const std::optional<uint64_t> byte = number("0x" + std::string(next));
      if (!byte || *byte > 0xff) return error("bad byte");
      made.bytes += static_cast<char>(*byte);
    }
    return {};
  }

  Result<Operand> operand(std::string_view* rest) const {
    *rest = trim(*rest);
    if (rest->starts_with('"')) {
      const std::optional<std::string> text = quoted(rest);
      if (!text) return error("bad text");
      return Operand{true, *text};
    }
    const size_t end = std::min(rest->find_first_of(",) \t"), rest->size());
    const Operand result{false, std::string(rest->substr(0, end))};
    if (!number(result.text)) return error("bad number \"" + result.text + "\"");
    *rest = trim(rest->substr(end));
    return result;
  }

  Result<void> one_call(std::string_view text, size_t paren) {
    Case& c = start(text, text.substr(0, paren));
    std::string_view rest = trim(text.substr(paren + 1));
    while (!rest.starts_with(')')) {
      ASSIGN_OR_RETURN(Operand next, operand(&rest));
      c.pushes.push_back(std::move(next));
      if (rest.starts_with(',')) rest.remove_prefix(1);
      if (rest.empty()) return error("a call without end");
    }
    rest.remove_prefix(1);
    RETURN_IF_ERROR(expectation(c, trim(rest)));
    c.text = {"call " + c.about + ", %r1", "flushts", "ret %r1"};
    return {};
  }

  Result<void> one_instruction(std::string_view text) {
    std::string_view rest = text;
    const std::string mnemonic(word(&rest));
    const auto* info =
        std::find_if(kOpInfo.begin(), kOpInfo.end(), [&](const OpInfo& row) { return row.mnemonic == mnemonic; });
    if (info == kOpInfo.end() || mnemonic.empty()) return error("unknown instruction " + mnemonic);
    Case& c = start(text, mnemonic);
    unsigned count = 0;
    while (!rest.empty() && (rest.front() == '"' || rest.front() == '-' || std::isdigit(rest.front()) != 0)) {
      ASSIGN_OR_RETURN(Operand next, operand(&rest));
      c.registers.emplace_back(++count, std::move(next));
      if (rest.starts_with(',')) rest = trim(rest.substr(1));
    }
    switch (info->format) {
      case Format::kR1R2Rd:
        c.text = {mnemonic + " %r1, %r2, %r3", "ret %r3"};
        break;
      case Format::kR1Rd:
        c.text = {mnemonic + " %r1, %r3", "ret %r3"};
        break;
      case Format::kLoad:
        c.text = {mnemonic + " [%r1], %r3", "ret %r3"};
        break;
      case Format::kR1R2:
        c.text = {mnemonic + " %r1, %r2"};
        break;
      case Format::kR1:
        c.text = {mnemonic + " %r1"};
        break;
      case Format::kLabel:
        c.text = {"cmp %r1, %r2", mnemonic + " yes", "ret %r0", "yes:", "setx 1, %r3", "ret %r3"};
        break;
      default:
        return error(mnemonic + " needs a case of several lines");
    }
    // A comparison that cannot be made still needs an end.
    RETURN_IF_ERROR(expectation(c, rest));
    const bool compares = info->format == Format::kR1R2 || info->format == Format::kR1;
    if (compares && c.expected.kind != Expectation::Kind::kTaken) c.text.push_back("ret %r0");
    return {};
  }

  Result<void> detail(std::string_view text) {
    if (!open_) return error("an indented line outside a case");
    Case& c = cases_.back();
    if (text.front() == '|') {
      c.text.emplace_back(trim(text.substr(1)));
      return {};
    }
    if (text.starts_with("%r")) {
      std::string_view rest = text.substr(2);
      const std::optional<uint64_t> number_of = number(word(&rest));
      if (!number_of || *number_of >= kRegisters || word(&rest) != "=") return error("bad register");
      ASSIGN_OR_RETURN(Operand value, operand(&rest));
      c.registers.emplace_back(static_cast<unsigned>(*number_of), std::move(value));
      return {};
    }
    std::string_view rest = text;
    const std::string_view first = word(&rest);
    if (first == "push") {
      ASSIGN_OR_RETURN(Operand value, operand(&rest));
      c.pushes.push_back(std::move(value));
      return {};
    }
    if (first == "option") {
      const std::string name(word(&rest));
      c.options[name] = std::string(rest);
      return {};
    }
    if (first == "variable") return variable(c, rest);
    if (first == "returns") {
      ASSIGN_OR_RETURN(c.type, type(rest));
      return {};
    }
    return expectation(c, text);
  }

  Result<Type> type(std::string_view text) const {
    text = trim(text);
    if (text == "string") return Type::string();
    if (text == "void") return Type::none();
    std::string_view rest = text;
    const std::string_view first = word(&rest);
    if (first == "struct" || first == "integer") {
      const std::optional<uint64_t> size = number(rest);
      if (!size) return error("bad size");
      if (first == "integer") return Type::integer(static_cast<uint32_t>(*size), true, "int");
      return Type{TypeKind::kD, CKind::kStruct, Type::kByRef, static_cast<uint32_t>(*size), "struct s"};
    }
    for (const IntegerName& known : kIntegers) {
      if (known.name == text) return Type::integer(known.size, known.is_signed, std::string(text));
    }
    return error("unknown type " + std::string(text));
  }

  Result<void> variable(Case& c, std::string_view rest) {
    VariableDef def;
    const std::string_view scope = word(&rest);
    if (scope != "global" && scope != "thread" && scope != "local") return error("bad scope");
    def.scope = scope == "global" ? Scope::kGlobal : scope == "thread" ? Scope::kThread : Scope::kLocal;
    const std::optional<uint64_t> id = number(word(&rest));
    if (!id) return error("bad variable id");
    def.id = static_cast<uint16_t>(*id);
    def.name = "v" + std::to_string(def.id);
    if (const size_t bracket = rest.find('['); bracket != std::string_view::npos) {
      def.kind = VarKind::kArray;
      std::string_view keys = rest.substr(bracket + 1);
      rest = rest.substr(0, bracket);
      keys = keys.substr(0, keys.find(']'));
      while (!keys.empty()) {
        const size_t comma = std::min(keys.find(','), keys.size());
        ASSIGN_OR_RETURN(Type key, type(keys.substr(0, comma)));
        def.keys.push_back(std::move(key));
        keys.remove_prefix(std::min(comma + 1, keys.size()));
      }
    }
    ASSIGN_OR_RETURN(def.type, type(rest));
    c.variables.push_back(std::move(def));
    return {};
  }

  Result<void> expectation(Case& c, std::string_view text) {
    using Kind = Expectation::Kind;
    if (c.expected.kind != Kind::kNone) return error("a second expectation");
    std::string_view rest = text;
    const std::string_view first = word(&rest);
    if (first == "refused" && !rest.empty()) {
      c.expected.kind = Kind::kRefused;
      c.expected.text = rest;
      return {};
    }
    if (first == "taken") {
      c.expected.kind = Kind::kTaken;
      while (!rest.empty()) c.expected.taken.emplace_back(word(&rest));
      return {};
    }
    if (first == "fault") return fault(c, rest);
    if (first != "=") return error("unknown line");
    if (rest.starts_with('"')) {
      const std::optional<std::string> value = quoted(&rest);
      if (!value || !rest.empty()) return error("bad text");
      c.expected.kind = Kind::kText;
      c.expected.text = *value;
      c.type = Type::string();
      return {};
    }
    const std::optional<uint64_t> value = rest == "NULL" ? 0 : number(rest);
    if (!value) return error("bad number");
    c.expected.kind = rest == "NULL" ? Kind::kNull : Kind::kNumber;
    c.expected.number = *value;
    return {};
  }

  Result<void> fault(Case& c, std::string_view rest) {
    c.expected.kind = Expectation::Kind::kFault;
    const std::string_view name = word(&rest);
    const auto* known = std::find_if(std::begin(kFaultNames), std::end(kFaultNames),
                                     [&](const FaultName& row) { return row.name == name; });
    if (known == std::end(kFaultNames)) return error("unknown fault");
    c.expected.fault = known->fault;
    while (!rest.empty()) {
      const std::string_view next = word(&rest);
      const std::optional<uint64_t> value = number(next == "at" ? word(&rest) : next);
      if (next == "at" && value) {
        c.expected.at = static_cast<uint32_t>(*value);
      } else if (next == "*" || value) {
        c.expected.address = value;
      } else {
        return error("bad address");
      }
    }
    return {};
  }

  const std::string file_;
  unsigned line_ = 0;
  bool open_ = false;
  std::vector<MemoryBytes> memory_;
  std::map<std::string, std::string> options_;
  std::vector<Case> cases_;
};

std::string quote(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c == '\n' ? "\\n" : std::string(1, c);
  }
  return result + '"';
}

std::string load(const Operand& operand, unsigned into) {
  return (operand.is_text ? "sets " + quote(operand.text) : "setx " + operand.text) + ", %r" + std::to_string(into);
}

Result<Difo> assemble_lines(const Case& c, std::vector<std::string> lines, uint32_t* prologue) {
  std::vector<std::string> before;
  for (const Operand& push : c.pushes) {
    before.push_back(load(push, 7));
    before.emplace_back(push.is_text ? "pushtr 1, %r0, %r7" : "pushtv 0, %r7");
  }
  if (!c.pushes.empty()) before.emplace_back("mov %r0, %r7");
  for (const auto& [number, value] : c.registers) before.push_back(load(value, number));
  *prologue = static_cast<uint32_t>(before.size());

  std::vector<std::pair<size_t, Instr>> words;
  std::string text;
  for (const std::string& line : before) text += line + '\n';
  size_t index = before.size();
  for (std::string& line : lines) {
    if (line.starts_with("word ")) {
      words.emplace_back(index, static_cast<Instr>(number(trim(std::string_view(line).substr(5))).value_or(0)));
      line = "nop";
    }
    if (!line.ends_with(':')) ++index;
    text += line + '\n';
  }
  ASSIGN_OR_RETURN(Difo difo, assemble(text));
  for (const auto& [at, instruction] : words) difo.text[at] = instruction;
  difo.rtype = c.type;
  return difo;
}

}  // namespace

Result<std::vector<Case>> read_cases(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) return Error("cannot read " + path);
  return Reader(path.substr(path.find_last_of('/') + 1)).read(stream);
}

Result<Difo> assemble_case(const Case& c, uint32_t* prologue) {
  return assemble_lines(c, c.text, prologue);
}

Result<Difo> assemble_branch(const Case& c, const std::string& mnemonic) {
  std::vector<std::string> lines = c.text;
  for (const std::string& line : {mnemonic + " yes", std::string("ret %r0"), std::string("yes:"),
                                  std::string("setx 1, %r7"), std::string("ret %r7")}) {
    lines.push_back(line);
  }
  uint32_t prologue;
  return assemble_lines(c, std::move(lines), &prologue);
}

}  // namespace ht::dif::cases
