#include "typing/rules.h"

#include <fmt/format.h>

#include "typing/kernel_symbols.h"
#include "typing/suggest.h"

namespace ht::typing {

using dif::Op;
using dif::TypeRule;
using types::Kind;
using types::TypeId;

namespace {

constexpr std::string_view kTypeTag = "D_TYPE_ERR";
constexpr std::string_view kMemberTag = "D_TYPE_MEMBER";
constexpr uint32_t kBoth = UINT32_MAX;

// What a fixed-width load reads: bytes and sign.
struct Width {
  uint8_t bytes;
  bool is_signed;
};
Width width_of(Op op) {
  const auto n = static_cast<unsigned>(op);
  const unsigned first = n >= static_cast<unsigned>(Op::kRldsb)   ? static_cast<unsigned>(Op::kRldsb)
                         : n >= static_cast<unsigned>(Op::kUldsb) ? static_cast<unsigned>(Op::kUldsb)
                                                                  : static_cast<unsigned>(Op::kLdsb);
  static constexpr Width kWidths[] = {{1, true}, {2, true}, {4, true}, {1, false}, {2, false}, {4, false}, {8, true}};
  return n - first < std::size(kWidths) ? kWidths[n - first] : Width{8, true};
}

}  // namespace

void Rules::run() {
  out_.nodes.assign(out_.flow.nodes.size(), Value::bottom());
  out_.nodes[kZero] = Value::integer(4, true);
  out_.nodes[kZero].zero = out_.nodes[kZero].constant = true;
  // A register that is read before it is written holds 0 (the interpreter clears them).
  out_.nodes[kUndefined] = out_.nodes[kZero];
  const std::vector<Block>& blocks = out_.flow.blocks;
  out_.nodes[kZero].number = out_.nodes[kUndefined].number = 0;
  out_.live.assign(blocks.size(), false);
  only_successor_.assign(blocks.size(), kBoth);
  for (uint32_t b = 0; b < blocks.size(); ++b) {
    const Block& block = blocks[b];
    out_.live[b] = b == 0;
    for (uint32_t p : block.predecessors) out_.live[b] = out_.live[b] || edge_is_live(p, b);
    if (!out_.live[b]) continue;
    for (NodeId n = block.first_phi; n < block.last_phi; ++n) phi(block, n);
    for (uint32_t i = block.begin; i < block.end; ++i) {
      Value v = step(i);
      if (out_.flow.uses[i].result != kUndefined) out_.nodes[out_.flow.uses[i].result] = std::move(v);
    }
    leave(b);
  }
}

bool Rules::edge_is_live(uint32_t from, uint32_t to) const {
  return out_.live[from] && (only_successor_[from] == kBoth || only_successor_[from] == to);
}

// Whether a branch is taken, where both sides of its comparison are numbers that are known by now.
std::optional<bool> Rules::decided(uint32_t branch) const {
  const Node& code = out_.flow.nodes[out_.flow.uses[branch].cc];
  if (code.kind != Node::Kind::kInstruction) return std::nullopt;
  const Op compare = dif::op_of(difo_.text[code.at]);
  if (compare != Op::kTst && compare != Op::kCmp) return std::nullopt;
  const std::optional<uint64_t> left = r1(code.at).number;
  const std::optional<uint64_t> right = compare == Op::kTst ? 0 : r2(code.at).number;
  if (!left || !right) return std::nullopt;
  const auto a = static_cast<int64_t>(*left), b = static_cast<int64_t>(*right);
  switch (dif::op_of(difo_.text[branch])) {
    case Op::kBe:
      return a == b;
    case Op::kBne:
      return a != b;
    case Op::kBg:
      return a > b;
    case Op::kBge:
      return a >= b;
    case Op::kBl:
      return a < b;
    case Op::kBle:
      return a <= b;
    case Op::kBgu:
      return *left > *right;
    case Op::kBgeu:
      return *left >= *right;
    case Op::kBlu:
      return *left < *right;
    case Op::kBleu:
      return *left <= *right;
    default:
      return std::nullopt;
  }
}

// At the end of a block: a branch that is decided leads only one way.
void Rules::leave(uint32_t b) {
  const uint32_t last = out_.flow.blocks[b].end - 1;
  const Op op = dif::op_of(difo_.text[last]);
  if (op <= Op::kBa || op > Op::kBleu) return;
  if (const auto taken = decided(last)) {
    only_successor_[b] = *taken ? out_.flow.block_of[dif::label_of(difo_.text[last])] : b + 1;
  }
}

void Rules::phi(const Block& block, NodeId node) {
  Value v = Value::bottom();
  const std::vector<NodeId>& inputs = out_.flow.nodes[node].inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!edge_is_live(block.predecessors[i], out_.flow.block_of[block.begin])) continue;
    // A path on which the register was never written says nothing about its type.
    if (inputs[i] != kUndefined) v = lattice_.join(v, out_.nodes[inputs[i]]);
  }
  out_.nodes[node] = std::move(v);
}

