// Semantic analysis of expressions and declarations: what names mean, what type everything has, whether operators fit
// their operands (reference, sections 2.4, 2.5, 2.8, 3). check() takes a tree as parsed and returns a typed one;
// constants are folded on the way.
//
// Values of symbolic type (see type.h) pass wherever a scalar or a string may stand.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "d/ast.h"
#include "d/interfaces.h"
#include "d/print_types.h"
#include "d/symbols.h"
#include "d/translator.h"
#include "d/type.h"

namespace ht::d {

// A copy of the node as parsed, without its operands.
Expr shell(const Expr& expr);
// The type of the result of an operator on two integers (reference, section 3.4).
TypeRef promoted(TypeRef a, TypeRef b);
bool is_zero(const Expr& expr);  // the constant 0
Expr integer_constant_expr(uint64_t value, TypeRef type, const Pos& pos);
// The value cut to `size` bytes and extended by sign.
uint64_t cut(uint64_t value, uint64_t size, bool is_signed);
bool has_side_effects(const Expr& checked);
// What can be written through: a pointer in a variable, one that a cast makes, or an offset from either.
bool is_writable_pointer(const Expr& checked);
// Fails with D_DIV_ZERO if a part of the tree as parsed divides by 0: that is an error even in a branch never taken.
Result<void> check_divisions(const Expr& expr);
// The constant that two constants and an operator make; the type decides between signed and unsigned.
Result<uint64_t> fold_binary(Tok op, uint64_t left, uint64_t right, bool is_signed, const Pos& pos);

// Translated data that is a pointer: xlate<T *>().
bool is_translated_pointer(const Expr& expr);

// What args[] is at the probes of a clause.
struct ProbeSignature {
  std::vector<ProviderArgument> native, translated;
};

class Sema {
 public:
  // `options`: those that the compiler itself minds, in force when an expression is checked.
  Sema(TypeTable& types, SymbolTable& symbols, const std::map<std::string, std::string>& options)
      : types_(types), symbols_(symbols), options_(options) {}

  // An expression whose value is used (or not: statements). Call once per expression of the program, from outside.
  Result<Expr> check_expression(const Expr& expr);
  // Same, converted to string when its type is symbolic.
  Result<Expr> as_string(Expr checked);

  // A checked value in the place of a parameter or key of type `wanted`, converted where that is implicit. `what` is
  // the NAME( ) or NAME[ ] of messages.
  Result<Expr> argument(Expr checked, TypeRef wanted, std::string_view what, size_t number,
                        std::string_view thing = "argument");

  // A type as written, without side effects but for struct and enum bodies in it.
  Result<TypeRef> type_of(const TypeName& name);
  Result<void> declare(const Declaration& declaration);
  Result<void> define_inline(const InlineDefinition& definition);
  Result<void> define_translator(const TranslatorDefinition& definition);
  Result<void> define_provider(const ProviderDefinition& definition);

  // What is compiled next comes with this program: it is right, and need not be checked before it is used.
  void set_trusted(bool trusted) { trusted_ = trusted; }
  // How many arguments each probe has that a description matches; none if it matches no probe. Not set: nobody knows
  // yet, and args[] is untyped.
  using ProbeArguments = std::function<std::vector<size_t>(const dif::ProbeDesc&)>;
  void set_probe_arguments(ProbeArguments arguments) { probe_arguments_ = std::move(arguments); }
  // The clause that is compiled from now on; null between clauses.
  void set_probes(const std::vector<dif::ProbeDesc>* probes) { probes_ = probes; }

  const std::vector<Provider>& providers() const { return providers_; }

  // Where stability is kept account of; null: nowhere.
  void set_interfaces(Interfaces* interfaces) { interfaces_ = interfaces; }
  // Whether the option version lets the program see the name.
  bool visible(std::string_view name) const { return interfaces_ == nullptr || !interfaces_->hidden(name); }
  // What among identifiers without a scope has this name ("scalar", "function", ...), or "".
  std::string_view taken_by(std::string_view name) const;

  TypeTable& types() { return types_; }
  SymbolTable& symbols() { return symbols_; }
  PrintTypes& print_types() { return print_types_; }

 private:
  // While an inline's body is checked: its arguments, and where they in turn are to be checked.
  struct Frame {
    const Inline* definition = nullptr;
    const std::vector<const Expr*>* arguments = nullptr;
    const Frame* outer = nullptr;
    // Or, in a translator: what its parameter stands for, checked.
    const Translator* translator = nullptr;
    const Expr* input = nullptr;
  };

  // sema.cc
  Result<Expr> check(const Expr& expr);
  Result<Expr> identifier(const Expr& expr);
  Result<Expr> variable_reference(const Expr& expr, const Variable& variable);
  Error undefined(const Expr& ident) const;
  bool is_being_created(const Expr& ident) const;
  Result<Expr> expand_inline(const Inline& definition, const std::vector<const Expr*>& arguments, const Pos& pos);
  Result<Expr> unary(const Expr& expr);
  Result<Expr> dereference(Expr result);
  Result<Expr> address_of(Expr result);
  Result<Expr> step(const Expr& expr);  // ++ and --
  Result<Expr> member(const Expr& expr);
  Result<Expr> cast(const Expr& expr);
  Result<Expr> size_of(const Expr& expr);
  Result<Expr> offset_of(const Expr& expr);
  Result<Expr> string_of(const Expr& expr);
  TypeRef known_struct(TypeRef type);  // the program's own struct behind a type, if there is one
  Expr converted(Expr expr, TypeRef to) const;

