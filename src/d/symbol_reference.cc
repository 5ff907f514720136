// Names that are not the program's own: a kernel's symbols (module`name, `name), what extern declares, and enumerators
// that only the other side of a comparison makes known (reference, section 3.10).
#include <fmt/format.h>

#include <algorithm>

#include "d/actions.h"
#include "d/kernel_types.h"
#include "d/sema.h"

namespace ht::d {

// The object itself, as `*address` is; of a function, what stands for its address.
Expr Sema::object_at(const Expr& ident, uint64_t address, TypeRef type) {
  Expr result = shell(ident);
  result.kind = ExprKind::kUnary;
  result.op = Tok::kStar;
  result.type = type;
  result.memory = result.narrow = true;
  result.args.push_back(integer_constant_expr(address, types_.pointer(type), ident.pos));
  return result;
}

// The same of a guest, whose kernel is known when the program is linked: what declares it says what it is, else types
// do, then.
Expr Sema::guest_object(const Expr& ident, std::string_view module, const std::string& name,
                        const ExternSymbol* declared) {
  Expr address = shell(ident);
  address.kind = ExprKind::kSymbol;
  address.text = fmt::format("{}`{}", module, name);
  address.type = declared != nullptr ? types_.pointer(declared->type) : types_.unknown();
  Expr result = shell(ident);
  result.kind = ExprKind::kUnary;
  result.op = Tok::kStar;
  result.type = declared != nullptr ? declared->type : types_.unknown();
  result.memory = result.narrow = true;
  result.args.push_back(std::move(address));
  return result;
}

Result<Expr> Sema::scoped_symbol(const Expr& ident) {
  ScopedName scoped = split_scope(ident.text);
  KernelTypes* kernel = types_.kernel();
  const ExternSymbol* declared = symbols_.extern_symbol(scoped.name);
  if ((scoped.module == "C" || scoped.module == "D") && declared != nullptr) return extern_reference(ident, *declared);
  if (kernel == nullptr) {
    if (scoped.module.starts_with('`') || scoped.name.empty()) return undefined(ident);
    return guest_object(ident, types::RunningKernel::canonical(scoped.module), std::string(scoped.name), declared);
  }
  if (scoped.module.starts_with('`')) {  // ``module`name, ``name: of the target process
    std::string_view module =
        scoped.module.substr(std::min(scoped.module.find_first_not_of('`'), scoped.module.size()));
    if (!module.empty() && kernel->symbol(module, scoped.name).has_value()) {
      return fail(
          Tag::D_SYM_BADREF, ident.pos,
          fmt::format("kernel module '{}' symbol '{}' may not be referenced as a user symbol", module, scoped.name));
    }
    return undefined(ident);
  }
  std::optional<KernelTypes::Symbol> symbol = kernel->symbol(scoped.module, scoped.name);
  if (!symbol.has_value()) return undefined(ident);
  if (types_.ilp32()) {
    return fail(Tag::D_SYM_MODEL, ident.pos,
                fmt::format("cannot use 64-bit symbol {}`{} in a 32-bit D program", symbol->where.module, scoped.name));
  }
  TypeRef type = declared != nullptr ? declared->type : symbol->type;
  if (type == nullptr) {
    std::string missing = kernel->missing();
    return fail(Tag::D_SYM_NOTYPES, ident.pos,
                fmt::format("no symbolic type information is available for {}`{}: {}", symbol->where.module,
                            scoped.name, missing.empty() ? "No type information available for symbol" : missing),
                fmt::format("declare it: extern int {};", scoped.name));
  }
  return object_at(ident, symbol->where.address, type);
}

Result<Expr> Sema::extern_reference(const Expr& ident, const ExternSymbol& symbol) {
  KernelTypes* kernel = types_.kernel();
  if (kernel == nullptr) return guest_object(ident, "", symbol.name, &symbol);
  std::optional<KernelTypes::Symbol> found;
  found = kernel->symbol("", symbol.name);
  if (found.has_value()) return object_at(ident, found->where.address, symbol.type);
  return fail(Tag::D_ASRELO, ident.pos, fmt::format("relocation remains against external symbol {}", symbol.name),
              "no module of the kernel has it");
}

Result<std::optional<Expr>> Sema::enum_tag(const Expr& comparison, const Expr& left) {
  const Expr& right = comparison.args[1];
  TypeRef type = stripped(left.type);
  if (is_symbolic(type)) return kernel_enumerator(right);
  if (type->kind != TypeKind::kEnum || right.kind != ExprKind::kIdent || right.scoped) return std::optional<Expr>();
  const EnumValue* value = find_enumerator(type, right.text);
  if (value == nullptr) return std::optional<Expr>();
  std::string_view kind = taken_by(right.text);
  if (!kind.empty() && kind != "enumerator") {
    return fail(Tag::D_IDENT_AMBIG, right.pos,
                fmt::format("ambiguous use of operator {}: {} is both a {} enum tag and a global {}",
                            punctuation(comparison.op), right.text, spell(left.type), kind));
  }
  return std::optional<Expr>(integer_constant_expr(static_cast<uint64_t>(value->value), types_.int_type(), right.pos));
}

}  // namespace ht::d