Value Rules::step(uint32_t i) {
  switch (dif::info_of(difo_.text[i]).rule) {
    case TypeRule::kInteger:
      return constant(i);
    case TypeRule::kStringRef:
      return Value::of(ValueKind::kString);
    case TypeRule::kMove: {
      return r1(i);
    }
    case TypeRule::kBitwise:
    case TypeRule::kArith:
      return integers(i, r1(i), r2(i));
    case TypeRule::kShift:
      return shift(i);
    case TypeRule::kUnary:
      return integers(i, r1(i), r1(i));
    case TypeRule::kAdditive:
      return additive(i);
    case TypeRule::kCompare:
      return comparison(r1(i), dif::op_of(difo_.text[i]) == Op::kTst ? r1(i) : r2(i));
    case TypeRule::kLoad:
    case TypeRule::kUserLoad:
      return fixed_load(i);
    case TypeRule::kSymbolicLoad:
      return symbolic_load(i);
    case TypeRule::kVarLoad:
      return variable_load(i);
    case TypeRule::kVarStore:
      variable_store(i);
      return {};
    case TypeRule::kCall:
      return call(i);
    case TypeRule::kPush: {
      return dif::type_of(difo_.text[i]) == dif::kTypeString ? Value::of(ValueKind::kString) : rd(i);
    }
    case TypeRule::kScratch:
      return Value::of(ValueKind::kScratch);
    case TypeRule::kXlate:
      return Value::integer(8, true);
    case TypeRule::kMemberOffset:
      return symbol(i);
    case TypeRule::kTypeCast:
      return cast(i);
    case TypeRule::kReturn:
      out_.result = lattice_.join(out_.result, rd(i));
      return {};
    case TypeRule::kNone:
    case TypeRule::kStore:
    case TypeRule::kBranch:
      return {};
  }
  return {};
}

// --- constants and symbols

// The first of int and long that holds it; the compiler's casts are not visible in the number.
Value Rules::constant(uint32_t i) const {
  const unsigned index = dif::index_of(difo_.text[i]);
  const auto number = static_cast<int64_t>(index < difo_.ints.size() ? difo_.ints[index] : 0);
  Value v = Value::integer(number == static_cast<int32_t>(number) ? 4 : 8, true);
  v.zero = number == 0;
  v.constant = true;
  v.number = static_cast<uint64_t>(number);
  return v;
}

std::string_view Rules::text_at(uint32_t offset) const {
  if (offset >= difo_.strings.size()) return {};
  return difo_.strings.c_str() + offset;
}

// A number that this kernel's types give to a symbol.
Value Rules::number(uint32_t i, uint64_t value, Value type) {
  bind(i, value, i);
  type.number = value;
  return type;
}

