// C spellings: types to text and text to types.
#include <algorithm>
#include <cctype>

#include "types/btf_file.h"

namespace ht::types {
namespace {

struct Token {
  std::string_view text;
  bool word = false;
};

// Words and single other characters. At most 64: no spelling is longer.
std::optional<std::vector<Token>> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (size_t i = 0; i < text.size();) {
    if (text[i] == ' ' || text[i] == '\t' || text[i] == '\n') {
      ++i;
      continue;
    }
    size_t end = i + 1;
    if (is_word(text[i])) {
      while (end < text.size() && is_word(text[end])) ++end;
    }
    if (tokens.size() == 64) return std::nullopt;
    tokens.push_back({text.substr(i, end - i), is_word(text[i])});
    i = end;
  }
  return tokens;
}

bool is_qualifier(std::string_view word) {
  return word == "const" || word == "volatile" || word == "restrict" || word == "userland";
}

// How many of each word an integer's spelling has; C allows any order.
struct IntWords {
  unsigned is_signed = 0, is_unsigned = 0, is_short = 0, is_long = 0, is_char = 0, is_int = 0;
  bool take(std::string_view word) {
    const struct {
      std::string_view text;
      unsigned& count;
    } table[] = {{"signed", is_signed}, {"unsigned", is_unsigned}, {"short", is_short},
                 {"long", is_long},     {"char", is_char},         {"int", is_int}};
    for (const auto& row : table) {
      if (row.text == word) {
        ++row.count;
        return true;
      }
    }
    return false;
  }
  bool any() const { return is_signed + is_unsigned + is_short + is_long + is_char + is_int != 0; }
  bool legal() const {
    if (is_signed + is_unsigned > 1 || is_char > 1 || is_int > 1 || is_short > 1 || is_long > 2) return false;
    return (is_char != 0) + (is_short != 0) + (is_long != 0) <= 1 && !(is_char != 0 && is_int != 0);
  }
};

// The names that compilers give them: GCC's first, then clang's.
std::vector<std::string_view> int_names(const IntWords& w) {
  const bool u = w.is_unsigned != 0;
  if (w.is_char != 0) {
    if (u) return {"unsigned char"};
    return w.is_signed != 0 ? std::vector<std::string_view>{"signed char", "char"}
                            : std::vector<std::string_view>{"char", "signed char"};
  }
  if (w.is_short != 0) {
    if (u) return {"short unsigned int", "unsigned short"};
    return {"short int", "short"};
  }
  if (w.is_long == 2) {
    if (u) return {"long long unsigned int", "unsigned long long"};
    return {"long long int", "long long"};
  }
  if (w.is_long == 1) {
    if (u) return {"long unsigned int", "unsigned long"};
    return {"long int", "long"};
  }
  if (u) return {"unsigned int", "unsigned"};
  return {"int"};
}

}  // namespace

std::optional<TypeFile::Spelled> TypeFile::find_spelling(std::string_view text) const {
  const auto tokens = tokens_of(text);
  if (!tokens) return std::nullopt;
  std::optional<TypeId> base;
  std::optional<Kind> tag;  // struct, union or enum was read
  IntWords words;
  std::string_view module;
  unsigned pointers = 0;

  const auto name_type = [&](std::string_view word) -> std::optional<TypeId> {
    if (tag) {
      if (auto id = find_in(module, *tag, word)) return id;
      return find_in(module, *tag == Kind::kEnum ? Kind::kEnum64 : Kind::kFwd, word);
    }
    if (word == "void") return 0;
    for (Kind kind : {Kind::kTypedef, Kind::kInt, Kind::kFloat}) {
      if (auto id = find_in(module, kind, word)) return id;
    }
    return std::nullopt;
  };

  for (size_t i = 0; i < tokens->size(); ++i) {
    const Token& token = (*tokens)[i];
    if (token.text == "*") {
      ++pointers;
      continue;
    }
    if (!token.word) return std::nullopt;
    if (is_qualifier(token.text)) continue;
    if (pointers != 0 || base) return std::nullopt;                // a second name
    if (i + 2 < tokens->size() && (*tokens)[i + 1].text == "`") {  // MODULE`type
      if (!module.empty() || words.any()) return std::nullopt;
      module = token.text;
      ++i;
    } else if (token.text == "struct" || token.text == "union" || token.text == "enum") {
      if (tag || words.any()) return std::nullopt;
      tag = token.text == "struct" ? Kind::kStruct : token.text == "union" ? Kind::kUnion : Kind::kEnum;
    } else if (tag || !words.take(token.text)) {
      if (words.any()) return std::nullopt;
      base = name_type(token.text);
      if (!base) return std::nullopt;
    }
  }
  if (words.any()) {
    if (base || tag || !words.legal()) return std::nullopt;
    for (std::string_view name : int_names(words)) {
      if ((base = find_in(module, Kind::kInt, name))) break;
    }
  }
  if (!base) return std::nullopt;
  return Spelled{*base, pointers};
}

