// Control flow and arithmetic.
#include "typing/rules.h"

#include <fmt/format.h>

#include "dif/operands.h"

namespace ht::typing {

using dif::Op;

namespace {

constexpr uint32_t kBoth = UINT32_MAX;

}  // namespace

void Rules::run() {
  // In the order of TypeRule: a rule without a function does not link.
  static constexpr Value (Rules::*kRules[])(uint32_t) = {
#define X(rule, name) &Rules::name,
      HT_TYPE_RULES(X)
#undef X
  };
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
      Value v = (this->*kRules[static_cast<size_t>(dif::info_of(difo_.text[i]).rule)])(i);
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
  const Op compare = op(code.at);
  if (compare != Op::kTst && compare != Op::kCmp) return std::nullopt;
  const std::optional<uint64_t> left = r1(code.at).number;
  const std::optional<uint64_t> right = compare == Op::kTst ? 0 : r2(code.at).number;
  if (!left || !right) return std::nullopt;
  const dif::BranchCondition& condition = *dif::branch_condition(op(branch));
  const bool less = condition.is_signed ? static_cast<int64_t>(*left) < static_cast<int64_t>(*right) : *left < *right;
  return *left == *right ? condition.equal : less ? condition.less : condition.greater;
}

// At the end of a block: a branch that is decided leads only one way.
void Rules::leave(uint32_t b) {
  const uint32_t last = out_.flow.blocks[b].end - 1;
  if (op(last) == Op::kBa || dif::branch_condition(op(last)) == nullptr) return;
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

std::string_view Rules::text_at(uint32_t offset) const {
  if (offset >= difo_.strings.size()) return {};
  return difo_.strings.c_str() + offset;
}

std::optional<uint32_t> Rules::defined_by(NodeId node, Op wanted) const {
  const Node& n = out_.flow.nodes[node];
  if (n.kind != Node::Kind::kInstruction || op(n.at) != wanted) return std::nullopt;
  return n.at;
}

// --- constants, moves, branches

// The first of int and long that holds it; the compiler's casts are not visible in the number.
Value Rules::integer(uint32_t i) {
  const unsigned index = dif::index_of(difo_.text[i]);
  const auto number = static_cast<int64_t>(index < difo_.ints.size() ? difo_.ints[index] : 0);
  Value v = Value::integer(number == static_cast<int32_t>(number) ? 4 : 8, true);
  v.zero = number == 0;
  v.constant = true;
  v.number = static_cast<uint64_t>(number);
  return v;
}

Value Rules::text(uint32_t) {
  return Value::of(ValueKind::kString);
}

Value Rules::move(uint32_t i) {
  return r1(i);
}

Value Rules::none(uint32_t) {
  return {};
}

// Through a pointer into scratch memory or a variable, whose width the compiler knows.
Value Rules::store(uint32_t) {
  return {};
}

Value Rules::branch(uint32_t) {
  return {};
}

Value Rules::result(uint32_t i) {
  if (difo_.rtype.kind == dif::TypeKind::kString) check_text(i, rd(i));
  out_.result = lattice_.join(out_.result, rd(i));
  return {};
}

// --- arithmetic

Value Rules::integers(uint32_t i, const Value& a, const Value& b) {
  for (const Value* v : {&a, &b}) {
    if (v->kind == ValueKind::kTop) return *v;
    if (v->kind == ValueKind::kElement && op(i) == Op::kMul) {
      const Value& index = v == &a ? b : a;
      if (!is_address(index)) return *v;
      return problem(i, kTypeTag,
                     fmt::format("operands have incompatible types: a pointer and \"{}\"", lattice_.spell(index)),
                     "a cast says which is meant, a pointer or an integer");
    }
    if (v->kind == ValueKind::kMember || v->kind == ValueKind::kElement) {
      return problem(i, kTypeTag, fmt::format("the offset of \"{}\" is not added to an address", v->text));
    }
  }
  Value v = lattice_.promote(a, b);
  v.array = 0;
  v.number = folded(i);
  return v;
}

// What the operation makes of two numbers that are known, as the engine computes it.
std::optional<uint64_t> Rules::folded(uint32_t i) const {
  const std::optional<uint64_t> a = r1(i).number, b = r2(i).number;
  if (!a || !b) return std::nullopt;
  switch (op(i)) {
    case Op::kOr:
      return *a | *b;
    case Op::kXor:
      return *a ^ *b;
    case Op::kAnd:
      return *a & *b;
    case Op::kAdd:
      return *a + *b;
    case Op::kSub:
      return *a - *b;
    case Op::kMul:
      return *a * *b;
    default:  // not worth it: nobody divides or shifts a size
      return std::nullopt;
  }
}

Value Rules::bitwise(uint32_t i) {
  return integers(i, r1(i), r2(i));
}

Value Rules::multiply(uint32_t i) {
  return integers(i, r1(i), r2(i));
}

Value Rules::divide(uint32_t i) {
  if (r2(i).kind == ValueKind::kElement) return divide_by_element(i, r2(i));
  return integers(i, r1(i), r2(i));
}

Value Rules::complement(uint32_t i) {
  return integers(i, r1(i), r1(i));
}

Value Rules::shift_left(uint32_t i) {
  Value v = integers(i, r1(i), r1(i));
  v.symbolic = v.symbolic || r1(i).symbolic;
  return v;
}

// sll N; sra N (or srl) is how the compiler writes a cast: the result has the cast's width and sign, and is known.
Value Rules::shift_right(uint32_t i) {
  const Uses& uses = out_.flow.uses[i];
  const auto left = defined_by(uses.r1, Op::kSll);
  if (left && out_.flow.uses[*left].r2 == uses.r2 && defined_by(uses.r2, Op::kSetx)) {
    const uint64_t count = r2(i).number.value_or(0);
    if (count == 32 || count == 48 || count == 56) {
      return Value::integer(static_cast<uint32_t>(64 - count) / 8, op(i) == Op::kSra);
    }
  }
  return shift_left(i);
}

bool Rules::is_address(const Value& v) const {
  return v.kind == ValueKind::kScratch || v.kind == ValueKind::kString ||
         (v.kind == ValueKind::kOpaque && v.text.ends_with('*')) || lattice_.pointee(v).has_value();
}

Value Rules::add(uint32_t i) {
  return sum(i, true);
}

Value Rules::subtract(uint32_t i) {
  return sum(i, false);
}

// Offsets of members and elements find their values here. A plain integer is added in bytes: the compiler scales it.
Value Rules::sum(uint32_t i, bool adds) {
  const Value& a = r1(i);
  const Value& b = r2(i);
  for (const Value* v : {&a, &b}) {
    if (v->kind == ValueKind::kTop && v->text.empty()) return *v;
  }
  if (adds && b.kind == ValueKind::kMember) return add_member(i, a, b);
  if (adds && a.kind == ValueKind::kMember) return add_member(i, b, a);
  if (b.kind == ValueKind::kElement) return add_element(i, a, b);
  if (adds && a.kind == ValueKind::kElement) return add_element(i, b, a);
  const bool left = is_address(a);
  const bool right = is_address(b);
  if (left == right || (right && !adds)) {
    if (!left || adds) return integers(i, a, b);
    Value difference = Value::integer(8, true, "ptrdiff_t");  // in bytes: the compiler divides it
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

// The condition codes: is_signed says how the operands compare.
Value Rules::compared(const Value& a, const Value& b) const {
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

Value Rules::compare(uint32_t i) {
  return compared(r1(i), r2(i));
}

Value Rules::test(uint32_t i) {
  return compared(r1(i), r1(i));
}

Value Rules::compare_text(uint32_t i) {
  check_text(i, r1(i));
  check_text(i, r2(i));
  return compared(r1(i), r2(i));
}

}  // namespace ht::typing