// A member's name; "[]", the size of an element; or a number: sizeof(T), sizeof(T, a.b), offsetof(T, m), enum(NAME),
// defined(T), defined(T, m); or the address of a kernel symbol: sym(module`name).
Value Rules::symbol(uint32_t i) {
  const std::string_view text = text_at(dif::index_of(difo_.text[i]));
  if (text == "[]") {
    Value v = Value::of(ValueKind::kElement);
    v.text = text;
    v.origin = i;
    v.symbolic = true;
    return v;
  }
  if (text.empty() || text.back() != ')') {
    Value v = Value::of(ValueKind::kMember);
    v.text = text;
    v.origin = i;
    v.symbolic = true;
    return v;
  }
  const size_t open = text.find('(');
  const std::string_view what = text.substr(0, open);
  std::string_view argument = open < text.size() ? text.substr(open + 1, text.size() - open - 2) : "";
  const types::TypeFile* types = context_.types;
  if (what == "sym") {
    out_.symbols.emplace(i, argument);
    Value v = kernel_symbol(lattice_, argument);
    v.symbolic = true;
    return v;
  }
  if (what == "enum") {
    const auto value = types != nullptr ? types->enumerator(argument) : std::nullopt;
    if (!value) return problem(i, kTypeTag, fmt::format("unknown enumerator \"{}\"", argument));
    return number(i, static_cast<uint64_t>(*value),
                  Value::integer(*value == static_cast<int32_t>(*value) ? 4 : 8, true));
  }
  if (what != "sizeof" && what != "offsetof" && what != "defined") {
    return problem(i, kTypeTag, fmt::format("unknown symbol \"{}\"", text));
  }
  const size_t comma = std::min(argument.find(','), argument.size());
  std::string_view path = argument.substr(std::min(comma + 1, argument.size()));
  while (!path.empty() && path.front() == ' ') path.remove_prefix(1);
  argument = argument.substr(0, comma);

  const Value type = lattice_.spelled(argument);
  const bool known = type.kind != ValueKind::kOpaque || (what != "defined" && argument.ends_with('*'));
  Place place{type.type, type.pointers, {}};
  std::string wrong;
  if (!known) {
    wrong = fmt::format("unknown type \"{}\"", argument);
  } else if (!path.empty()) {
    wrong = follow(place, type, path);
  } else if (types != nullptr && type.pointers == 0 && types->kind(types->strip(type.type)) == Kind::kFwd) {
    wrong = fmt::format("{} is only declared, not defined, in these types", types->spell(type.type));
  }
  if (what == "defined") return number(i, wrong.empty() ? 1 : 0, Value::integer(4, true));
  if (!wrong.empty()) return problem(i, known ? kMemberTag : kTypeTag, std::move(wrong));
  const uint32_t bits = place.last ? place.last->bitfield_size : 0;
  if (what == "offsetof") {
    if (!place.last) return problem(i, kMemberTag, fmt::format("\"{}\" names no member", text));
    if (bits != 0) return problem(i, kMemberTag, fmt::format("cannot take offset of a bit-field: {}", path));
    return number(i, place.last->bit_offset / 8, Value::integer(4, true));
  }
  if (bits != 0) return problem(i, kMemberTag, fmt::format("cannot apply sizeof to a bit-field: {}", path));
  std::optional<uint64_t> size = 8;
  if (path.empty() && type.kind == ValueKind::kInt) {
    size = type.size;
  } else if (types != nullptr && place.pointers == 0 &&
             (type.kind == ValueKind::kObject || type.kind == ValueKind::kTyped)) {
    size = types->size(place.type);
  }
  if (!size) return problem(i, kTypeTag, fmt::format("the size of \"{}\" is not known", argument));
  return number(i, *size, Value::integer(8, false, "size_t"));
}

// From a type to one of its members: "cred.uid", through pointers too. Says what is wrong.
std::string Rules::follow(Place& place, const Value& type, std::string_view path) const {
  const types::TypeFile* types = context_.types;
  if (types == nullptr || (type.kind != ValueKind::kObject && type.kind != ValueKind::kTyped)) {
    return fmt::format("{} has no member \"{}\"", lattice_.spell(type), path);
  }
  while (!path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    const std::string_view name = path.substr(0, dot);
    path.remove_prefix(std::min(dot + 1, path.size()));
    TypeId id = types->strip(place.type);
    if (place.pointers == 0 && place.last && types->kind(id) == Kind::kPtr) id = types->strip(types->target(id));
    if (types->kind(id) == Kind::kFwd) {
      const bool is_union = types->spell(id).starts_with("union");
      id = types->find(is_union ? Kind::kUnion : Kind::kStruct, types->name(id)).value_or(id);
    }
    const bool composite = types->kind(id) == Kind::kStruct || types->kind(id) == Kind::kUnion;
    const auto found = composite && place.pointers <= (place.last ? 0u : 1u) ? types->member(id, name) : std::nullopt;
    if (!found) return fmt::format("{} has no member \"{}\"", types->spell(id), name);
    place = {found->type, 0, found};
  }
  return {};
}

