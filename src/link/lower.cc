#include "link/lower.h"

#include <fmt/format.h>

#include <algorithm>

#include "link/rewrite.h"

namespace ht::link {
namespace {

using dif::Instr;
using dif::make;
using dif::Op;
using dif::TypeRule;
using typing::Access;
using typing::IntView;
using typing::Value;
using typing::ValueKind;

// Opcodes that differ only in the sign of what they work on.
struct SignPair {
  Op is_signed, is_unsigned;
};
constexpr SignPair kSignPairs[] = {
    {Op::kSdiv, Op::kUdiv}, {Op::kSrem, Op::kUrem}, {Op::kSra, Op::kSrl},  {Op::kBg, Op::kBgu},
    {Op::kBge, Op::kBgeu},  {Op::kBl, Op::kBlu},    {Op::kBle, Op::kBleu},
};
Op with_sign(Op op, bool is_signed) {
  for (const SignPair& pair : kSignPairs) {
    if (op == pair.is_signed || op == pair.is_unsigned) return is_signed ? pair.is_signed : pair.is_unsigned;
  }
  return op;
}

Op load_op(unsigned width, bool is_signed, bool user) {
  switch (width) {
    case 1:
      return user ? (is_signed ? Op::kUldsb : Op::kUldub) : (is_signed ? Op::kLdsb : Op::kLdub);
    case 2:
      return user ? (is_signed ? Op::kUldsh : Op::kUlduh) : (is_signed ? Op::kLdsh : Op::kLduh);
    case 4:
      return user ? (is_signed ? Op::kUldsw : Op::kUlduw) : (is_signed ? Op::kLdsw : Op::kLduw);
    default:
      return user ? Op::kUldx : Op::kLdx;
  }
}

Instr retagged(Instr instr, Op op) {
  return (instr & 0xffffff) | static_cast<uint32_t>(op) << 24;
}

class Lowering {
 public:
  Lowering(dif::Difo& difo, const typing::TypedDifo& typed, const typing::Lattice& lattice,
           std::vector<dif::KernelSymbol>& symbols, std::vector<typing::Problem>& problems)
      : difo_(difo),
        typed_(typed),
        lattice_(lattice),
        symbols_(symbols),
        problems_(problems),
        rewriter_(difo),
        live_(typing::live_after(difo, typed.flow)) {}

  void run() {
    const auto count = static_cast<uint32_t>(difo_.text.size());
    for (uint32_t i = 0; i < count; ++i) {
      const bool reachable = typed_.is_live(i);
      switch (dif::info_of(difo_.text[i]).rule) {
        case TypeRule::kSymbol:
          member_offset(i, reachable);
          break;
        case TypeRule::kSymbolicLoad:
          symbolic_load(i);
          break;
        case TypeRule::kTypeCast:
          cast(i, reachable);
          break;
        case TypeRule::kMultiply:
        case TypeRule::kDivide:
        case TypeRule::kShiftRight:
        case TypeRule::kBranch:
          repair_sign(i);
          break;
        case TypeRule::kBuiltinArray:
          argument(i, reachable);
          break;
        case TypeRule::kVarLoad:
        case TypeRule::kVarStore:
          keys(i);
          break;
        default:
          break;
      }
    }
    if (auto applied = rewriter_.apply(); !applied.ok()) problem(0, "D_UNKNOWN", applied.error().message);
  }

 private:
  void problem(uint32_t i, std::string tag, std::string message) {
    problems_.push_back({i, std::move(tag), std::move(message), ""});
  }

  // A register that may be overwritten after instruction i has read its operands and before its result is used.
  unsigned free_register(uint32_t i, uint8_t also_taken) {
    const uint8_t taken = static_cast<uint8_t>(live_[i] | also_taken | 1);
    for (unsigned r = dif::kRegisters - 1; r > 0; --r) {
      if ((taken & 1u << r) == 0) return r;
    }
    problem(i, "D_NOREG", "the expression is too complex: no register is free");
    return 0;
  }
  static uint8_t bit(unsigned r) { return static_cast<uint8_t>(1u << r); }

