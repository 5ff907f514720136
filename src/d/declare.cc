// Declarations of variables, typedefs and symbols outside the program (reference, section 2.4).
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "d/actions.h"
#include "d/sema.h"

namespace ht::d {
namespace {

std::string spell_list(const std::vector<TypeRef>& types) {
  std::string text;
  for (size_t i = 0; i < types.size(); i++) text += (i == 0 ? "" : ", ") + spell(types[i]);
  return text;
}

// As the lines "current" and "previous" of a message show it.
std::string describe(const Variable& variable) {
  if (!variable.is_array) return "scalar " + spell(variable.type);
  return fmt::format("associative array {}[{}]", spell(variable.type), spell_list(variable.keys));
}

std::string describe(const ExternSymbol& symbol) {
  return "external symbol reference " + spell(symbol.type);
}

bool same_list(const std::vector<TypeRef>& a, const std::vector<TypeRef>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_type);
}

bool same_declaration(const Variable& a, const Variable& b) {
  return a.is_array == b.is_array && same_type(a.type, b.type) && same_list(a.keys, b.keys);
}

bool same_declaration(const ExternSymbol& a, const ExternSymbol& b) {
  return same_type(a.type, b.type) && same_list(a.parameters, b.parameters) && a.variadic == b.variadic;
}

bool is_built_in(std::string_view name) {
  return dif::find_variable(name) != nullptr || !function_word(name).empty() || dif::find_subroutine(name) != nullptr;
}

}  // namespace

Error Sema::redeclared(const Pos& pos, std::string_view name, std::string_view current, std::string_view previous) {
  return fail(Tag::D_DECL_IDRED, pos,
              fmt::format("identifier redeclared: {}\n\t current: {}\n\tprevious: {}", name, current, previous));
}

std::string_view Sema::taken_by(std::string_view name) const {
  if (std::string_view kind = symbols_.kind_of(name); !kind.empty()) return kind;
  if (dif::find_subroutine(name) != nullptr) return "function";
  return function_word(name);
}

Result<void> Sema::declare(const Declaration& declaration) {
  const Specifiers& s = declaration.specifiers;
  if (s.storage == Storage::kAuto || s.storage == Storage::kRegister || s.storage == Storage::kStatic) {
    return fail(Tag::D_DECL_BADCLASS, s.pos, "specified storage class not appropriate in D");
  }
  if (declaration.declarators.empty() && (!s.tagged.has_value() || s.storage != Storage::kNone)) {
    std::string hint;
    if (!s.type_word.empty() && types_.find(s.type_word) == nullptr) hint = unknown_type_hint(s.type_word);
    return fail(Tag::D_DECL_USELESS, s.pos, "useless declaration", std::move(hint));
  }
  bool forward =
      declaration.declarators.empty() && !s.has_body && types_.kernel() != nullptr && !split_scope(s.tag).scoped;
  if (forward) {  // "struct s;" is of the program, whatever the kernel has
    if (types_.find_tag(*s.tagged, s.tag) == nullptr) types_.add_tag(*s.tagged, s.tag, scope_of(s.pos));
    return {};
  }
  ASSIGN_OR_RETURN(TypeRef base, base_type(s));
  for (const Declarator& declarator : declaration.declarators) {
    if (split_scope(declarator.name).scoped) {
      return fail(Tag::D_DECL_SCOPE, declarator.pos,
                  fmt::format("D scoping operator may not be used in a declaration name ({})", declarator.name));
    }
    bool is_function = !declarator.steps.empty() && declarator.steps.back().kind == TypeStep::kFunction;
    // What a header declares is not the program's.
    bool is_extern = s.storage == Storage::kExtern || is_function ||
                     (s.storage == Storage::kNone && scope_of(declarator.pos) == TypeScope::kC);
    RETURN_IF_ERROR(s.storage == Storage::kTypedef ? declare_typedef(declarator, base)
                    : is_extern                    ? declare_extern(declarator, base)
                                                   : declare_variable(s, declarator, base));
  }
  return {};
}

