// printf, system, freopen and printa: formats against arguments (reference, sections 5.5 and 7.3).
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "d/actions_shared.h"
#include "dif/format.h"

namespace ht::d {
namespace {

using dif::ActionKind;
using dif::Conversion;

// DTrace's own word for the original output, which no program may use: as a path it can never be opened for writing.
constexpr std::string_view kRestoreOutput = ".";

bool integer_of_size(TypeRef type, uint64_t size) {
  return is_integer(type) && stripped(type)->size == size;
}

// "exactly long": the type itself, signed or not.
bool named_integer(TypeRef type, std::string_view name) {
  const std::string& own = stripped(type)->name;
  return is_integer(type) && (own == name || own == fmt::format("unsigned {}", name));
}

bool any_integer(TypeRef type) {
  return is_integer(type);
}
bool up_to_int(TypeRef type) {
  return is_integer(type) && stripped(type)->size <= 4;
}
bool eight_bytes(TypeRef type) {
  return integer_of_size(type, 8);
}
bool exactly_int(TypeRef type) {
  return integer_of_size(type, 4);
}
bool exactly_short(TypeRef type) {
  return named_integer(type, "short");
}
bool exactly_long(TypeRef type) {
  return named_integer(type, "long");
}
bool exactly_long_long(TypeRef type) {
  return named_integer(type, "long long");
}
bool hex_long_long(TypeRef type) {
  return exactly_long_long(type) || exactly_long(type);
}
bool two_bytes(TypeRef type) {
  return integer_of_size(type, 2) && !stripped(type)->is_signed;
}
bool floating(TypeRef type) {
  return is_float(type);
}
bool long_double(TypeRef type) {
  return is_float(type) && stripped(type)->size == 16;
}
bool text(TypeRef type) {
  TypeKind kind = stripped(type)->kind;
  return kind == TypeKind::kString || (kind == TypeKind::kArray && is_string_compatible(type));
}
bool wide_text(TypeRef type) {
  return stripped(type)->kind == TypeKind::kArray && integer_of_size(pointee(type), 4);
}
bool address(TypeRef type) {
  return is_pointer(type) || is_integer(type);
}
bool kernel_address(TypeRef type) {
  return address(type) || stripped(type)->kind == TypeKind::kSymaddr;
}
bool user_address(TypeRef type) {
  return address(type) || stripped(type)->kind == TypeKind::kUsymaddr;
}
bool stack(TypeRef type) {
  return stripped(type)->kind == TypeKind::kStack;
}

enum class Symbolic : uint8_t { kNo, kAsItIs, kAsString };

struct ConversionRule {
  std::string_view size;
  std::string_view letters;
  bool (*fits)(TypeRef);
  Symbolic symbolic;  // what to do with a value whose type only the kernel knows
  std::string_view prototype;
};
constexpr ConversionRule kConversions[] = {
    {"", "diouxX", any_integer, Symbolic::kAsItIs, "char, short, int, long, or long long"},
    {"", "cC", up_to_int, Symbolic::kAsItIs, "char, short, or int"},
    {"", "sSI", text, Symbolic::kAsString, "char [] or string (or use stringof)"},
    {"", "p", address, Symbolic::kAsItIs, "pointer or integer"},
    {"", "a", kernel_address, Symbolic::kAsItIs, "pointer or integer"},
    {"", "A", user_address, Symbolic::kAsItIs, "pointer or integer (with -p/-c) or _usymaddr (without -p/-c)"},
    {"", "k", stack, Symbolic::kNo, "stack"},
    {"", "TY", eight_bytes, Symbolic::kAsItIs, "int64_t"},
    {"", "P", two_bytes, Symbolic::kAsItIs, "uint16_t"},
    {"", "eEfgG", floating, Symbolic::kNo, "float, double, or long double"},
    {"h", "dixX", exactly_short, Symbolic::kAsItIs, "short"},
    {"h", "ou", exactly_short, Symbolic::kAsItIs, "unsigned short"},
    {"l", "dixX", exactly_long, Symbolic::kAsItIs, "long"},
    {"l", "ou", exactly_long, Symbolic::kAsItIs, "unsigned long"},
    {"ll", "xX", hex_long_long, Symbolic::kAsItIs, "long long"},
    {"ll", "di", exactly_long_long, Symbolic::kAsItIs, "long long"},
    {"ll", "ou", exactly_long_long, Symbolic::kAsItIs, "unsigned long long"},
    {"L", "eEfgG", long_double, Symbolic::kNo, "long double"},
    {"l", "c", exactly_int, Symbolic::kAsItIs, "int"},
    {"w", "c", exactly_int, Symbolic::kAsItIs, "int"},
    {"l", "s", wide_text, Symbolic::kNo, "wchar_t []"},
    {"w", "s", wide_text, Symbolic::kNo, "wchar_t []"},
};

const ConversionRule* rule_of(const Conversion& conversion) {
  for (const ConversionRule& rule : kConversions) {
    if (rule.size == conversion.size && rule.letters.find(conversion.letter) != std::string_view::npos) return &rule;
  }
  return nullptr;
}

Error wrong_type(std::string_view name, std::string_view what, size_t number, const Conversion& conversion,
                 std::string_view prototype, TypeRef have, const Pos& pos) {
  std::string hint;
  if (prototype.starts_with("char []") && is_pointer(have))
    hint =
        "stringof(e) makes a string of a kernel address, "
        "copyinstr(e) of a user one";
  return fail(
      Tag::D_PRINTF_ARG_TYPE, pos,
      fmt::format("{}( ) {} is incompatible with conversion #{} prototype:\n\tconversion: %{}\n\t prototype: {}\n"
                  "\t  argument: {}",
                  name, what, number, conversion.name(), prototype, spell(have)),
      hint);
}

Result<dif::FormatString> parse(const Expr& format, std::string_view name, bool may_be_empty) {
  if (format.text.empty() && !may_be_empty) {
    return fail(Tag::D_PRINTF_FMT_EMPTY, format.pos, fmt::format("{}( ) format string is empty", name));
  }
  Result<dif::FormatString> result = dif::parse_format(format.text);
  if (!result.ok()) {
    Error error = std::move(result).error();
    error.pos = format.pos.source();
    return error;
  }
  return result;
}

// One call of a printf-like action as it is worked through.
struct PrintfCall {
  ActionContext& context;
  std::string_view name;
  const Expr& call;
  size_t next = 2;  // call.args[1] is the format

