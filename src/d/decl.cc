// Types from specifiers and declarators, struct layout, inlines (reference, sections 2.4 and 2.5). Layout is that of
// the x86-64 and AArch64 C ABIs, but for bit-fields of D's own structs: see add_member().
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "d/actions.h"
#include "d/kernel_types.h"
#include "d/sema.h"

namespace ht::d {
namespace {

constexpr uint64_t kLargestType = uint64_t{1} << 31;  // bytes; a record's offsets are 32 bits

struct Combination {
  unsigned Specifiers::*base;
  std::string_view name;
};
constexpr Combination kBases[] = {{&Specifiers::voids, "void"},
                                  {&Specifiers::chars, "char"},
                                  {&Specifiers::floats, "float"},
                                  {&Specifiers::doubles, "double"},
                                  {&Specifiers::strings, "string"}};

Result<std::string> base_name(const Specifiers& s) {
  unsigned bases = s.voids + s.chars + s.floats + s.doubles + s.strings + (s.type_word.empty() ? 0 : 1) +
                   (s.tagged.has_value() ? 1 : 0);
  if (bases > 1 || (bases > 0 && s.ints > 0) || s.ints > 1 || s.shorts > 1 || s.longs > 2 ||
      s.signeds + s.unsigneds > 1 || (s.shorts > 0 && s.longs > 0)) {
    return fail(Tag::D_DECL_COMBO, s.pos, "invalid type combination");
  }
  bool sign = s.signeds + s.unsigneds > 0, length = s.shorts + s.longs > 0;
  if (s.voids > 0 && (sign || length)) {
    return fail(Tag::D_DECL_VOIDATTR, s.pos, "invalid type declaration: attributes may not be used with void type");
  }
  if (s.chars > 0 && length) {
    return fail(Tag::D_DECL_CHARATTR, s.pos, "invalid type declaration: short and long may not be used with char type");
  }
  bool other = s.floats + s.doubles + s.strings > 0 || !s.type_word.empty() || s.tagged.has_value();
  if (other && sign) {
    return fail(Tag::D_DECL_SIGNINT, s.pos,
                "invalid type declaration: signed and unsigned may only be used with integer type");
  }
  bool long_double = s.doubles > 0 && s.longs == 1 && s.shorts == 0;
  if (other && length && !long_double) {
    return fail(Tag::D_DECL_LONGINT, s.pos,
                "invalid type declaration: long and long long may only be used with integer or floating-point type");
  }
  if (long_double) return std::string("long double");
  for (const Combination& combination : kBases) {
    if (s.*combination.base == 0) continue;
    if (s.chars > 0 && sign) return std::string(s.unsigneds > 0 ? "unsigned char" : "signed char");
    return std::string(combination.name);
  }
  std::string name = s.shorts > 0 ? "short" : s.longs == 2 ? "long long" : s.longs == 1 ? "long" : "int";
  return s.unsigneds > 0 ? "unsigned " + name : name;
}

Error incomplete(TypeRef type, std::string_view name, const Pos& pos) {
  return fail(Tag::D_DECL_INCOMPLETE, pos, fmt::format("incomplete struct/union/enum {}: {}", spell(type), name));
}

// Where a bit-field of `count` bits, whose type has `width` bits, begins: at or after bit `start` of its struct.
//
// In a header it is where C has it: it shares bytes with its neighbours, and does not cross a border of its type's
// size. In D's own structs, as in DTrace, each begins in a byte of its own, aligned to the smallest unit that holds it.
uint64_t bit_field_start(uint64_t start, uint64_t count, uint64_t width, bool as_in_c) {
  if (as_in_c) return start / width != (start + count - 1) / width ? (start + width - 1) / width * width : start;
  uint64_t unit = 8;
  while (unit < count) unit *= 2;
  return (start + unit - 1) / unit * unit;
}

}  // namespace

// The value of a constant expression, kept within what int64_t holds.
Result<int64_t> Sema::constant(const Expr& expr, Tag tag, std::string message) {
  ASSIGN_OR_RETURN(Expr value, check_expression(expr));
  if (!value.is_constant() || !is_integer(value.type)) return fail(tag, expr.pos, std::move(message));
  if (!stripped(value.type)->is_signed && value.value > INT64_MAX) return INT64_MAX;
  return static_cast<int64_t>(value.value);
}

Result<TypeRef> Sema::base_type(const Specifiers& s) {
  TypeRef type = nullptr;
  ASSIGN_OR_RETURN(std::string name, base_name(s));
  if (s.tagged.has_value()) {
    ASSIGN_OR_RETURN(type, tagged_type(s));
  } else if (!s.type_word.empty()) {
    ASSIGN_OR_RETURN(type, named_type(s));
  } else if (name == "string") {
    type = types_.string_type();
  } else {
    type = types_.integer(name);
  }
  return types_.qualified(type, s.is_const, s.is_volatile, s.is_userland);
}

namespace {

// The name as the linker looks for it in a guest's types: with the module, if there is one, by its own name.
std::string of_guest(std::string_view name) {
  const ScopedName scoped = split_scope(name);
  if (scoped.module.empty() || scoped.module == "C" || scoped.module == "D") return std::string(scoped.name);
  return fmt::format("{}`{}", types::RunningKernel::canonical(scoped.module), scoped.name);
}

}  // namespace

Result<TypeRef> Sema::named_type(const Specifiers& s) {
  if (s.type_word.find("``") != std::string::npos) {
    return fail(Tag::D_DECL_IDENT, s.pos, "Improper use of scoping operator in type name");
  }
  if (TypeRef found = types_.find(s.type_word)) return found;
  // Not D's: a kernel's, if anybody's.
  if (types_.kernel() == nullptr) return types_.symbolic(of_guest(s.type_word));
  return fail(Tag::D_DECL_IDENT, s.pos, "old-style declaration or incorrect type specified",
              unknown_type_hint(s.type_word));
}

std::string Sema::missing_types_hint() const {
  std::string missing = types_.kernel() == nullptr ? std::string() : types_.kernel()->missing();
  return missing.empty() ? missing : "the kernel's types are not known: " + missing;
}

// What may have been meant, or why the kernel's types are not known.
std::string Sema::unknown_type_hint(std::string_view name) const {
  std::string near = did_you_mean(name, types_.names());
  return near.empty() ? missing_types_hint() : near;
}

Result<TypeRef> Sema::tagged_type(const Specifiers& s) {
  TypeKind kind = *s.tagged;
  if (s.has_body && split_scope(s.tag).scoped) {
    return fail(Tag::D_DECL_SCOPE, s.pos, "D scoping operator may not be used in a type name");
  }
  if (kind == TypeKind::kEnum && s.has_body) return enumeration(s);
  std::string_view tag = split_scope(s.tag).name;
  if (!s.has_body) {
    // A header's tags are its own.
    TypeRef found = s.pos.header_depth == 0 ? types_.find_any_tag(kind, s.tag) : types_.find_tag(kind, tag);
    if (found != nullptr) return found;
    if (types_.kernel() == nullptr) return types_.symbolic(fmt::format("{} {}", tag_word(kind), of_guest(s.tag)));
    return types_.add_tag(kind, tag, scope_of(s.pos));  // a forward declaration
  }
  Type* found = tag.empty() ? nullptr : types_.find_tag_in(scope_of(s.pos), kind, tag);
  if (found != nullptr && found->complete) {
    return fail(Tag::D_DECL_TYPERED, s.pos, fmt::format("type redeclared: {} {}", tag_word(kind), tag));
  }
  if (found == nullptr) found = types_.add_tag(kind, tag, scope_of(s.pos));
  RETURN_IF_ERROR(lay_out(*found, s.members));
  return found;
}

Result<void> Sema::lay_out(Type& type, const std::vector<MemberDecl>& members) {
  uint64_t bits = 0;  // so far; of a union: of the largest member
  type.align = 1;
  for (const MemberDecl& member : members) {
    ASSIGN_OR_RETURN(TypeRef base, base_type(member.specifiers));
    if (member.items.empty()) {
      if (!is_struct(base)) return fail(Tag::D_DECL_MNAME, member.specifiers.pos, "member declaration requires a name");
      MemberDecl::Item anonymous;
      anonymous.declarator.pos = member.specifiers.pos;
      RETURN_IF_ERROR(add_member(type, base, anonymous, bits));
    }
    for (const MemberDecl::Item& item : member.items) RETURN_IF_ERROR(add_member(type, base, item, bits));
  }
  uint64_t size = std::max(type.size, (bits + 7) / 8);  // type.size: so far, with the whole unit of each bit-field
  type.size = (size + type.align - 1) / type.align * type.align;
  type.complete = true;
  return {};
}

Result<void> Sema::add_member(Type& type, TypeRef base, const MemberDecl::Item& item, uint64_t& bits) {
  const Declarator& declarator = item.declarator;
  const Pos& pos = declarator.pos;
  const std::string& name = declarator.name;
  if (name.find('`') != std::string::npos) {
    return fail(Tag::D_DECL_SCOPE, pos, fmt::format("D scoping operator may not be used in a member name ({})", name));
  }
  if (!declarator.steps.empty() && declarator.steps.back().kind == TypeStep::kTuple) {
    return fail(Tag::D_DECL_DYNOBJ, pos, fmt::format("cannot have dynamic member: {}", name));
  }
  ASSIGN_OR_RETURN(TypeRef member_type, apply_steps(base, declarator.steps, declarator.steps.size(), name));
  TypeRef actual = stripped(member_type);
  if (is_void(actual)) return fail(Tag::D_DECL_VOIDOBJ, pos, fmt::format("cannot have void member: {}", name));
  if (is_symbolic(actual) || !actual->complete) return incomplete(actual, name, pos);
  if (actual->kind == TypeKind::kFunction) return incomplete(actual, name, pos);
  if (!name.empty() && find_member(&type, name) != nullptr) {
    return fail(Tag::D_DECL_IDRED, pos, fmt::format("identifier redeclared: {}", name));
  }
  bool is_union = type.kind == TypeKind::kUnion;
  uint64_t start = is_union ? 0 : bits;
  uint64_t width = actual->size * 8;
  Member member{name, member_type, 0, 0, 0};
  if (item.bits.has_value()) {
    bool as_in_c = pos.header_depth != 0;
    if (actual->kind != TypeKind::kInteger && !(as_in_c && actual->kind == TypeKind::kEnum)) {
      return fail(Tag::D_DECL_BFTYPE, pos, fmt::format("invalid type for bit-field: {}", name));
    }
    static constexpr std::string_view kExpected = "positive integral constant expression expected as bit-field size";
    ASSIGN_OR_RETURN(int64_t count, constant(*item.bits, Tag::D_DECL_BFCONST, std::string(kExpected)));
    if (as_in_c && count == 0 && name.empty()) {  // ends the unit
      bits = (bits + width - 1) / width * width;
      return {};
    }
    if (count <= 0) return fail(Tag::D_DECL_BFCONST, pos, std::string(kExpected));
    if (static_cast<uint64_t>(count) > width) {
      return fail(Tag::D_DECL_BFSIZE, pos, fmt::format("bit-field too big for type: {}", name));
    }
    start = bit_field_start(start, static_cast<uint64_t>(count), width, as_in_c);
    width = static_cast<uint64_t>(count);
    member.place_bits(start, static_cast<uint8_t>(count));
    type.size = std::max<uint64_t>(type.size, uint64_t{member.offset} + member.unit);
    if (as_in_c && !name.empty()) type.align = std::max(type.align, actual->align);
  } else {
    uint64_t unit = std::max<uint64_t>(actual->align, 1) * 8;
    start = (start + unit - 1) / unit * unit;
    member.offset = static_cast<uint32_t>(start / 8);
    type.align = std::max(type.align, actual->align);
  }
  if (start + width > kLargestType * 8) return fail(Tag::D_DECL_ARRBIG, pos, "array dimension too big");
  bits = is_union ? std::max(bits, width) : start + width;
  if (!name.empty() || is_struct(actual)) type.declared.push_back(member);
  if (!name.empty()) {
    type.members.push_back(std::move(member));
  } else if (is_struct(actual)) {
    // Members of an anonymous struct or union are found as if they were here.
    for (Member inner : members_of(actual)) {
      inner.offset += member.offset;
      type.members.push_back(std::move(inner));
    }
  }
  return {};
}

Result<TypeRef> Sema::enumeration(const Specifiers& s) {
  TypeScope scope = scope_of(s.pos);
  Type* type = s.tag.empty() ? nullptr : types_.find_tag_in(scope, TypeKind::kEnum, s.tag);
  if (type != nullptr && type->complete) {
    return fail(Tag::D_DECL_TYPERED, s.pos, fmt::format("type redeclared: enum {}", s.tag));
  }
  if (type == nullptr) type = types_.add_tag(TypeKind::kEnum, s.tag, scope);
  type->size = type->align = 4;
  type->is_signed = type->complete = true;
  int64_t value = 0;
  for (const Enumerator& e : s.enumerators) {
    if (e.name.find('`') != std::string::npos) {
      return fail(Tag::D_DECL_SCOPE, e.pos,
                  fmt::format("D scoping operator may not be used in an enumerator name ({})", e.name));
    }
    if (e.value.has_value()) {
      ASSIGN_OR_RETURN(
          value, constant(*e.value, Tag::D_DECL_ENCONST,
                          fmt::format("enumerator '{}' must be assigned to an integral constant expression", e.name)));
    }
    constexpr int64_t kLargest = std::numeric_limits<int32_t>::max();
    if (value > kLargest || value < std::numeric_limits<int32_t>::min()) {
      return fail(Tag::D_DECL_ENOFLOW, e.pos,
                  fmt::format("enumerator '{}' value overflows INT_MAX ({})", e.name, kLargest));
    }
    if (std::string_view kind = taken_by(e.name); !kind.empty()) {
      return redeclared(e.pos, e.name, "enumerator", kind);
    }
    type->enumerators.push_back({e.name, value});
    symbols_.add_enumerator(e.name, value++);
  }
  return type;
}

Result<std::vector<TypeRef>> Sema::parameter_types(const TypeStep& step, std::string_view what, bool is_function) {
  std::vector<TypeRef> result;
  if (step.variadic && !is_function) {
    return fail(Tag::D_DECL_PROTO_VARARGS, step.pos,
                fmt::format("{} prototype may not use a variable-length argument list", what));
  }
  size_t count = step.parameters.size();
  for (size_t i = 0; i < count; i++) {
    const Parameter& parameter = step.parameters[i];
    const std::string& name = parameter.declarator.name;
    const Pos& pos = parameter.specifiers.pos;
    auto bad_type = [&](std::string_view type) {
      return fail(Tag::D_DECL_PROTO_TYPE, pos,
                  fmt::format("{} prototype may not use parameter of type {}: {}, parameter #{}", what, type,
                              name.empty() ? "(anonymous)" : name, i + 1));
    };
    ASSIGN_OR_RETURN(TypeRef base, base_type(parameter.specifiers));
    const std::vector<TypeStep>& steps = parameter.declarator.steps;
    if (!steps.empty() && steps.back().kind == TypeStep::kTuple) return bad_type("associative array");
    ASSIGN_OR_RETURN(TypeRef type, apply_steps(base, steps, steps.size(), name));
    if (is_void(type)) {
      if (!name.empty()) {
        return fail(Tag::D_DECL_PROTO_NAME, pos, fmt::format("void parameter may not have a name: {}", name));
      }
      if (count > 1) return fail(Tag::D_DECL_PROTO_VOID, pos, "void must be sole parameter");
      if (!is_function) return bad_type("void");
      return result;  // (void): none
    }
    if (!is_function && !stripped(type)->complete) return incomplete(type, name, pos);
    result.push_back(type);
  }
  return result;
}

Result<TypeRef> Sema::apply_steps(TypeRef type, const std::vector<TypeStep>& steps, size_t end, std::string_view name) {
  for (size_t i = 0; i < end; i++) {
    const TypeStep& step = steps[i];
    if (step.kind == TypeStep::kPointer) {
      type = types_.pointer(type);
    } else if (step.kind == TypeStep::kFunction) {
      type = types_.function(type);
    } else if (step.kind == TypeStep::kTuple) {
      return fail(Tag::D_DECL_DYNOBJ, step.pos, "cannot declare array of associative arrays");
    } else {
      if (!step.dimension.has_value()) {
        return fail(Tag::D_DECL_ARRNULL, step.pos,
                    fmt::format("array declaration requires array dimension or tuple signature: {}", name));
      }
      if (is_void(type)) return fail(Tag::D_DECL_VOIDOBJ, step.pos, "cannot declare array of void");
      static constexpr std::string_view kExpected =
          "positive integral constant expression or tuple signature expected as array declaration subscript";
      ASSIGN_OR_RETURN(int64_t count, constant(*step.dimension, Tag::D_DECL_ARRSUB, std::string(kExpected)));
      if (count <= 0) return fail(Tag::D_DECL_ARRSUB, step.pos, std::string(kExpected));
      uint64_t size = stripped(type)->size;
      if (size == 0 || !stripped(type)->complete) return incomplete(type, name, step.pos);
      uint64_t total = 0;
      if (__builtin_mul_overflow(size, static_cast<uint64_t>(count), &total) || total > kLargestType) {
        return fail(Tag::D_DECL_ARRBIG, step.pos, "array dimension too big");
      }
      type = types_.array(type, static_cast<uint32_t>(count));
    }
  }
  return type;
}

Result<TypeRef> Sema::type_of(const TypeName& name) {
  ASSIGN_OR_RETURN(TypeRef base, base_type(name.specifiers));
  return apply_steps(base, name.declarator.steps, name.declarator.steps.size(), "");
}

Result<void> Sema::define_inline(const InlineDefinition& definition) {
  const Declarator& declarator = definition.declarator;
  const std::string& name = declarator.name;
  if (definition.specifiers.storage != Storage::kNone) {
    return fail(Tag::D_DECL_BADCLASS, definition.specifiers.pos,
                "specified storage class not appropriate for inline declaration");
  }
  if (split_scope(name).scoped) {
    return fail(Tag::D_DECL_SCOPE, declarator.pos,
                fmt::format("D scoping operator may not be used in a declaration name ({})", name));
  }
  if (std::string_view kind = taken_by(name); !kind.empty()) {
    return fail(Tag::D_DECL_IDRED, declarator.pos,
                fmt::format("identifier redefined: {}\n\t current: inline definition\n\tprevious: {}", name, kind));
  }
  Inline result;
  result.name = name;
  result.pos = declarator.pos;
  size_t end = declarator.steps.size();
  if (end > 0 && declarator.steps[end - 1].kind == TypeStep::kArray) {
    bool empty = !declarator.steps[end - 1].dimension.has_value();
    return fail(Tag::D_DECL_ARRNULL, declarator.pos,
                empty ? fmt::format("inline declaration requires array tuple signature: {}", name)
                      : fmt::format("inline declaration cannot be of scalar array type: {}", name));
  }
  if (end > 0 && declarator.steps[end - 1].kind == TypeStep::kTuple) {
    end--;
    result.is_array = true;
    const TypeStep& step = declarator.steps[end];
    ASSIGN_OR_RETURN(std::vector<TypeRef> parameter_list, parameter_types(step, "inline definition", false));
    for (size_t i = 0; i < parameter_list.size(); i++) {
      const std::string& parameter = step.parameters[i].declarator.name;
      if (parameter.empty()) {
        return fail(Tag::D_DECL_PROTO_NAME, step.parameters[i].specifiers.pos,
                    fmt::format("parameter declaration requires a name: parameter #{}", i + 1));
      }
      result.parameters.push_back({parameter, parameter_list[i]});
    }
  }
  ASSIGN_OR_RETURN(TypeRef base, base_type(definition.specifiers));
  ASSIGN_OR_RETURN(result.type, apply_steps(base, declarator.steps, end, name));
  if (is_void(result.type)) {
    return fail(Tag::D_DECL_VOIDOBJ, declarator.pos, fmt::format("cannot declare void inline: {}", name));
  }
  result.body = definition.value;

  // Checked here once, with zeros for arguments, so that an inline nobody uses is still right; and again at each use.
  nodes_ = 0;
  std::vector<Expr> zeros(result.parameters.size());
  std::vector<const Expr*> arguments;
  for (size_t i = 0; i < zeros.size(); i++) {
    zeros[i].kind = is_string(result.parameters[i].type) ? ExprKind::kString : ExprKind::kInt;
    zeros[i].pos = declarator.pos;
    arguments.push_back(&zeros[i]);
  }
  if (trusted_) {
    symbols_.add_inline(std::move(result));
    return {};
  }
  Frame frame{&result, &arguments, nullptr, nullptr, nullptr};
  frame_ = &frame;
  Result<Expr> body = check(result.body);
  frame_ = nullptr;
  if (!body.ok()) return std::move(body).error();
  Expr left;
  left.type = result.type;
  left.pos = declarator.pos;
  Expr value = std::move(*body);
  if (value.kind == ExprKind::kXlate) {
    TypeRef object = value.arrow && is_pointer(result.type) ? pointee(result.type) : result.type;
    if (value.arrow == is_pointer(result.type) && known_struct(object) == value.translator->output) {
      symbols_.add_inline(std::move(result));
      return {};
    }
  }
  if (!check_assignable(left, value, Tok::kAssign).ok()) {
    return fail(Tag::D_OP_INCOMPAT, declarator.pos,
                fmt::format("inline {} definition uses incompatible types: \"{}\" = \"{}\"", name, spell(result.type),
                            spell(value.type)));
  }
  symbols_.add_inline(std::move(result));
  return {};
}

}  // namespace ht::d
