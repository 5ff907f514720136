// Things in brackets: indexes of pointers and arrays, keys of associative arrays, arguments of subroutines.
#include <fmt/format.h>

#include <algorithm>

#include "d/actions.h"
#include "d/prototype.h"
#include "d/sema.h"
#include "dif/options.h"

namespace ht::d {

Error count_mismatch(const Pos& pos, std::string_view what, std::string_view things, size_t passed, size_t least,
                     size_t most) {
  bool few = passed < least;
  size_t expected = few ? least : most;
  std::string_view limit = least == most ? "" : few ? "at least " : "at most ";
  std::string noun(things);
  if (passed != 1) noun += 's';
  return fail(Tag::D_PROTO_LEN, pos,
              fmt::format("{} prototype mismatch: {} {} passed, {}{} expected", what, passed, noun, limit, expected));
}

Error argument_mismatch(Tag tag, const Pos& pos, std::string_view name, size_t number, std::string_view prototype,
                        std::string_view have) {
  return fail(tag, pos,
              fmt::format("{}( ) argument #{} is incompatible with prototype:\n\tprototype: {}\n\t argument: {}", name,
                          number, prototype, have));
}

Result<Expr> Sema::argument(Expr checked, TypeRef wanted, std::string_view what, size_t number,
                            std::string_view thing) {
  TypeRef have = checked.type;
  if (is_symbolic(have) || is_symbolic(wanted)) {
    if (is_symbolic(have) && is_string(wanted)) return as_string(std::move(checked));
    return checked;
  }
  if (is_integer(wanted) && is_integer(have)) return converted(std::move(checked), wanted);
  bool pointers = is_pointer(wanted) && (pointers_compatible(wanted, have) || is_zero(checked) ||
                                         (is_string_compatible(wanted) && is_string_compatible(have)) ||
                                         (is_void(pointee(wanted)) && is_string(have)));
  if (pointers) return checked;
  // A pointer to an unknown type may point to what a prototype names; the linker finds out.
  if (is_pointer(wanted) && (is_address_of_unknown(have) || (is_address_of_unknown(wanted) && is_pointer(have)))) {
    return checked;
  }
  if (is_string(wanted) && (is_string_compatible(have) || is_zero(checked))) {
    return is_zero(checked) ? std::move(checked) : as_string(std::move(checked));
  }
  if (same_type(wanted, have) && !is_void(have)) return checked;
  return fail(Tag::D_PROTO_ARG, checked.pos,
              fmt::format("{} {} #{} is incompatible with prototype:\n\tprototype: {}\n\t{:>9}: {}", what, thing,
                          number, spell(wanted), thing, spell(have)));
}

Result<std::vector<Expr>> Sema::keys(const Expr& expr, const std::vector<TypeRef>& wanted, std::string_view what) {
  std::vector<Expr> result;
  if (expr.args.size() - 1 != wanted.size()) {
    return count_mismatch(expr.pos, what, "key", expr.args.size() - 1, wanted.size(), wanted.size());
  }
  for (size_t i = 0; i < wanted.size(); i++) {
    ASSIGN_OR_RETURN(Expr key, check(expr.args[i + 1]));
    ASSIGN_OR_RETURN(Expr value, argument(std::move(key), wanted[i], what, i + 1, "key"));
    result.push_back(std::move(value));
  }
  return result;
}

Result<Expr> Sema::array_element(const Expr& expr, const Variable& array) {
  Expr result = shell(expr);
  std::string what = array.name + "[ ]";
  // By value: checking the keys may add variables, which moves the table.
  Variable copy = array;
  ASSIGN_OR_RETURN(result.args, keys(expr, copy.keys, what));
  result.ref = Ref::kVariable;
  result.is_array = true;
  result.scope = copy.scope;
  result.id = copy.id;
  result.type = copy.type;
  result.text = copy.name;
  result.origin = copy.origin;
  result.writable = result.narrow = true;
  return result;
}

// args[n], uregs[n].
Result<Expr> Sema::builtin_element(const Expr& expr, const dif::VariableInfo& array) {
  Expr result = shell(expr);
  std::string what = fmt::format("{}[ ]", array.name);
  if (expr.args.size() != 2) return count_mismatch(expr.pos, what, "arg", expr.args.size() - 1, 1, 1);
  ASSIGN_OR_RETURN(Expr index_value, check(expr.args[1]));
  bool is_args = array.id == dif::kVarArgs;
  if (!index_value.is_constant() || !is_integer(index_value.type)) {
    return fail(
        Tag::D_PROTO_ARG, index_value.pos,
        fmt::format("{} argument #1 is incompatible with prototype:\n\tprototype: integer constant\n\t argument: {}",
                    what, spell(index_value.type)));
  }
  result.ref = Ref::kBuiltinArray;
  result.id = array.id;
  result.value = index_value.value;
  result.type = types_.from_spelling(array.type);
  result.narrow = true;
  if (is_args) return probe_argument(result, index_value);
  // How many registers there are, the machine of the firing knows: beyond them is a fault.
  if (stripped(index_value.type)->is_signed && static_cast<int64_t>(index_value.value) < 0) {
    return fail(
        Tag::D_REGS_IDX, index_value.pos,
        fmt::format("index {} is out of range for array {}", static_cast<int64_t>(index_value.value), array.name));
  }
  return result;
}

Result<Expr> Sema::index(const Expr& expr) {
  const Expr& name = expr.args[0];
  if (name.kind == ExprKind::kIdent) {
    if (const Variable* variable = symbols_.variable(name.scope, name.text)) {
      if (variable->is_array) return array_element(expr, *variable);
    } else if (name.scope == dif::Scope::kLocal) {
      return fail(Tag::D_ARR_LOCAL, expr.pos,
                  fmt::format("local variables may not be used as associative arrays: {}", name.text));
    } else if (!name.scoped) {
      std::shared_ptr<const Inline> definition = symbols_.find_inline(name.text);
      if (definition != nullptr && definition->is_array) {
        size_t wanted = definition->parameters.size();
        if (expr.args.size() - 1 != wanted) {
          return count_mismatch(expr.pos, name.text + "[ ]", "key", expr.args.size() - 1, wanted, wanted);
        }
        std::vector<const Expr*> arguments;
        for (size_t i = 1; i < expr.args.size(); i++) arguments.push_back(&expr.args[i]);
        return expand_inline(*definition, arguments, expr.pos);
      }
      const dif::VariableInfo* builtin = visible(name.text) ? find_builtin(name.text) : nullptr;
      if (builtin != nullptr && builtin->id < 0x100) return builtin_element(expr, *builtin);
      bool unknown = frame_ == nullptr && symbols_.kind_of(name.text).empty() && function_word(name.text).empty() &&
                     dif::find_subroutine(name.text) == nullptr && name.text.find('`') == std::string::npos;
      if (unknown) {
        return fail(Tag::D_VAR_UNDEF, name.pos, name.text + " has not yet been declared or assigned",
                    did_you_mean(name.text, symbols_.identifiers(name.scope)));
      }
    }
  }
  ASSIGN_OR_RETURN(Expr base, check(name));
  bool symbolic = is_symbolic(base.type) || (is_pointer(base.type) && is_symbolic(pointee(base.type)) &&
                                             known_struct(pointee(base.type)) == nullptr);
  bool indexable = symbolic || is_string(base.type) || pointee(base.type) != nullptr;
  if (!indexable || expr.args.size() != 2) {
    std::string_view what = name.kind == ExprKind::kIdent ? std::string_view(name.text) : "expression";
    return fail(Tag::D_ARR_BADREF, expr.pos, fmt::format("cannot access {} as an associative array", what));
  }
  ASSIGN_OR_RETURN(Expr offset, check(expr.args[1]));
  if (!is_arithmetic(offset.type)) {
    return fail(Tag::D_PROTO_ARG, offset.pos,
                fmt::format("array index is incompatible with prototype:\n\tprototype: int\n\t argument: {}",
                            spell(offset.type)));
  }
  TypeRef array = stripped(base.type);
  if (array->kind == TypeKind::kArray && offset.is_constant() && array->count > 1 && offset.value >= array->count) {
    return fail(Tag::D_ARR_BOUNDS, offset.pos,
                fmt::format("index outside array bounds: {}, max is {}", offset.value, array->count));
  }
  Expr result = shell(expr);
  result.kind = ExprKind::kUnary;
  result.op = Tok::kStar;
  if (is_zero(offset)) {
    result.args.push_back(std::move(base));
    return dereference(std::move(result));
  }
  if (symbolic && is_symbolic(base.type)) {  // whatever it points to: the linker knows its size
    Expr pointer = shell(base);
    pointer.kind = ExprKind::kCast;
    pointer.type = types_.pointer(types_.unknown());
    pointer.narrow = true;
    pointer.args.clear();
    pointer.args.push_back(std::move(base));
    base = std::move(pointer);
  }
  TypeRef element = is_string(base.type) ? types_.integer("char") : pointee(base.type);
  if (!symbolic && stripped(element)->size == 0)
    return fail(Tag::D_DEREF_VOID, expr.pos, "cannot dereference pointer to void");
  Expr sum = shell(expr);
  sum.kind = ExprKind::kBinary;
  sum.op = Tok::kPlus;
  sum.type = types_.pointer(element);
  sum.args.push_back(std::move(base));
  sum.args.push_back(std::move(offset));
  result.args.push_back(std::move(sum));
  return dereference(std::move(result));
}

// What alloca() and the like make of scratch memory, and what others may do with it.
Result<void> Sema::check_scratch(Expr& call) {
  auto is = [&](dif::Subr subr) { return call.id == static_cast<uint16_t>(subr); };
  if (is(dif::Subr::kAlloca) || is(dif::Subr::kCopyin)) {
    call.origin = Origin::kScratch;
  } else if (is_pointer(call.type)) {
    call.origin = Origin::kOther;
  }
  if (is(dif::Subr::kAlloca) && call.args[0].is_constant()) {
    uint64_t size = dif::option_number(options_, "scratchsize");
    if (call.args[0].value > size) {
      return fail(Tag::D_ALLOCA_SIZE, call.args[0].pos,
                  fmt::format("alloca({}) size larger than scratchsize {}", call.args[0].value, size),
                  "-x scratchsize=SIZE makes room");
    }
  }
  size_t into = is(dif::Subr::kBcopy) ? 1 : is(dif::Subr::kCopyinto) ? 2 : SIZE_MAX;
  if (into != SIZE_MAX && call.args[into].origin == Origin::kOther) {
    return argument_mismatch(Tag::D_PROTO_ARG, call.args[into].pos, call.text, into + 1, "alloca pointer",
                             "non-alloca pointer");
  }
  return {};
}

Result<Expr> Sema::call(const Expr& expr) {
  const Expr& callee = expr.args[0];
  if (callee.kind != ExprKind::kIdent || callee.scoped) {
    return fail(Tag::D_FUNC_IDENT, expr.pos, "function designator is not of function type");
  }
  const bool seen = visible(callee.text);
  const dif::SubrInfo* info = seen ? dif::find_subroutine(callee.text) : nullptr;
  std::string_view word = seen ? function_word(callee.text) : std::string_view();
  if (info == nullptr && !word.empty()) {
    return fail(
        Tag::D_CG_EXPR, expr.pos,
        fmt::format("{} {}( ) may not be called from a D expression (D program context required)", word, callee.text));
  }
  if (info == nullptr) {
    std::string_view kind = symbols_.kind_of(callee.text);
    if (!kind.empty()) {
      return fail(Tag::D_FUNC_IDKIND, expr.pos,
                  fmt::format("{} '{}' may not be referenced as a function", kind, callee.text));
    }
    return fail(Tag::D_FUNC_UNDEF, expr.pos, fmt::format("undefined function name: {}", callee.text),
                seen ? did_you_mean(callee.text, function_names()) : std::string());
  }
  if (is_unimplemented(info->number)) {
    return fail(Tag::D_FUNC_UNDEF, expr.pos, fmt::format("unimplemented subroutine: {}", callee.text));
  }
  std::string what = callee.text + "( )";
  size_t passed = expr.args.size() - 1;
  if (passed < info->least || passed > info->most) {
    return count_mismatch(expr.pos, what, "arg", passed, info->least, info->most);
  }
  Expr result = shell(expr);
  result.text = callee.text;
  for (size_t i = 0; i < passed; i++) {
    ASSIGN_OR_RETURN(Expr value, check(expr.args[i + 1]));
    std::string_view wanted = info->parameter(i);
    if (wanted == dif::kTextParameter && is_symbolic(value.type)) {
      // An array or pointer of char in a kernel type: its address, as a string.
      ASSIGN_OR_RETURN(value, as_string(std::move(value)));
    }
    if (is_constant_parameter(info->number, i) && !(value.is_constant() && is_integer(value.type))) {
      return fail(Tag::D_PROTO_ARG, value.pos, fmt::format("{} argument #{} must be an integer constant", what, i + 1));
    }
    ASSIGN_OR_RETURN(Expr ready, argument(std::move(value), types_.from_spelling(wanted), what, i + 1));
    result.args.push_back(std::move(ready));
  }
  result.ref = Ref::kSubroutine;
  result.id = info->number;
  result.type = types_.from_spelling(info->result);
  result.narrow = true;
  RETURN_IF_ERROR(check_scratch(result));
  return result;
}

}  // namespace ht::d