  size_t argument_number() const { return next; }
};

// The argument of a * in the width or precision.
Result<void> dynamic_argument(PrintfCall& p, dif::Action& action, const Conversion& conversion, size_t number,
                              std::string_view star) {
  if (p.next >= p.call.args.size()) {
    return fail(Tag::D_PRINTF_DYN_PROTO, p.call.pos,
                fmt::format("{}( ) prototype mismatch: conversion #{} (%{}) is missing a corresponding \"{}\" argument",
                            p.name, number, conversion.name(), star));
  }
  size_t argument = p.argument_number();
  ASSIGN_OR_RETURN(Expr value, check_operand(p.context, p.call.args[p.next++]));
  if (!is_arithmetic(value.type)) {
    return fail(Tag::D_PRINTF_DYN_TYPE, value.pos,
                fmt::format("{}( ) argument #{} is incompatible with conversion #{} prototype:\n\tconversion: % {} {}\n"
                            "\t prototype: int\n\t  argument: {}",
                            p.name, argument, number, star, conversion.name(), spell(value.type)));
  }
  return add_argument(p.context, action, value);
}

Result<void> value_argument(PrintfCall& p, dif::Action& action, const Conversion& conversion, size_t number) {
  if (p.next >= p.call.args.size()) {
    return fail(Tag::D_PRINTF_ARG_PROTO, p.call.pos,
                fmt::format("{}( ) prototype mismatch: conversion #{} (%{}) is missing a corresponding value argument",
                            p.name, number, conversion.name()));
  }
  size_t argument = p.argument_number();
  const Expr& arg = p.call.args[p.next++];
  const ConversionRule* rule = rule_of(conversion);
  std::string what = fmt::format("argument #{}", argument);
  std::string_view prototype = rule != nullptr ? rule->prototype : "unknown";
  if (const ActionRow* row = stack_or_symbol(arg)) {
    ASSIGN_OR_RETURN(dif::Action inner, stack_or_symbol_action(p.context, *row, arg));
    TypeRef type = stack_or_symbol_type(p.context, inner);
    if (rule == nullptr || !rule->fits(type)) {
      return wrong_type(p.name, what, number, conversion, prototype, type, arg.pos);
    }
    add_argument(action, std::move(inner));
    return {};
  }
  ASSIGN_OR_RETURN(Expr value, check_operand(p.context, arg));
  bool symbolic = is_symbolic(value.type);
  if (conversion.letter == "A" && !p.context.sema.symbols().has_target()) rule = nullptr;  // whose address is it?
  if (rule == nullptr || (symbolic ? rule->symbolic == Symbolic::kNo : !rule->fits(value.type))) {
    return wrong_type(p.name, what, number, conversion, prototype, value.type, arg.pos);
  }
  if (symbolic && rule->symbolic == Symbolic::kAsString) {
    ASSIGN_OR_RETURN(value, p.context.sema.as_string(std::move(value)));
  }
  return add_argument(p.context, action, value);
}

}  // namespace

Result<void> compile_printf(ActionContext& context, const ActionRow& row, const Expr& call) {
  const Expr& format = call.args[1];
  if (format.kind != ExprKind::kString) {
    ASSIGN_OR_RETURN(Expr value, check_operand(context, format));
    return fail(Tag::D_PRINTF_ARG_FMT, format.pos,
                fmt::format("{}( ) argument #1 is incompatible with prototype:\n\tprototype: string constant\n"
                            "\t argument: {}",
                            row.name, spell(value.type)));
  }
  if (row.kind == ActionKind::kFreopen && format.text == kRestoreOutput) {
    return fail(Tag::D_FREOPEN_INVALID, format.pos,
                fmt::format("freopen( ) argument #1 cannot be \"{}\"", kRestoreOutput),
                "freopen(\"\") goes back to the original output");
  }
  ASSIGN_OR_RETURN(dif::FormatString parsed, parse(format, row.name, row.kind == ActionKind::kFreopen));
  size_t index = context.actions.size();
  append(context, row.kind, call);
  context.actions[index].format = format.text;
  context.actions[index].has_format = true;
  PrintfCall p{context, row.name, call};
  for (const Conversion& conversion : parsed.parts) {
    if (conversion.is_literal_only) continue;
    const size_t number = conversion.number;
    if (conversion.agg) {
      return fail(Tag::D_PRINTF_AGG_CONV, format.pos,
                  fmt::format("%@ conversion requires an aggregation and is not for use with {}( )", row.name));
    }
    dif::Action& action = context.actions[index];
    if (conversion.star_width) RETURN_IF_ERROR(dynamic_argument(p, action, conversion, number, "*"));
    if (conversion.star_precision) RETURN_IF_ERROR(dynamic_argument(p, action, conversion, number, ".*"));
    RETURN_IF_ERROR(value_argument(p, action, conversion, number));
  }
  if (p.next < call.args.size()) {
    return fail(Tag::D_PRINTF_ARG_EXTRA, call.args[p.next].pos,
                fmt::format("{}( ) prototype mismatch: only {} arguments required by this format string", row.name,
                            p.next - 1));
  }
  return {};
}

namespace {

Result<void> check_same_keys(const Aggregation& first, const Aggregation& other, const Pos& pos) {
  if (first.keys.size() != other.keys.size()) {
    return fail(Tag::D_PRINTA_AGGKEY, pos,
                fmt::format("printa( ): @{} and @{} do not have matching key signatures: @{} has {} key(s), @{} has {} "
                            "key(s)",
                            first.name, other.name, first.name, first.keys.size(), other.name, other.keys.size()));
  }
  for (size_t i = 0; i < first.keys.size(); i++) {
    TypeRef a = first.keys[i], b = other.keys[i];
    if (same_type(a, b) || is_symbolic(a) || is_symbolic(b) || (is_integer(a) && is_integer(b))) continue;
    return fail(Tag::D_PRINTA_AGGPROTO, pos,
                fmt::format("printa( ): @{}[ ] key #{} is incompatible with @{}:\n{:>9} key #{}: {}\n{:>9} key #{}: {}",
                            other.name, i + 1, first.name, "@" + first.name, i + 1, spell(a), "@" + other.name, i + 1,
                            spell(b)));
  }
  return {};
}

// Whatever the function, %@ shows one 64-bit integer or, of a distribution, all of it.
Result<void> check_value_conversion(const Conversion& conversion, TypeRef value, const Pos& pos) {
  const ConversionRule* rule = rule_of(conversion);
  const bool long_long = conversion.size == "ll" && rule != nullptr;  // on this machine the same as long
  if (long_long || (rule != nullptr && rule->fits(value))) return {};
  return wrong_type("printa", "aggregating action", conversion.number, conversion,
                    rule != nullptr ? rule->prototype : "unknown", value, pos);
}

// Conversions without @ take the keys in order.
Result<void> check_printa_conversions(const dif::FormatString& format, const Aggregation& aggregation, TypeRef value,
                                      const Pos& pos) {
  size_t key = 0;
  for (const Conversion& conversion : format.parts) {
    if (conversion.is_literal_only) continue;
    const size_t number = conversion.number;
    if (conversion.agg) {
      RETURN_IF_ERROR(check_value_conversion(conversion, value, pos));
      continue;
    }
    if (conversion.star_width || conversion.star_precision) {
      return fail(Tag::D_PRINTF_DYN_PROTO, pos,
                  fmt::format("printa( ) prototype mismatch: conversion #{} (%{}) is missing a corresponding \"{}\" "
                              "argument",
                              number, conversion.name(), conversion.star_width ? "*" : ".*"));
    }
    if (key >= aggregation.keys.size()) {
      return fail(Tag::D_PRINTF_ARG_PROTO, pos,
                  fmt::format("printa( ) prototype mismatch: conversion #{} (%{}) is missing a corresponding value "
                              "argument",
                              number, conversion.name()),
                  conversion.letter == "d" ? "%@d is the aggregation's value" : "");
    }
    TypeRef type = aggregation.keys[key++];
    const ConversionRule* rule = rule_of(conversion);
    if (rule != nullptr && (is_symbolic(type) ? rule->symbolic != Symbolic::kNo : rule->fits(type))) continue;
    return wrong_type("printa", fmt::format("key #{}", key), number, conversion,
                      rule != nullptr ? rule->prototype : "unknown", type, pos);
  }
  return {};
}

}  // namespace

Result<void> compile_printa(ActionContext& context, const ActionRow& row, const Expr& call) {
  size_t passed = call.args.size() - 1;
  size_t first = 1;
  std::optional<dif::FormatString> format;
  if (passed > 0 && call.args[1].kind == ExprKind::kString) {
    ASSIGN_OR_RETURN(dif::FormatString parsed, parse(call.args[1], row.name, false));
    format = std::move(parsed);
    first = 2;
  }
  if (passed < first) {
    return fail(Tag::D_PRINTA_PROTO, call.pos,
                fmt::format("printa( ) prototype mismatch: {} args passed, {} expected", passed, first));
  }
  std::vector<uint32_t> ids;
  const std::vector<Aggregation>& known = context.sema.symbols().aggregations();
  for (size_t i = first; i < call.args.size(); i++) {
    ASSIGN_OR_RETURN(uint32_t id, aggregation_argument(context, row.name, call.args[i], i, Tag::D_PRINTA_AGGARG,
                                                       Tag::D_PRINTA_AGGBAD));
    ids.push_back(id);
    RETURN_IF_ERROR(check_same_keys(known[ids[0] - 1], known[id - 1], call.args[i].pos));
  }
  if (format.has_value()) {
    const Aggregation& aggregation = known[ids[0] - 1];
    const bool counts = aggregation.function == ActionKind::kCount;
    TypeRef value = context.sema.types().from_spelling(counts ? "uint64_t" : "int64_t");
    RETURN_IF_ERROR(check_printa_conversions(*format, aggregation, value, call.args[1].pos));
  }
  dif::Action& action = append(context, row.kind, call);
  action.aggs = std::move(ids);
  action.has_format = format.has_value();
  if (action.has_format) action.format = call.args[1].text;
  return {};
}

}  // namespace ht::d