  // translator.cc
  Result<Expr> xlate(const Expr& expr);
  std::shared_ptr<const Translator> find_translator(TypeRef object, Expr& input);
  Expr translated_data(std::shared_ptr<const Translator> translator, Expr input, bool pointer, const Pos& pos);
  Result<Expr> translated_value(const Translator& translator, const TranslatorMember& member, Expr input);
  Result<Expr> as_member(const Translator& translator, const TranslatorMember& entry, Expr value);
  Result<Expr> translated_member(const Expr& expr, Expr base);
  Result<Expr> snapshot(Expr data);

  // provider.cc
  Result<std::vector<ProviderArgument>> native_arguments(const ProviderDefinition::Probe& probe);
  Result<std::vector<ProviderArgument>> translated_arguments(const ProviderDefinition::Probe& probe,
                                                             const std::vector<ProviderArgument>& native);
  Result<void> check_translators(const Provider& provider, const ProviderProbe& probe, const Pos& pos);
  Result<std::optional<ProbeSignature>> probe_signature(const Pos& pos);
  Result<Expr> probe_argument(const Expr& expr, const Expr& index);

  // sema_call.cc
  Result<Expr> index(const Expr& expr);
  Result<Expr> array_element(const Expr& expr, const Variable& array);
  Result<Expr> builtin_element(const Expr& expr, const dif::VariableInfo& array);
  Result<Expr> call(const Expr& expr);
  Result<void> check_scratch(Expr& call);
  Result<std::vector<Expr>> keys(const Expr& expr, const std::vector<TypeRef>& wanted, std::string_view what);

  // sema_binary.cc
  Result<Expr> binary(const Expr& expr);
  Result<TypeRef> binary_type(const Expr& result);
  Result<TypeRef> additive_type(const Expr& result);
  Result<TypeRef> comparison_type(const Expr& result);
  Result<Expr> conditional(const Expr& expr);
  Result<Expr> comma(const Expr& expr);
  Result<Expr> assignment(const Expr& expr);
  Result<void> check_compound(const Expr& result, Tok op);
  Result<void> check_assignable(const Expr& left, Expr& right, Tok op);
  // The left side of an assignment; a name not seen before becomes a variable of type `implied`.
  Result<Expr> target(const Expr& left, TypeRef implied, std::string_view op);
  Result<void> check_writable(const Expr& target, std::string_view op) const;
  bool creates_variable(const Expr& left) const;
  Result<void> check_origin(const Expr& left, const Expr& right);
  Result<Origin> sum_origin(const Expr& result) const;
  Result<Expr> create_variable(const Expr& left, TypeRef type);
  Result<TypeRef> storable(TypeRef type, std::string_view op, const Pos& pos);

  // decl.cc
  Result<TypeRef> base_type(const Specifiers& specifiers);
  Result<TypeRef> named_type(const Specifiers& specifiers);
  std::string unknown_type_hint(std::string_view name) const;
  std::string missing_types_hint() const;  // why the kernel has no types, or ""
  static TypeScope scope_of(const Pos& pos) { return pos.header_depth != 0 ? TypeScope::kC : TypeScope::kD; }
  Result<TypeRef> tagged_type(const Specifiers& specifiers);
  Result<void> lay_out(Type& type, const std::vector<MemberDecl>& members);
  Result<void> add_member(Type& type, TypeRef base, const MemberDecl::Item& item, uint64_t& bits);
  Result<TypeRef> enumeration(const Specifiers& specifiers);
  // `steps` of the declarator up to `end`; associative arrays are the caller's.
  Result<TypeRef> apply_steps(TypeRef base, const std::vector<TypeStep>& steps, size_t end, std::string_view name);
  Result<std::vector<TypeRef>> parameter_types(const TypeStep& step, std::string_view what, bool is_function);
  Result<int64_t> constant(const Expr& expr, Tag tag, std::string message);

  // declare.cc
  Result<void> declare_variable(const Specifiers& specifiers, const Declarator& declarator, TypeRef base);
  Result<void> declare_typedef(const Declarator& declarator, TypeRef base);
  Result<void> declare_extern(const Declarator& declarator, TypeRef base);
  static Error redeclared(const Pos& pos, std::string_view name, std::string_view current, std::string_view previous);

  // symbol_reference.cc
  Result<Expr> scoped_symbol(const Expr& ident);
  Result<Expr> extern_reference(const Expr& ident, const ExternSymbol& symbol);
  Expr object_at(const Expr& ident, uint64_t address, TypeRef type);
  Expr guest_object(const Expr& ident, std::string_view module, const std::string& name, const ExternSymbol* declared);
  // The right side of a comparison, if it is an enumerator of the enum that the left side is.
  Result<std::optional<Expr>> enum_tag(const Expr& comparison, const Expr& left);

  // relocation.cc: numbers that only a guest's kernel knows.
  Expr relocation(const Expr& expr, std::string symbol, TypeRef type);
  std::optional<Expr> symbolic_size(const Expr& expr, const Expr* operand, TypeRef type);
  Result<Expr> defined(const Expr& expr);
  std::optional<Expr> kernel_enumerator(const Expr& ident);

  static constexpr unsigned kMaxTranslations = 64;  // of a struct in a struct, and so on

  TypeTable& types_;
  SymbolTable& symbols_;
  const std::map<std::string, std::string>& options_;
  Interfaces* interfaces_ = nullptr;
  PrintTypes print_types_;
  std::vector<std::shared_ptr<const Translator>> translators_;
  std::vector<Provider> providers_;
  ProbeArguments probe_arguments_;
  const std::vector<dif::ProbeDesc>* probes_ = nullptr;
  bool trusted_ = false;
  uint16_t next_slot_ = 0;  // of translator inputs in this expression
  const Frame* frame_ = nullptr;
  std::vector<const Expr*> creating_;  // names that the assignments around what is checked create
  unsigned depth_ = 0;
  unsigned nodes_ = 0;
};

}  // namespace ht::d