  // Which address that is, only the guest can say, and each time it boots another: an element of `symbols.
  void kernel_symbol(uint32_t i, std::string_view text) {
    const size_t quote = std::min(text.find('`'), text.size());
    dif::KernelSymbol symbol{
        std::string(text.substr(0, quote)), std::string(text.substr(std::min(quote + 1, text.size()))), {}};
    const auto found = std::find(symbols_.begin(), symbols_.end(), symbol);
    const auto index = static_cast<uint64_t>(found - symbols_.begin());
    if (found == symbols_.end()) {
      if (symbols_.size() == dif::kMostSymbols) return problem(i, "D_UNKNOWN", "too many kernel symbols");
      symbols_.push_back(std::move(symbol));
    }
    const unsigned rd = dif::rd_of(difo_.text[i]);
    rewriter_.replace(i, {rewriter_.setx(index, rd), make(Op::kLdga, dif::kVarSymbols, rd, rd)});
  }

  void member_offset(uint32_t i, bool reachable) {
    if (auto symbol = typed_.symbols.find(i); symbol != typed_.symbols.end()) return kernel_symbol(i, symbol->second);
    const auto it = typed_.constants.find(i);
    if (it == typed_.constants.end() && reachable) {
      problem(
          i, "D_TYPE_ERR",
          fmt::format("the offset of \"{}\" is not added to an address",
                      difo_.strings.c_str() + std::min<size_t>(dif::index_of(difo_.text[i]), difo_.strings.size())));
    }
    rewriter_.replace(i, rewriter_.setx(it == typed_.constants.end() ? 0 : it->second, dif::rd_of(difo_.text[i])));
  }

  void symbolic_load(uint32_t i) {
    const unsigned r1 = dif::r1_of(difo_.text[i]);
    const unsigned rd = dif::rd_of(difo_.text[i]);
    const auto it = typed_.accesses.find(i);
    if (it == typed_.accesses.end() || it->second.kind == Access::Kind::kMove) {
      rewriter_.replace(i, r1 == rd ? make(Op::kNop, 0, 0, 0) : make(Op::kMov, r1, 0, rd));
      return;
    }
    const Access& a = it->second;
    const Instr load = make(load_op(a.width, a.is_signed && a.kind == Access::Kind::kLoad, a.user), r1, 0, rd);
    if (a.kind == Access::Kind::kLoad || (a.bits == a.width * 8 && !a.is_signed)) {
      rewriter_.replace(i, load);
      return;
    }
    // The address is no longer needed once the word is loaded.
    const unsigned temporary = free_register(i, bit(rd));
    if (temporary == 0) return;
    std::vector<Instr> out{load};
    extract(out, rd, temporary, 64 - a.shift - a.bits, 64 - a.bits, a.is_signed);
    rewriter_.replace(i, std::move(out));
  }

  // Shifts the wanted bits to the top and down again, which also extends the sign.
  void extract(std::vector<Instr>& out, unsigned reg, unsigned temporary, unsigned left, unsigned right,
               bool is_signed) {
    out.push_back(rewriter_.setx(left, temporary));
    out.push_back(make(Op::kSll, reg, temporary, reg));
    if (right != left) out.push_back(rewriter_.setx(right, temporary));
    out.push_back(make(is_signed ? Op::kSra : Op::kSrl, reg, temporary, reg));
  }

  // An argument is what the calling convention says: of a register whose value is narrower, the rest may be anything.
  void argument(uint32_t i, bool reachable) {
    const IntView view = lattice_.int_view(typed_.of(i));
    if (!reachable || !view.arithmetic || view.size >= 8) return;
    const unsigned rd = dif::rd_of(difo_.text[i]);
    const unsigned temporary = free_register(i, bit(rd));
    if (temporary == 0) return;
    std::vector<Instr> out{difo_.text[i]};
    extract(out, rd, temporary, 64 - view.size * 8, 64 - view.size * 8, view.is_signed);
    rewriter_.replace(i, std::move(out));
  }

  // A cast to an integer cuts a value whose width the compiler did not know.
  void cast(uint32_t i, bool reachable) {
    const unsigned rd = dif::rd_of(difo_.text[i]);
    const IntView to = lattice_.int_view(typed_.of(i));
    const typing::NodeId from_node = typed_.flow.uses[i].rd;
    const Value& from_value = typed_.at(from_node);
    const IntView from = lattice_.int_view(from_value);
    const bool fits = from.size < to.size ? !(from.is_signed && !to.is_signed)
                                          : from.size == to.size && from.is_signed == to.is_signed;
    if (!reachable || !to.arithmetic || to.size == 8 || fits || cut_already(from_node) ||
        !(from_value.symbolic || typed_.of(i).symbolic)) {
      rewriter_.replace(i, make(Op::kNop, 0, 0, 0));
      return;
    }
    const unsigned temporary = free_register(i, bit(rd));
    if (temporary == 0) return;
    std::vector<Instr> out;
    extract(out, rd, temporary, 64 - to.size * 8, 64 - to.size * 8, to.is_signed);
    rewriter_.replace(i, std::move(out));
  }
  // The compiler cuts by a pair of shifts of its own.
  bool cut_already(typing::NodeId node) const {
    const typing::Node& n = typed_.flow.nodes[node];
    if (n.kind != typing::Node::Kind::kInstruction) return false;
    const Op op = dif::op_of(difo_.text[n.at]);
    return op == Op::kSra || op == Op::kSrl;
  }