// One usetx has one value, whoever adds it.
void Rules::bind(uint32_t usetx, uint64_t value, uint32_t user) {
  const auto [it, fresh] = out_.constants.emplace(usetx, value);
  if (!fresh && it->second != value) {
    problem(user, kTypeTag,
            fmt::format("\"{}\" is at two different offsets here", text_at(dif::index_of(difo_.text[usetx]))));
  }
}

Value Rules::problem(uint32_t i, std::string_view tag, std::string message, std::string hint) {
  out_.problems.push_back({i, std::string(tag), std::move(message), std::move(hint)});
  return Value::top("");  // reported: whatever is made of it is silent
}

Value Rules::unusable(uint32_t i, const Value& v, const std::string& purpose) {
  switch (v.kind) {
    case ValueKind::kBottom:
      // A variable that nothing is ever assigned to.
      return problem(i, kTypeTag, fmt::format("cannot {}: its type cannot be told", purpose));
    case ValueKind::kTop:
      if (v.text.empty()) return v;
      return problem(i, kTypeTag, fmt::format("cannot {}: it may be {}", purpose, v.text));
    case ValueKind::kOpaque: {
      std::string_view base = v.text;
      while (!base.empty() && (base.back() == '*' || base.back() == ' ')) base.remove_suffix(1);
      return problem(i, kTypeTag, fmt::format("unknown type \"{}\"", base));
    }
    default:
      return problem(i, kTypeTag, fmt::format("cannot {}: it has type \"{}\"", purpose, lattice_.spell(v)));
  }
}

// --- arithmetic

Value Rules::integers(uint32_t i, const Value& a, const Value& b) {
  for (const Value* v : {&a, &b}) {
    if (v->kind == ValueKind::kTop) return *v;
    if (v->kind == ValueKind::kElement && dif::op_of(difo_.text[i]) == Op::kMul) return *v;
    if (v->kind == ValueKind::kMember || v->kind == ValueKind::kElement) {
      return problem(i, kTypeTag, fmt::format("the offset of \"{}\" is not added to an address", v->text));
    }
  }
  Value v = lattice_.promote(a, b);
  v.array = 0;
  v.number.reset();
  return v;
}

// sll N; sra N (or srl) is how the compiler writes a cast: the result has the cast's width and sign, and is known.
Value Rules::shift(uint32_t i) {
  const Uses& uses = out_.flow.uses[i];
  const Node& left = out_.flow.nodes[uses.r1];
  if (dif::op_of(difo_.text[i]) != Op::kSll && left.kind == Node::Kind::kInstruction &&
      dif::op_of(difo_.text[left.at]) == Op::kSll && out_.flow.uses[left.at].r2 == uses.r2) {
    const Node& amount = out_.flow.nodes[uses.r2];
    const bool is_constant = amount.kind == Node::Kind::kInstruction && dif::op_of(difo_.text[amount.at]) == Op::kSetx;
    const unsigned index = is_constant ? dif::index_of(difo_.text[amount.at]) : 0;
    const uint64_t count = is_constant && index < difo_.ints.size() ? difo_.ints[index] : 0;
    if (count == 32 || count == 48 || count == 56) {
      return Value::integer(static_cast<uint32_t>(64 - count) / 8, dif::op_of(difo_.text[i]) == Op::kSra);
    }
  }
  Value v = integers(i, r1(i), r1(i));
  v.symbolic = v.symbolic || r1(i).symbolic;
  return v;
}

