// Recursive descent over the tokens of one source. Hands out one external declaration (clause, declaration, inline) at
// a time, so that what it declares is known before the next is read: whether a word is a type depends on it.
//
// The depth of everything recursive is bounded (kMaxDepth), so no input can exhaust the stack that compile() has, here
// or in the passes that walk the tree.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "d/ast.h"
#include "d/compile.h"
#include "d/lexer.h"

namespace ht::d {

inline constexpr unsigned kMaxDepth = 4096;

// For DTrace's WHERE in messages about command-line programs.
enum class Region : uint8_t { kNone, kPredicate, kActions };

struct ParserRules {
  bool is_file = false;  // a bare description is a clause only on the command line
  bool hypertrace = false;
  bool pspec = false;  // ambiguous outer words are descriptions
  DescContext context = DescContext::kName;
  std::function<bool(std::string_view)> is_type;      // a typedef or base type, not hidden by a variable
  bool unknown_types = false;                         // under -E: a word may be a type that only a guest knows
  std::function<bool(std::string_view)> is_variable;  // a variable, inline or builtin
  std::function<bool()> default_arguments;            // -x defaultargs, as of now
};

class Parser {
 public:
  Parser(Lexer& lexer, MacroTable& macros, ParserRules rules)
      : lexer_(lexer), macros_(macros), rules_(std::move(rules)) {}

  // nullopt at the end of the source.
  Result<std::optional<External>> next();
  Region region() const { return region_; }

 private:
  struct Place {
    Lexer::State state;
    Token token;
  };
  // Counts one level of recursion for as long as it lives.
  struct Level {
    explicit Level(unsigned& depth) : depth_(depth) { depth_++; }
    ~Level() { depth_--; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    unsigned& depth_;
  };

  // parser.cc: tokens, clauses, statements
  Result<void> advance();
  Result<void> advance(Context context);
  Result<void> expect(Tok kind);
  Place place() const { return {lexer_.state(), token_}; }
  void go_back(Place place);
  Error syntax_error(std::string_view text = "syntax error", std::string hint = {}) const;
  Error too_deep() const;
  bool starts_declaration() const;
  Result<External> clause();
  Result<std::vector<dif::ProbeDesc>> descriptions();
  Result<std::vector<Statement>> statements();
  Result<void> statement_into(std::vector<Statement>& list);
  Result<std::vector<Statement>> if_body();

  // parser_decl.cc
  Result<External> declaration();
  Result<External> inline_definition(Specifiers specifiers);
  // What a storage class word means where specifiers stand.
  enum class StorageRule : uint8_t { kAllowed, kParameter, kNone };
  Result<Specifiers> specifiers(StorageRule rule);
  Result<void> tagged_type(Specifiers& specifiers);
  Result<std::vector<MemberDecl>> members();
  Result<std::vector<Enumerator>> enumerators();
  Result<Declarator> declarator(bool may_be_abstract);
  Result<void> suffixes(std::vector<TypeStep>& steps);
  Result<TypeStep> parameter_step(TypeStep::Kind kind, Tok closer);
  Result<TypeName> type_name();
  bool at_type() const;
  bool at_parameter_class() const;
  Result<bool> at_declared_name();
  Result<bool> at_attributed_name();

  // parser_translator.cc
  Result<External> translator_definition();
  Result<External> provider_definition();
  Result<TypeStep> probe_arguments();
  Result<void> end_of_definition();

  // parser_expr.cc
  Result<Expr> expression();
  Result<Expr> assignment();
  Result<Expr> conditional();
  Result<Expr> binary(unsigned lowest);
  Result<Expr> cast();
  Result<Expr> unary();
  Result<Expr> unary_expression();
  Result<Expr> sizeof_expression();
  Result<std::optional<Expr>> existence_test();
  Result<Expr> postfix(Expr base);
  Result<Expr> primary();
  Result<Expr> scoped_variable();
  Result<Expr> type_operator();
  Result<std::vector<Expr>> arguments(Tok closer);
  Result<bool> shaped_like_a_type();
  Result<bool> at_cast();
  Result<Expr> finish(Expr expr) const;  // computes and bounds the depth
  Expr start(ExprKind kind) const;

  Lexer& lexer_;
  MacroTable& macros_;
  ParserRules rules_;
  Token token_;
  Context context_ = Context::kOuter;
  Region region_ = Region::kNone;
  std::vector<std::string> parameters_;  // of the inline whose value is read: names, whatever types there are
  unsigned depth_ = 0;
  bool unary_form_ = false;  // of what conditional() just read: nothing else may stand before an assignment operator
  bool started_ = false;
};

}  // namespace ht::d