  // The compiler guesses the sign of what it cannot know.
  void repair_sign(uint32_t i) {
    const typing::Uses& uses = typed_.flow.uses[i];
    const TypeRule rule = dif::info_of(difo_.text[i]).rule;
    const Op op = dif::op_of(difo_.text[i]);
    bool is_signed = false;
    if (rule == TypeRule::kBranch) {
      const Value& compared = typed_.at(uses.cc);
      if (!compared.symbolic || compared.kind != ValueKind::kInt) return;
      is_signed = compared.is_signed;
    } else {
      const Value& left = typed_.at(uses.r1);
      const Value& right = typed_.at(rule == TypeRule::kShiftRight ? uses.r1 : uses.r2);
      if (!left.symbolic && !right.symbolic) return;
      if (left.kind == ValueKind::kTop || right.kind == ValueKind::kTop) return;
      if (right.kind == ValueKind::kElement) return;  // a difference of pointers is signed
      if (rule == TypeRule::kShiftRight && cutting(i)) return;
      is_signed = signed_together(left, right);
    }
    rewriter_.replace(i, retagged(difo_.text[i], with_sign(op, is_signed)));
  }
  bool signed_together(const Value& a, const Value& b) const {
    const IntView x = lattice_.int_view(a);
    const IntView y = lattice_.int_view(b);
    if (!x.arithmetic || !y.arithmetic) return false;
    return x.rank() > y.rank() ? x.is_signed : y.is_signed;
  }
  // sll N; srl N is a cast written out: its sign is the cast's.
  bool cutting(uint32_t i) const {
    const typing::Node& n = typed_.flow.nodes[typed_.flow.uses[i].r1];
    return n.kind == typing::Node::Kind::kInstruction && dif::op_of(difo_.text[n.at]) == Op::kSll &&
           typed_.flow.uses[n.at].r2 == typed_.flow.uses[i].r2;
  }

  // Keys of associative arrays that turn out to be by reference are pushed with their size.
  void keys(uint32_t i) {
    for (typing::NodeId node : typed_.flow.uses[i].tuple) {
      const typing::Node& n = typed_.flow.nodes[node];
      if (n.kind != typing::Node::Kind::kInstruction) continue;
      const Instr push = difo_.text[n.at];
      if (dif::op_of(push) != Op::kPushtv) continue;
      const Value& v = typed_.at(node);
      const unsigned rs = dif::rd_of(push);
      const bool array = v.kind == ValueKind::kTyped && v.array != 0;
      if (v.kind == ValueKind::kString ||
          (array && lattice_.types()->size(lattice_.types()->target(lattice_.types()->strip(v.array))) == 1)) {
        rewriter_.replace(n.at, make(Op::kPushtr, dif::kTypeString, 0, rs));
      } else if (v.kind == ValueKind::kObject || array) {
        const auto type = lattice_.to_dif(v);
        if (!type.ok()) {
          problem(n.at, "D_KEY_TYPE", type.error().message);
          continue;
        }
        const unsigned temporary = free_register(n.at, bit(rs));
        if (temporary == 0) continue;
        rewriter_.replace(n.at, {rewriter_.setx(type->size, temporary), make(Op::kPushtr, dif::kTypeD, temporary, rs)});
      }
    }
  }

  dif::Difo& difo_;
  const typing::TypedDifo& typed_;
  const typing::Lattice& lattice_;
  std::vector<dif::KernelSymbol>& symbols_;
  std::vector<typing::Problem>& problems_;
  Rewriter rewriter_;
  const std::vector<uint8_t> live_;
};

}  // namespace

void lower(dif::Difo& difo, const typing::TypedDifo& typed, const typing::Lattice& lattice,
           std::vector<dif::KernelSymbol>& symbols, std::vector<typing::Problem>& problems) {
  Lowering(difo, typed, lattice, symbols, problems).run();
}

}  // namespace ht::link