Result<void> Sema::declare_typedef(const Declarator& declarator, TypeRef base) {
  const std::string& name = declarator.name;
  TypeScope scope = scope_of(declarator.pos);
  if (scope == TypeScope::kD && symbols_.variable(dif::Scope::kGlobal, name) != nullptr) {
    return fail(Tag::D_DECL_IDRED, declarator.pos, fmt::format("global variable identifier redeclared: {}", name));
  }
  if (std::string_view kind = scope == TypeScope::kD ? taken_by(name) : std::string_view(); !kind.empty()) {
    return redeclared(declarator.pos, name, "typedef", kind);
  }
  ASSIGN_OR_RETURN(TypeRef type, apply_steps(base, declarator.steps, declarator.steps.size(), name));
  if (TypeRef previous = types_.find_in(scope, name)) {
    if (same_type(previous, type)) return {};
    return fail(Tag::D_DECL_IDRED, declarator.pos, fmt::format("typedef redeclared: {}", name));
  }
  types_.add_typedef(name, type, scope);
  return {};
}

Result<void> Sema::declare_extern(const Declarator& declarator, TypeRef base) {
  ExternSymbol symbol;
  symbol.name = declarator.name;
  symbol.pos = declarator.pos;
  const std::vector<TypeStep>& steps = declarator.steps;
  if (!steps.empty() && steps.back().kind == TypeStep::kFunction) {
    symbol.variadic = steps.back().variadic;
    ASSIGN_OR_RETURN(symbol.parameters, parameter_types(steps.back(), "function", true));
  }
  if (!steps.empty() && steps.back().kind == TypeStep::kTuple) {
    // Declared elsewhere, so there is nothing to make: as good as the declaration of an array of this program.
    return declare_variable(Specifiers{}, declarator, base);
  }
  ASSIGN_OR_RETURN(symbol.type, apply_steps(base, steps, steps.size(), symbol.name));
  if (is_void(symbol.type)) {
    return fail(Tag::D_DECL_VOIDOBJ, symbol.pos, fmt::format("cannot have void object: {}", symbol.name));
  }
  if (const ExternSymbol* previous = symbols_.extern_symbol(symbol.name)) {
    if (same_declaration(*previous, symbol)) return {};
    return redeclared(symbol.pos, symbol.name, describe(symbol), describe(*previous));
  }
  symbols_.add_extern(std::move(symbol));
  return {};
}

Result<void> Sema::declare_variable(const Specifiers& s, const Declarator& declarator, TypeRef base) {
  const std::string& name = declarator.name;
  Variable variable;
  variable.name = name;
  variable.pos = declarator.pos;
  variable.scope = s.storage == Storage::kSelf   ? dif::Scope::kThread
                   : s.storage == Storage::kThis ? dif::Scope::kLocal
                                                 : dif::Scope::kGlobal;
  size_t end = declarator.steps.size();
  if (end > 0 && declarator.steps[end - 1].kind == TypeStep::kTuple) {
    if (variable.scope == dif::Scope::kLocal) {
      return fail(Tag::D_DECL_LOCASSC, declarator.pos,
                  fmt::format("associative arrays may not be declared as local variables: {}", name));
    }
    end--;
    variable.is_array = true;
    ASSIGN_OR_RETURN(variable.keys, parameter_types(declarator.steps[end], "associative array", false));
    if (variable.keys.size() > dif::kTupleRegisters) {
      return fail(Tag::D_NOREG, declarator.pos, "Insufficient tuple registers to generate code");
    }
  }
  ASSIGN_OR_RETURN(variable.type, apply_steps(base, declarator.steps, end, name));
  if (is_void(variable.type)) {
    return fail(Tag::D_DECL_VOIDOBJ, declarator.pos, fmt::format("cannot have void object: {}", name));
  }
  if (!stripped(variable.type)->complete) {
    return fail(Tag::D_DECL_INCOMPLETE, declarator.pos,
                fmt::format("incomplete struct/union/enum {}: {}", spell(variable.type), name));
  }
  if (variable.scope == dif::Scope::kGlobal && types_.find_declared(name) != nullptr) {
    return fail(Tag::D_DECL_IDRED, declarator.pos, fmt::format("typedef identifier redeclared: {}", name));
  }
  if (const Variable* previous = symbols_.variable(variable.scope, name)) {
    if (same_declaration(*previous, variable)) return {};
    return redeclared(declarator.pos, name, describe(variable), describe(*previous));
  }
  if (variable.scope == dif::Scope::kGlobal) {
    if (is_built_in(name)) {
      return fail(Tag::D_DECL_IDRED, declarator.pos, fmt::format("built-in identifier redeclared: {}", name));
    }
    if (std::string_view kind = taken_by(name); !kind.empty()) {
      return redeclared(declarator.pos, name, describe(variable), kind);
    }
  }
  ASSIGN_OR_RETURN(const Variable* added, symbols_.add_variable(std::move(variable)));
  static_cast<void>(added);
  return {};
}

}  // namespace ht::d
