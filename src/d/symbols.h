// What the program's names stand for: variables, aggregations, inlines, enumerators. A plain value, copied when the
// order of analysis has to be tried twice.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "d/ast.h"

namespace ht::d {

struct Variable {
  std::string name;
  dif::Scope scope = dif::Scope::kGlobal;
  bool is_array = false;  // associative
  TypeRef type = nullptr;
  std::vector<TypeRef> keys;
  uint16_t id = 0;
  Pos pos;
};

struct Aggregation {
  std::string name;
  uint32_t id = 0;
  dif::ActionKind function = dif::ActionKind::kNone;  // kNone: mentioned, not yet assigned
  std::string function_name;
  uint64_t param = 0;
  std::vector<int64_t> constants;  // of lquantize, llquantize, as written
  std::vector<TypeRef> keys;
  Pos pos;
};

struct InlineParameter {
  std::string name;
  TypeRef type = nullptr;
};
struct Inline {
  std::string name;
  TypeRef type = nullptr;
  bool is_array = false;
  std::vector<InlineParameter> parameters;
  Expr body;
  Pos pos;
};

class SymbolTable {
 public:
  const Variable* variable(dif::Scope scope, std::string_view name) const;
  // Gives it an id. Fails when its scope is full.
  Result<const Variable*> add_variable(Variable variable);
  const std::vector<Variable>& variables() const { return variables_; }

  const Aggregation* aggregation(std::string_view name) const;
  Aggregation& add_aggregation(std::string_view name);  // or the one there is
  const std::vector<Aggregation>& aggregations() const { return aggregations_; }

  std::shared_ptr<const Inline> find_inline(std::string_view name) const;
  void add_inline(Inline definition);

  const int64_t* enumerator(std::string_view name) const;
  void add_enumerator(std::string_view name, int64_t value) { enumerators_[std::string(name)] = value; }

  // Whether `name` is taken among identifiers without a scope, and by what ("built-in", "scalar", ...), else "".
  std::string_view kind_of(std::string_view name) const;
  std::vector<std::string_view> identifiers(dif::Scope scope) const;  // for "did you mean"

 private:
  std::vector<Variable> variables_;
  std::map<std::pair<dif::Scope, std::string>, size_t> by_name_;
  uint32_t next_id_[3] = {dif::kFirstUserVariable, dif::kFirstUserVariable, dif::kFirstUserVariable};
  std::vector<Aggregation> aggregations_;
  std::map<std::string, size_t, std::less<>> aggregations_by_name_;
  std::map<std::string, std::shared_ptr<const Inline>, std::less<>> inlines_;
  std::map<std::string, int64_t, std::less<>> enumerators_;
};

// "", "self->" or "this->".
std::string_view scope_prefix(dif::Scope scope);

}  // namespace ht::d
