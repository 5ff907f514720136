// Translators are compiled away: a member of translated data is the translator's expression for it, with the input in
// place of its parameter. Each is checked again where it is used, so what is not used costs no code.
//
// An input that does something when it is evaluated (a call, an assignment) is evaluated once, into a register
// (kTranslate); any other is simply written out at every use of the parameter.
#include "d/translator.h"

#include <fmt/format.h>

#include <algorithm>

#include "d/sema.h"

namespace ht::d {
namespace {

bool is_char_array(TypeRef type) {
  return stripped(type)->kind == TypeKind::kArray && is_string_compatible(type);
}

Expr input_expr(TypeRef type, uint16_t slot, const Pos& pos) {
  Expr input;
  input.kind = ExprKind::kIdent;
  input.ref = Ref::kTranslatorInput;
  input.id = slot;
  input.type = type;
  input.narrow = true;
  input.pos = pos;
  return input;
}

}  // namespace

const TranslatorMember* Translator::find(const Member* member) const {
  auto found = std::find_if(members.begin(), members.end(), [&](const auto& entry) { return entry.member == member; });
  return found != members.end() ? &*found : nullptr;
}

bool is_translated_pointer(const Expr& expr) {
  return expr.kind == ExprKind::kXlate && expr.arrow;
}

Result<void> Sema::define_translator(const TranslatorDefinition& definition) {
  auto made = std::make_shared<Translator>();
  made->pos = definition.pos;
  made->parameter = definition.input.declarator.name;
  ASSIGN_OR_RETURN(made->output_name, type_of(definition.output));
  made->output = known_struct(made->output_name);
  if (made->output == nullptr || !made->output->complete) {
    return fail(Tag::D_XLATE_SOU, definition.output.specifiers.pos, "translator output type must be a struct or union");
  }
  ASSIGN_OR_RETURN(made->input, type_of(definition.input));
  TypeRef input = stripped(made->input);
  const Pos& input_pos = definition.input.specifiers.pos;
  if (is_void(input)) {
    return fail(Tag::D_DECL_VOIDOBJ, input_pos, fmt::format("cannot have void object: {}", made->parameter));
  }
  if (!input->complete && known_struct(input) == nullptr) {
    return fail(Tag::D_XLATE_SOU, input_pos, fmt::format("incomplete struct/union/enum {}", spell(input)));
  }
  for (const auto& other : translators_) {
    if (other->output != made->output || !same_type(other->input, made->input)) continue;
    return fail(Tag::D_XLATE_REDECL, definition.pos,
                fmt::format("translator from {} to {} has already been declared", spell(made->input),
                            spell(made->output_name)));
  }
  for (const TranslatorDefinition::Item& item : definition.items) {
    const Member* member = find_member(made->output, item.member);
    if (member == nullptr) {
      std::vector<std::string_view> names;
      for (const Member& m : members_of(made->output)) names.push_back(m.name);
      return fail(Tag::D_XLATE_MEMB, item.pos,
                  fmt::format("translator member {} is not a member of {}", item.member, spell(made->output_name)),
                  did_you_mean(item.member, names));
    }
    made->members.push_back({member, item.value});
  }
  translators_.push_back(made);
  if (trusted_) return {};
  // Checked here once, so that a translator nobody uses is still right; and again at each use.
  nodes_ = 0;
  for (const TranslatorMember& member : made->members) {
    ASSIGN_OR_RETURN(Expr value, translated_value(*made, member, input_expr(made->input, 0, definition.pos)));
    static_cast<void>(value);
  }
  return {};
}

// The translator that makes `object` of something like `input`: exactly, else by the rules of arguments. `input` is
// converted to what it takes.
std::shared_ptr<const Translator> Sema::find_translator(TypeRef object, Expr& input) {
  TypeRef output = known_struct(object);
  if (output == nullptr || is_translated(input.type)) return nullptr;
  for (const auto& candidate : translators_) {
    if (candidate->output != output || !same_type(candidate->input, input.type)) continue;
    input = converted(std::move(input), is_integer(candidate->input) ? candidate->input : input.type);
    return candidate;
  }
  for (const auto& candidate : translators_) {
    if (candidate->output != output) continue;
    Result<Expr> value = argument(input, candidate->input, "translator", 1);
    if (!value.ok()) continue;
    bool plain = is_scalar(candidate->input);
    input = plain ? converted(std::move(*value), candidate->input) : std::move(*value);
    return candidate;
  }
  return nullptr;
}

Result<Expr> Sema::xlate(const Expr& expr) {
  ASSIGN_OR_RETURN(TypeRef wanted, type_of(*expr.type_name));
  ASSIGN_OR_RETURN(Expr operand, check(expr.args[0]));
  bool pointer = is_pointer(wanted);
  std::string have = spell(operand.type);
  std::shared_ptr<const Translator> found = find_translator(pointer ? pointee(wanted) : wanted, operand);
  if (found == nullptr) {
    return fail(Tag::D_XLATE_NONE, expr.pos,
                fmt::format("cannot translate from \"{}\" to \"{}\"", have, spell(wanted)));
  }
  return translated_data(std::move(found), std::move(operand), pointer, expr.pos);
}

Expr Sema::translated_data(std::shared_ptr<const Translator> translator, Expr input, bool pointer, const Pos& pos) {
  Expr result;
  result.kind = ExprKind::kXlate;
  result.pos = pos;
  result.arrow = pointer;
  result.depth = input.depth;
  result.type = types_.translated(pointer);
  result.translator = std::move(translator);
  result.args.push_back(std::move(input));
  return result;
}

// The value of one member; `input` is checked.
Result<Expr> Sema::translated_value(const Translator& translator, const TranslatorMember& member, Expr input) {
  bool once = has_side_effects(input);
  uint16_t slot = once ? ++next_slot_ : 0;
  Expr seen = once ? input_expr(input.type, slot, input.pos) : input;
  Frame frame;
  frame.translator = &translator;
  frame.input = &seen;
  const Frame* before = frame_;
  frame_ = &frame;
  Result<Expr> body = check(member.value);
  frame_ = before;
  if (!body.ok()) return body;
  ASSIGN_OR_RETURN(Expr value, as_member(translator, member, std::move(*body)));
  value.writable = false;
  if (!once) return value;
  Expr result;
  result.kind = ExprKind::kTranslate;
  result.pos = value.pos;
  result.type = value.type;
  result.narrow = value.narrow;
  result.id = slot;
  result.depth = static_cast<uint16_t>(std::max(value.depth, input.depth) + 1);
  result.args.push_back(std::move(input));
  result.args.push_back(std::move(value));
  return result;
}

// The member's expression as a value of the member's type.
Result<Expr> Sema::as_member(const Translator& translator, const TranslatorMember& entry, Expr value) {
  TypeRef type = entry.member->type;
  auto incompatible = [&](TypeRef have) {
    return fail(Tag::D_XLATE_INCOMPAT, entry.value.pos,
                fmt::format("translator member {} definition uses incompatible types: \"{}\" = \"{}\"",
                            entry.member->name, spell(type), spell(have)));
  };
  if (value.kind == ExprKind::kXlate) {
    TypeRef object = value.arrow && is_pointer(type) ? pointee(type) : type;
    bool same = known_struct(object) == value.translator->output && value.arrow == is_pointer(type);
    if (!same) return incompatible(value.type);
    return value;
  }
  static_cast<void>(translator);
  if (is_char_array(type) && is_string_compatible(value.type) && !same_type(type, value.type)) {
    return as_string(std::move(value));
  }
  Expr left;
  left.type = type;
  TypeRef have = value.type;
  bool known_array = stripped(type)->kind == TypeKind::kArray && is_symbolic(have);
  if (!known_array && !check_assignable(left, value, Tok::kAssign).ok()) return incompatible(have);
  return is_integer(type) || is_pointer(type) ? converted(std::move(value), type) : std::move(value);
}

Result<Expr> Sema::translated_member(const Expr& expr, Expr base) {
  const Translator& translator = *base.translator;
  std::string_view op = expr.arrow ? "->" : ".";
  if (expr.arrow && !base.arrow) {
    return fail(Tag::D_OP_PTR, expr.pos, fmt::format("operator {} must be applied to a pointer", op));
  }
  if (!expr.arrow && base.arrow) {
    return fail(Tag::D_OP_SOU, expr.pos,
                fmt::format("operator {} cannot be applied to type \"{}\"; must be applied to a struct or union", op,
                            spell(types_.pointer(translator.output_name))));
  }
  const Member* member = find_member(translator.output, expr.text);
  if (member == nullptr) {
    std::vector<std::string_view> names;
    for (const TranslatorMember& m : translator.members) names.push_back(m.member->name);
    return fail(Tag::D_TYPE_MEMBER, expr.member_pos,
                fmt::format("{} is not a member of {}", expr.text, spell(translator.output_name)),
                did_you_mean(expr.text, names));
  }
  const TranslatorMember* entry = translator.find(member);
  if (entry == nullptr) {
    return fail(Tag::D_XLATE_NOCONV, expr.member_pos,
                fmt::format("translator does not define conversion for member: {}", expr.text));
  }
  ASSIGN_OR_RETURN(Expr value, translated_value(translator, *entry, std::move(base.args[0])));
  value.pos = expr.pos;
  return value;
}

// Translated data as a struct in scratch memory: every member that has a conversion is evaluated, the others are 0.
Result<Expr> Sema::snapshot(Expr data) {
  struct Level {
    explicit Level(unsigned& d) : depth(d) { depth++; }
    ~Level() { depth--; }
    unsigned& depth;
  } level(depth_);
  if (depth_ > kMaxTranslations) {
    return fail(Tag::D_XLATE_NONE, data.pos, "translated data contains itself without end");
  }
  const Translator& translator = *data.translator;
  Expr input = std::move(data.args[0]);
  bool once = has_side_effects(input);
  uint16_t slot = once ? ++next_slot_ : 0;
  Expr seen = once ? input_expr(input.type, slot, input.pos) : input;
  Expr result;
  result.kind = ExprKind::kSnapshot;
  result.pos = data.pos;
  result.type = translator.output_name;
  for (const TranslatorMember& member : translator.members) {
    ASSIGN_OR_RETURN(Expr value, translated_value(translator, member, seen));
    if (value.kind == ExprKind::kXlate && !value.arrow) {
      ASSIGN_OR_RETURN(value, snapshot(std::move(value)));
    }
    result.depth = std::max<uint16_t>(result.depth, static_cast<uint16_t>(value.depth + 1));
    result.snapshot.push_back(member.member);
    result.args.push_back(std::move(value));
  }
  if (!once) return result;
  Expr outer;
  outer.kind = ExprKind::kTranslate;
  outer.pos = result.pos;
  outer.type = result.type;
  outer.id = slot;
  outer.depth = static_cast<uint16_t>(std::max(result.depth, input.depth) + 1);
  outer.args.push_back(std::move(input));
  outer.args.push_back(std::move(result));
  return outer;
}

}  // namespace ht::d