// Writes a declarator from the inside out. The budget bounds prototypes that contain prototypes.
class Speller {
 public:
  explicit Speller(const BtfFile& file) : file_(file) {}

  std::string spell(TypeId id, unsigned nesting = 0) {
    std::string inner;
    std::string qualifiers;
    while (budget_ != 0) {
      --budget_;
      const BtfFile::View v = file_.view(id);
      switch (v.kind) {
        case Kind::kPtr:
          // A pointer's own qualifiers stand behind its star: "char *const *".
          inner = "*" + (qualifiers.empty() || inner.empty() ? qualifiers : qualifiers + " ") + inner;
          qualifiers.clear();
          id = v.record.size_or_type;
          continue;
        case Kind::kArray:
          close(inner);
          inner += "[" + std::to_string(file_.array_length(id)) + "]";
          id = file_.target(id);
          continue;
        case Kind::kFuncProto:
          close(inner);
          inner += parameters(id, nesting);
          id = v.record.size_or_type;
          continue;
        case Kind::kConst:
          add(qualifiers, "const");
          id = v.record.size_or_type;
          continue;
        case Kind::kVolatile:
          add(qualifiers, "volatile");
          id = v.record.size_or_type;
          continue;
        case Kind::kRestrict:
        case Kind::kTypeTag:
        case Kind::kVar:
          id = v.record.size_or_type;
          continue;
        default: {
          add(qualifiers, base(id, v));
          return inner.empty() ? qualifiers : qualifiers + " " + inner;
        }
      }
    }
    return "...";
  }

 private:
  static void add(std::string& text, std::string_view word) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  static void close(std::string& inner) {
    if (!inner.empty() && inner[0] == '*') inner = "(" + inner + ")";
  }

  std::string base(TypeId id, const BtfFile::View& v) const {
    std::string_view text = file_.name(id);
    if (text.empty()) text = "(anonymous)";
    switch (v.kind) {
      case Kind::kStruct:
        return "struct " + std::string(text);
      case Kind::kUnion:
        return "union " + std::string(text);
      case Kind::kEnum:
      case Kind::kEnum64:
        return "enum " + std::string(text);
      case Kind::kFwd:
        return (btf::kind_flag_of(v.record.info) ? "union " : "struct ") + std::string(text);
      default:
        return std::string(text);
    }
  }

  std::string parameters(TypeId id, unsigned nesting) {
    if (nesting >= 4) return "(...)";
    std::string text;
    for (const Member& p : file_.parameters(id)) {
      if (budget_ == 0) break;
      if (!text.empty()) text += ", ";
      text += p.type == 0 ? "..." : spell(p.type, nesting + 1);
    }
    return "(" + (text.empty() ? "void" : text) + ")";
  }

  const BtfFile& file_;
  unsigned budget_ = 256;
};

std::string BtfFile::spell(TypeId id) const {
  return Speller(*this).spell(id);
}

}  // namespace ht::types