// Offsets of members and elements find their values here. A plain integer is added in bytes: the compiler scales it.
Value Rules::additive(uint32_t i) {
  const Value& a = r1(i);
  const Value& b = r2(i);
  const bool adds = dif::op_of(difo_.text[i]) == Op::kAdd;
  for (const Value* v : {&a, &b}) {
    if (v->kind == ValueKind::kTop && v->text.empty()) return *v;
  }
  if (adds && b.kind == ValueKind::kMember) return add_member(i, a, b);
  if (adds && a.kind == ValueKind::kMember) return add_member(i, b, a);
  if (b.kind == ValueKind::kElement) return add_element(i, a, b);
  if (adds && a.kind == ValueKind::kElement) return add_element(i, b, a);
  const auto is_address = [&](const Value& v) {
    return v.kind == ValueKind::kScratch || v.kind == ValueKind::kString ||
           (v.kind == ValueKind::kOpaque && v.text.ends_with('*')) || lattice_.pointee(v).has_value();
  };
  const bool left = is_address(a);
  const bool right = is_address(b);
  if (left == right || (right && !adds)) {
    if (!left || adds) return integers(i, a, b);
    Value difference = Value::integer(8, true, "ptrdiff_t");
    difference.symbolic = a.symbolic || b.symbolic;
    return difference;
  }
  const Value& other = left ? b : a;
  if (other.kind == ValueKind::kMember) return integers(i, a, b);  // says what is wrong
  Value v = left ? a : b;
  v.array = 0;
  v.zero = v.constant = false;
  v.number.reset();
  v.bits = v.shift = v.unit = 0;
  return v;
}

Value Rules::add_element(uint32_t i, const Value& pointer, const Value& element) {
  if (pointer.kind == ValueKind::kString) {
    bind(element.origin, 1, i);
    return pointer;
  }
  const auto target = lattice_.pointee(pointer);
  if (!target || context_.types == nullptr) return unusable(element.origin, pointer, "index it");
  const auto size = target->pointers != 0 ? std::optional<uint64_t>(8) : context_.types->size(target->type);
  if (!size) {
    return problem(element.origin, kTypeTag,
                   fmt::format("cannot index \"{}\": its elements have no known size", lattice_.spell(pointer)));
  }
  bind(element.origin, *size, i);
  Value v = pointer.kind == ValueKind::kObject ? Value::typed(pointer.type, 1) : pointer;
  v.array = 0;
  v.zero = v.constant = false;
  v.number.reset();
  v.bits = v.shift = v.unit = 0;
  v.symbolic = true;
  v.user = pointer.user;
  return v;
}

