// What the program's names stand for: variables, aggregations, inlines, enumerators. Changes can be taken back to a
// mark, which is what analysis does when it has to be tried in another order, or was only to find a type.
#pragma once

#include <cstdint>
#include <functional>
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
  Origin origin = Origin::kNone;  // of the pointers assigned to it so far
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

// Declared by extern, or by a prototype, or an object in a header: something outside the program.
struct ExternSymbol {
  std::string name;
  TypeRef type = nullptr;
  std::vector<TypeRef> parameters;  // of a function
  bool variadic = false;
  Pos pos;
};

class SymbolTable {
 public:
  SymbolTable() = default;
  SymbolTable(const SymbolTable&) = delete;
  SymbolTable& operator=(const SymbolTable&) = delete;

  // While a Mark lives, what is changed can be taken back; the innermost one first.
  class Mark {
   public:
    explicit Mark(SymbolTable& symbols) : symbols_(symbols), size_(symbols.undo_.size()) { symbols_.marks_++; }
    ~Mark() {
      if (--symbols_.marks_ == 0) symbols_.undo_.clear();
    }
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;
    void take_back() { symbols_.take_back(size_); }

   private:
    SymbolTable& symbols_;
    size_t size_;
  };

  const Variable* variable(dif::Scope scope, std::string_view name) const;
  // Gives it an id. Fails when its scope is full.
  Result<const Variable*> add_variable(Variable variable);
  void set_origin(dif::Scope scope, std::string_view name, Origin origin);
  const std::vector<Variable>& variables() const { return variables_; }

  const Aggregation* aggregation(std::string_view name) const;
  Aggregation& add_aggregation(std::string_view name);  // or the one there is
  const std::vector<Aggregation>& aggregations() const { return aggregations_; }

  std::shared_ptr<const Inline> find_inline(std::string_view name) const;
  void add_inline(Inline definition);

  const int64_t* enumerator(std::string_view name) const;
  void add_enumerator(std::string_view name, int64_t value);

  const ExternSymbol* extern_symbol(std::string_view name) const;
  void add_extern(ExternSymbol symbol);

  // Whether `name` is taken among identifiers without a scope, and by what ("built-in", "scalar", ...), else "".
  std::string_view kind_of(std::string_view name) const;
  std::vector<std::string_view> identifiers(dif::Scope scope) const;  // for "did you mean"

  // Whether $target is a process: %A may show addresses of it.
  bool has_target() const { return has_target_; }
  void set_has_target(bool has_target) { has_target_ = has_target; }

 private:
  void on_take_back(std::function<void()> undo) {
    if (marks_ != 0) undo_.push_back(std::move(undo));
  }
  void take_back(size_t size);

  unsigned marks_ = 0;
  std::vector<std::function<void()>> undo_;  // of changes made since the outermost mark, in their order
  bool has_target_ = false;
  std::vector<Variable> variables_;
  std::map<std::pair<dif::Scope, std::string>, size_t> by_name_;
  uint32_t next_id_[3] = {dif::kFirstUserVariable, dif::kFirstUserVariable, dif::kFirstUserVariable};
  std::vector<Aggregation> aggregations_;
  std::map<std::string, size_t, std::less<>> aggregations_by_name_;
  std::map<std::string, std::shared_ptr<const Inline>, std::less<>> inlines_;
  std::map<std::string, int64_t, std::less<>> enumerators_;
  std::map<std::string, ExternSymbol, std::less<>> externs_;
};

// A builtin variable of this D; null if there is none. DIF has names for some that only other systems have.
const dif::VariableInfo* find_builtin(std::string_view name);

// "", "self->" or "this->".
std::string_view scope_prefix(dif::Scope scope);

}  // namespace ht::d
