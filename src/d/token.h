// Tokens of D. What the scanner makes of a character depends on where it stands: see Lexer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "d/diagnostics.h"

namespace ht::d {

// clang-format off
// Longest first: the scanner takes the first that fits.
#define HT_D_PUNCTUATION(X) \
  X(kEllipsis, "...") X(kShlAssign, "<<=") X(kShrAssign, ">>=")                                                      \
  X(kArrow, "->") X(kIncrement, "++") X(kDecrement, "--") X(kShl, "<<") X(kShr, ">>") X(kLe, "<=") X(kGe, ">=")      \
  X(kEq, "==") X(kNe, "!=") X(kAndAnd, "&&") X(kOrOr, "||") X(kXorXor, "^^") X(kAddAssign, "+=") X(kSubAssign, "-=") \
  X(kMulAssign, "*=") X(kDivAssign, "/=") X(kModAssign, "%=") X(kAndAssign, "&=") X(kXorAssign, "^=")                \
  X(kOrAssign, "|=") X(kLParen, "(") X(kRParen, ")") X(kLBracket, "[") X(kRBracket, "]") X(kLBrace, "{")             \
  X(kRBrace, "}") X(kDot, ".") X(kNot, "!") X(kTilde, "~") X(kPlus, "+") X(kMinus, "-") X(kStar, "*") X(kAmp, "&")   \
  X(kSlash, "/") X(kPercent, "%") X(kLt, "<") X(kGt, ">") X(kCaret, "^") X(kBar, "|") X(kQuestion, "?")              \
  X(kColon, ":") X(kAssign, "=") X(kComma, ",") X(kSemicolon, ";")

// X(name, word, starts a declaration at the outer level)
#define HT_D_KEYWORDS(X) \
  X(kAuto, "auto", 1) X(kChar, "char", 1) X(kConst, "const", 1) X(kDouble, "double", 1) X(kEnum, "enum", 1)          \
  X(kExtern, "extern", 1) X(kFloat, "float", 1) X(kInline, "inline", 1) X(kInt, "int", 1) X(kLong, "long", 1)        \
  X(kRegister, "register", 1) X(kRestrict, "restrict", 1) X(kShort, "short", 1) X(kSigned, "signed", 1)              \
  X(kSizeof, "sizeof", 0) X(kStatic, "static", 1) X(kStruct, "struct", 1) X(kTypedef, "typedef", 1)                  \
  X(kUnion, "union", 1) X(kUnsigned, "unsigned", 1) X(kVoid, "void", 1) X(kVolatile, "volatile", 1)                  \
  X(kOffsetof, "offsetof", 0) X(kProbe, "probe", 0) X(kProvider, "provider", 1) X(kSelf, "self", 1)                  \
  X(kString, "string", 1) X(kStringof, "stringof", 0) X(kThis, "this", 1) X(kTranslator, "translator", 1)            \
  X(kXlate, "xlate", 0) X(kUserland, "userland", 0) X(kIf, "if", 0) X(kElse, "else", 0) X(kBreak, "break", 0)        \
  X(kCase, "case", 0) X(kContinue, "continue", 0) X(kCounter, "counter", 1) X(kDefault, "default", 0)                \
  X(kDo, "do", 0) X(kFor, "for", 0) X(kGoto, "goto", 0) X(kImport, "import", 1) X(kReturn, "return", 0)              \
  X(kSwitch, "switch", 0) X(kWhile, "while", 0)
// clang-format on

enum class Tok : uint8_t {
  kEnd,
  kInt,
  kString,
  kIdent,
  kAgg,           // text: the name without @, "_" for a bare @
  kDescription,   // outer context only; text as written
  kPredicateEnd,  // the slash that ends a predicate
  kKeyword,
#define X(name, text) name,
  HT_D_PUNCTUATION(X)
#undef X
};

enum class Kw : uint8_t {
  kNone,
#define X(name, text, declares) name,
  HT_D_KEYWORDS(X)
#undef X
};

struct KeywordInfo {
  Kw keyword;
  std::string_view text;
  bool declares;
};
inline constexpr KeywordInfo kKeywords[] = {
#define X(name, text, declares) {Kw::name, text, declares != 0},
    HT_D_KEYWORDS(X)
#undef X
};
const KeywordInfo* find_keyword(std::string_view word);  // null if it is none
std::string_view punctuation(Tok token);                 // "+=" ; "" for tokens with a text of their own

// The type of an integer constant (reference, section 3.3).
enum class IntKind : uint8_t { kInt, kUnsigned, kLong, kUnsignedLong, kLongLong, kUnsignedLongLong };

struct Token {
  Tok kind = Tok::kEnd;
  Kw keyword = Kw::kNone;
  IntKind int_kind = IntKind::kInt;
  bool macro_string = false;  // came from a macro argument
  uint64_t value = 0;         // integers
  std::string text;           // identifiers, strings (escapes done), descriptions
  Pos pos;
  size_t begin = 0, end = 0;  // bytes of the source
  bool is(Tok t) const { return kind == t; }
  bool is(Kw k) const { return kind == Tok::kKeyword && keyword == k; }
};

}  // namespace ht::d
