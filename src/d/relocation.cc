// What of a guest's types an expression may ask for beside members: sizes, offsets, enumerators, and whether something
// is there at all. Where the compiler knows the types these are constants; otherwise they are relocations, whose symbol
// (docs/typing.md) the linker turns into a number for each kernel.
#include <fmt/format.h>

#include "d/kernel_types.h"
#include "d/sema.h"

namespace ht::d {
namespace {

// What an expression of the kernel's types is, without evaluating it: "struct task_struct, cred.uid" for
// curthread->cred->uid. Empty if that cannot be said.
std::string path_of(const Expr& expr) {
  if (std::string name = symbolic_name(expr.type); !name.empty() && !is_pointer(expr.type)) return name;
  if (expr.kind != ExprKind::kMember || expr.member != nullptr) return {};
  const Expr& base = expr.args[0];
  TypeRef object = is_pointer(base.type) ? pointee(base.type) : base.type;
  if (std::string name = symbolic_name(object); !name.empty()) return fmt::format("{}, {}", name, expr.text);
  std::string before = path_of(base);
  return before.empty() ? before : fmt::format("{}.{}", before, expr.text);
}

}  // namespace

Expr Sema::relocation(const Expr& expr, std::string symbol, TypeRef type) {
  Expr result = shell(expr);
  result.kind = ExprKind::kRelocation;
  result.text = std::move(symbol);
  result.type = type;
  result.narrow = true;
  result.args.clear();
  return result;
}

std::optional<Expr> Sema::symbolic_size(const Expr& expr, const Expr* operand, TypeRef type) {
  const std::string what = operand != nullptr ? path_of(*operand) : symbolic_name(type);
  if (what.empty()) return std::nullopt;
  return relocation(expr, fmt::format("sizeof({})", what), types_.integer("size_t"));
}

// defined(type), defined(type, member): 1 if there is such a thing, else 0.
Result<Expr> Sema::defined(const Expr& expr) {
  Result<TypeRef> type = type_of(*expr.type_name);
  if (types_.kernel() != nullptr && !type.ok()) return integer_constant_expr(0, types_.int_type(), expr.pos);
  if (!type.ok()) return std::move(type).error();
  if (std::string name = symbolic_name(*type); !name.empty()) {
    const std::string what = expr.text.empty() ? name : fmt::format("{}, {}", name, expr.text);
    return relocation(expr, fmt::format("defined({})", what), types_.int_type());
  }
  TypeRef known = known_struct(*type);
  bool there = known != nullptr ? known->complete : stripped(*type)->size != 0;
  if (there && !expr.text.empty()) there = known != nullptr && find_member(known, expr.text) != nullptr;
  return integer_constant_expr(there ? 1 : 0, types_.int_type(), expr.pos);
}

// A name that the program does not know, where an enumerator of the kernel may stand.
std::optional<Expr> Sema::kernel_enumerator(const Expr& ident) {
  if (types_.kernel() != nullptr || ident.kind != ExprKind::kIdent || ident.scoped) return std::nullopt;
  if (ident.text.find('`') != std::string::npos || is_being_created(ident)) return std::nullopt;
  Result<Expr> known = check(ident);
  if (known.ok() || known.error().tag != "D_IDENT_UNDEF") return std::nullopt;
  return relocation(ident, fmt::format("enum({})", ident.text), types_.int_type());
}

}  // namespace ht::d