Value Rules::add_member(uint32_t i, const Value& base, const Value& member) {
  const std::string purpose = fmt::format("find member \"{}\"", member.text);
  const uint32_t at = member.origin;  // errors point at the member's name
  const auto target = lattice_.pointee(base);
  if (!target || base.array != 0 || context_.types == nullptr) return unusable(at, base, purpose);
  const types::TypeFile& types = *context_.types;
  TypeId id = target->pointers == 0 ? types.strip(target->type) : 0;
  if (types.kind(id) == Kind::kFwd) {
    const bool is_union = types.spell(id).starts_with("union");
    const auto full = types.find(is_union ? Kind::kUnion : Kind::kStruct, types.name(id));
    if (!full) {
      return problem(at, kTypeTag, fmt::format("{} is only declared, not defined, in these types", types.spell(id)));
    }
    id = *full;
  }
  if (types.kind(id) != Kind::kStruct && types.kind(id) != Kind::kUnion) {
    return problem(at, kTypeTag,
                   fmt::format("cannot {}: \"{}\" is not a struct or union", purpose,
                               lattice_.spell(target->type, target->pointers)));
  }
  const auto found = types.member(id, member.text);
  if (!found) {
    const std::string near = nearest(member.text, types.member_names(id));
    return problem(at, kMemberTag, fmt::format("{} has no member \"{}\"", types.spell(id), member.text),
                   near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
  }
  Value v = Value::typed(found->type, 1);
  v.symbolic = true;
  v.user = base.user;
  uint64_t offset = found->bit_offset / 8;
  if (found->bitfield_size != 0) {
    // The smallest aligned unit that holds the whole field.
    bool fits = false;
    for (unsigned unit = 1; unit <= 8 && !fits; unit *= 2) {
      const uint64_t start = found->bit_offset / (unit * 8) * (unit * 8);
      if (found->bit_offset + found->bitfield_size > start + unit * 8) continue;
      fits = true;
      offset = start / 8;
      v.bits = static_cast<uint8_t>(found->bitfield_size);
      v.shift = static_cast<uint8_t>(found->bit_offset - start);
      v.unit = static_cast<uint8_t>(unit);
    }
    if (!fits) return problem(at, kTypeTag, fmt::format("bit-field \"{}\" spans more than 8 bytes", member.text));
  }
  bind(member.origin, offset, i);
  return v;
}

// The condition codes: is_signed says how the operands compare.
Value Rules::comparison(const Value& a, const Value& b) const {
  const IntView x = lattice_.int_view(a);
  const IntView y = lattice_.int_view(b);
  const bool is_signed = x.arithmetic && y.arithmetic &&
                         (x.rank() > y.rank()   ? x.is_signed
                          : y.rank() > x.rank() ? y.is_signed
                                                : x.is_signed && y.is_signed);
  Value v = Value::integer(8, is_signed);
  v.symbolic = a.symbolic || b.symbolic;
  return v;
}

// --- loads

Value Rules::fixed_load(uint32_t i) const {
  const Width width = width_of(dif::op_of(difo_.text[i]));
  // A pointer to something of that width says more than the width does.
  if (const auto target = lattice_.pointee(r1(i)); target && r1(i).bits == 0 && r1(i).kind == ValueKind::kTyped) {
    Value v = Value::typed(target->type, target->pointers);
    const IntView view = lattice_.int_view(v);
    if ((view.arithmetic && view.size == width.bytes) || (lattice_.pointee(v) && width.bytes == 8)) return v;
  }
  return Value::integer(width.bytes, width.is_signed);
}

Value Rules::symbolic_load(uint32_t i) {
  const Value& pointer = r1(i);
  if (pointer.kind == ValueKind::kString) {  // s[n]
    out_.accesses[i] = {Access::Kind::kLoad, 1, true, false, 0, 0};
    return Value::integer(1, true, "char");
  }
  const auto target = lattice_.pointee(pointer);
  if (!target || context_.types == nullptr) return unusable(i, pointer, "dereference");
  Value v = load_of(i, *target, pointer);
  v.symbolic = true;
  v.user = (v.kind == ValueKind::kObject || v.array != 0) && (pointer.user || dif::op_of(difo_.text[i]) == Op::kUuload);
  return v;
}

// The target decides: integers and pointers are read, structs and arrays stay where they are.
Value Rules::load_of(uint32_t i, const Lattice::Pointee& target, const Value& pointer) {
  const types::TypeFile& types = *context_.types;
  Access& access = out_.accesses[i];
  access.user = pointer.user || dif::op_of(difo_.text[i]) == Op::kUuload;
  Value v = Value::typed(target.type, target.pointers);
  access.kind = Access::Kind::kLoad;
  if (target.pointers != 0) return v;

  const TypeId id = types.strip(target.type);
  const auto size = types.size(id).value_or(0);
  switch (types.kind(id)) {
    case Kind::kPtr:
      return v;
    case Kind::kInt:
    case Kind::kEnum:
    case Kind::kEnum64:
      if (size > 8) break;
      access.width = static_cast<uint8_t>(size);
      access.is_signed = lattice_.int_view(v).is_signed;
      if (pointer.bits != 0) {
        access.kind = Access::Kind::kBitfield;
        access.width = pointer.unit;
        access.shift = pointer.shift;
        access.bits = pointer.bits;
      }
      return v;
    case Kind::kFloat:
      if (size > 8) break;
      access.width = static_cast<uint8_t>(size);
      return v;
    case Kind::kArray: {
      access.kind = Access::Kind::kMove;
      Value decayed = Value::typed(types.target(id), 1);
      decayed.array = target.type;
      return decayed;
    }
    case Kind::kFuncProto:
      access.kind = Access::Kind::kMove;
      return Value::typed(target.type, 1);
    case Kind::kStruct:
    case Kind::kUnion:
    case Kind::kFwd:
      break;
    default:
      out_.accesses.erase(i);
      return problem(i, id == 0 ? "D_DEREF_VOID" : kTypeTag,
                     id == 0 ? "cannot dereference pointer to void"
                             : fmt::format("cannot load \"{}\"", lattice_.spell(target.type, 0)));
  }
  access.kind = Access::Kind::kMove;
  return Value::object(target.type);
}

Value Rules::cast(uint32_t i) {
  const std::string_view text = text_at(dif::index_of(difo_.text[i]));
  Value v = lattice_.spelled(text);
  if (v.kind == ValueKind::kOpaque && context_.types != nullptr) {
    std::string_view base = text;
    while (!base.empty() && (base.back() == '*' || base.back() == ' ')) base.remove_suffix(1);
    if (!d_integer(base)) return problem(i, kTypeTag, fmt::format("unknown type \"{}\"", base));
  }
  v.user = rd(i).user && v.kind != ValueKind::kInt;
  v.zero = rd(i).zero;
  return v;
}

// --- variables and calls

Value Rules::builtin(uint16_t id) const {
  const dif::VariableInfo* info = dif::find_variable(id);
  if (info == nullptr || info->type.empty()) return Value::integer(8, true);
  Value v = lattice_.spelled(info->type);
  if (v.kind == ValueKind::kTyped) v.symbolic = true;
  return v;
}

Value Rules::variable_load(uint32_t i) {
  const dif::Instr instr = difo_.text[i];
  const Op op = dif::op_of(instr);
  if (op == Op::kLdga || op == Op::kLdta) {
    return Value::integer(8, dif::r1_of(instr) == dif::kVarArgs);  // args[N] and uregs[N]
  }
  const auto id = static_cast<uint16_t>(dif::index_of(instr));
  const dif::Scope scope = op == Op::kLdts || op == Op::kLdtaa ? dif::Scope::kThread
                           : op == Op::kLdls                   ? dif::Scope::kLocal
                                                               : dif::Scope::kGlobal;
  if (scope == dif::Scope::kGlobal && id < dif::kFirstUserVariable) return builtin(id);
  const dif::VariableDef* def = context_.program != nullptr ? context_.program->variable(scope, id) : nullptr;
  if (def == nullptr) return Value::integer(8, true);
  if (out_.flow.uses[i].tuple.size() != 0) out_.key_reads.push_back({{scope, id}, tuple(i)});
  if (def->type.kind != dif::TypeKind::kUnknown || !def->type.name.empty()) {
    Value v = lattice_.from_dif(def->type);
    v.symbolic = v.kind == ValueKind::kTyped || v.kind == ValueKind::kObject;
    return v;
  }
  Value v;
  if (context_.variables != nullptr) {
    if (auto it = context_.variables->find({scope, id}); it != context_.variables->end()) v = it->second.value;
  }
  v.symbolic = true;
  v.zero = v.constant = false;
  v.number.reset();
  return v;
}

std::vector<Value> Rules::tuple(uint32_t i) const {
  std::vector<Value> values;
  for (NodeId n : out_.flow.uses[i].tuple) values.push_back(out_.nodes[n]);
  return values;
}

void Rules::variable_store(uint32_t i) {
  const dif::Instr instr = difo_.text[i];
  const Op op = dif::op_of(instr);
  const dif::Scope scope = op == Op::kStts || op == Op::kSttaa ? dif::Scope::kThread
                           : op == Op::kStls                   ? dif::Scope::kLocal
                                                               : dif::Scope::kGlobal;
  Assignment a;
  a.variable = {scope, static_cast<uint16_t>(dif::index_of(instr))};
  a.instruction = i;
  a.value = rd(i);
  a.keys = tuple(i);
  out_.assignments.push_back(std::move(a));
}

Value Rules::call(uint32_t i) const {
  const dif::SubrInfo* info = dif::find_subroutine(static_cast<uint16_t>(dif::index_of(difo_.text[i])));
  if (info == nullptr || info->result == "void") return Value::integer(8, true);
  if (info->result == "void *") return Value::of(ValueKind::kScratch);
  return lattice_.spelled(info->result);
}

}  // namespace ht::typing
