// The instruction loop. Every DIF instruction is a case; the constants come from the table in dif/opcode.h.
#include "engine/machine.h"

namespace ht::engine {

using dif::Fault;
using dif::Op;

namespace {

// ldsb ldsh ldsw ldub lduh lduw ldx, and the uld* in the same order.
struct LoadShape {
  uint8_t size;
  bool is_signed;
};
constexpr LoadShape kLoads[] = {{1, true}, {2, true}, {4, true}, {1, false}, {2, false}, {4, false}, {8, false}};
constexpr uint8_t kStoreSizes[] = {1, 2, 4, 8};

constexpr unsigned number(Op op) {
  return static_cast<unsigned>(op);
}

// What cmp, tst and scmp leave behind, and what the branches ask.
struct Conditions {
  bool equal = false, less = false, below = false;  // below: unsigned
};

// Quotient or remainder; the divisor is not 0. INT64_MIN / -1 must not trap.
uint64_t divide(Op op, uint64_t a, uint64_t b) {
  const auto sa = static_cast<int64_t>(a), sb = static_cast<int64_t>(b);
  switch (op) {
    case Op::kSdiv:
      return sb == -1 ? 0 - a : static_cast<uint64_t>(sa / sb);
    case Op::kSrem:
      return sb == -1 ? 0 : static_cast<uint64_t>(sa % sb);
    case Op::kUdiv:
      return a / b;
    default:
      return a % b;
  }
}

bool taken(Op op, const Conditions& c) {
  switch (op) {
    case Op::kBe:
      return c.equal;
    case Op::kBne:
      return !c.equal;
    case Op::kBg:
      return !c.equal && !c.less;
    case Op::kBgu:
      return !c.equal && !c.below;
    case Op::kBge:
      return !c.less;
    case Op::kBgeu:
      return !c.below;
    case Op::kBl:
      return c.less;
    case Op::kBlu:
      return c.below;
    case Op::kBle:
      return c.equal || c.less;
    case Op::kBleu:
      return c.equal || c.below;
    default:
      return true;
  }
}

}  // namespace

bool Machine::push(TupleEntry entry) {
  if (tuple_size_ == dif::kTupleRegisters) return fail(Fault::kTupoflow);
  tuple_[tuple_size_++] = entry;
  return true;
}

// NULL compares as "". Bytes compare unsigned.
void Machine::compare_strings(Value a, Value b, int* order, bool* ok) {
  std::string_view x, y;
  const uint32_t limit = strsize() - 1;
  *ok = (a.bits == 0 || fetch_string(Space::kKernel, a, text_[0].get(), limit, &x)) &&
        (b.bits == 0 || fetch_string(Space::kKernel, b, text_[1].get(), limit, &y));
  *order = *ok ? x.compare(y) : 0;
}

bool Machine::run(const Code& code, Value* result) {
  *result = {};
  if (code.text.empty()) return true;
  Value r[dif::kRegisters] = {};
  Conditions conditions;
  tuple_size_ = 0;
  const Insn* const text = code.text.data();
  const Insn* pc = text;
  const auto fault = [&] {
    fault_.offset = static_cast<int32_t>((pc - 1 - text) * sizeof(dif::Instr));
    return false;
  };
#define BINARY(expression)                                                            \
  {                                                                                   \
    const uint64_t a = r[i.r1].bits, b = r[i.r2].bits;                                \
    r[i.rd] = {static_cast<uint64_t>(expression), combine(r[i.r1].tag, r[i.r2].tag)}; \
    break;                                                                            \
  }
  for (;;) {
    const Insn i = *pc++;
    const auto op = static_cast<Op>(i.op);
    switch (i.op) {
      case number(Op::kOr):
        BINARY(a | b)
      case number(Op::kXor):
        BINARY(a ^ b)
      case number(Op::kAnd):
        BINARY(a & b)
      case number(Op::kSll):
        BINARY(a << (b & 63))
      case number(Op::kSrl):
        BINARY(a >> (b & 63))
      case number(Op::kSra):
        BINARY(static_cast<int64_t>(a) >> (b & 63))
      case number(Op::kSub):
        BINARY(a - b)
      case number(Op::kAdd):
        BINARY(a + b)
      case number(Op::kMul):
        BINARY(a * b)
      case number(Op::kSdiv):
      case number(Op::kUdiv):
      case number(Op::kSrem):
      case number(Op::kUrem):
        if (r[i.r2].bits == 0) {
          fail(Fault::kDivzero);
          return fault();
        }
        BINARY(divide(op, a, b))
      case number(Op::kNot):
        r[i.rd] = {~r[i.r1].bits, r[i.r1].tag};
        break;
      case number(Op::kMov):
        r[i.rd] = r[i.r1];
        break;
      case number(Op::kCmp): {
        const uint64_t a = r[i.r1].bits, b = r[i.r2].bits;
        conditions = {a == b, static_cast<int64_t>(a) < static_cast<int64_t>(b), a < b};
        break;
      }
      case number(Op::kTst):
        conditions = {r[i.r1].bits == 0, false, false};
        break;
      case number(Op::kScmp): {
        int order;
        bool ok;
        compare_strings(r[i.r1], r[i.r2], &order, &ok);
        if (!ok) return fault();
        conditions = {order == 0, order < 0, false};
        break;
      }
      case number(Op::kBa):
      case number(Op::kBe):
      case number(Op::kBne):
      case number(Op::kBg):
      case number(Op::kBgu):
      case number(Op::kBge):
      case number(Op::kBgeu):
      case number(Op::kBl):
      case number(Op::kBlu):
      case number(Op::kBle):
      case number(Op::kBleu):
        if (taken(op, conditions)) pc = text + i.index;
        break;
      case number(Op::kLdsb):
      case number(Op::kLdsh):
      case number(Op::kLdsw):
      case number(Op::kLdub):
      case number(Op::kLduh):
      case number(Op::kLduw):
      case number(Op::kLdx):
      case number(Op::kUldsb):
      case number(Op::kUldsh):
      case number(Op::kUldsw):
      case number(Op::kUldub):
      case number(Op::kUlduh):
      case number(Op::kUlduw):
      case number(Op::kUldx): {
        const bool user = i.op >= number(Op::kUldsb);
        const LoadShape shape = kLoads[i.op - number(user ? Op::kUldsb : Op::kLdsb)];
        Value loaded;
        if (!read(user ? Space::kUser : Space::kKernel, r[i.r1], &loaded.bits, shape.size, &loaded.tag)) return fault();
        if (!user && misaligned(r[i.r1], shape.size)) {
          fail(Fault::kBadalign, r[i.r1].bits);
          return fault();
        }
        r[i.rd] = {narrow(loaded.bits, shape.size, shape.is_signed), loaded.tag};
        break;
      }
      case number(Op::kStb):
      case number(Op::kSth):
      case number(Op::kStw):
      case number(Op::kStx): {
        const uint8_t size = kStoreSizes[i.op - number(Op::kStb)];
        if (misaligned(r[i.rd], size)) {
          if (storable(r[i.rd], size)) fail(Fault::kBadalign, r[i.rd].bits);
          return fault();
        }
        if (!write(r[i.rd], &r[i.r1].bits, size, r[i.r1].tag)) return fault();
        break;
      }
      case number(Op::kRet):
        *result = r[i.rd];
        return true;
      case number(Op::kNop):
        break;
      case number(Op::kSetx):
        r[i.rd] = {code.ints[i.index], kTagNone};
        break;
      case number(Op::kSets):
        r[i.rd] = engine_address(Region::kStrings, code.number, i.index);
        break;
      case kOpBuiltin:
        if (!load_builtin(i.index, &r[i.rd])) return fault();
        break;
      case number(Op::kLdga):
        if (!load_array(i.index, r[i.r2].bits, &r[i.rd])) return fault();
        break;
      case number(Op::kLdgs):
      case number(Op::kLdts):
      case number(Op::kLdls):
      case number(Op::kLdgaa):
      case number(Op::kLdtaa):
        if (!load_variable(ecb_->program->shapes[i.index], &r[i.rd])) return fault();
        break;
      case number(Op::kStgs):
      case number(Op::kStts):
      case number(Op::kStls):
      case number(Op::kStgaa):
      case number(Op::kSttaa):
        if (!store_variable(ecb_->program->shapes[i.index], r[i.rd])) return fault();
        break;
      case number(Op::kCall): {
        Value value;
        if (!call(i.index, &value)) return fault();
        r[i.rd] = value;
        break;
      }
      case number(Op::kPushtr):
        if (!push({r[i.rd], r[i.r2].bits, true, i.index == dif::kTypeString})) return fault();
        break;
      case number(Op::kPushtv):
        if (!push({r[i.rd]})) return fault();
        break;
      case number(Op::kPopts):
        if (tuple_size_ != 0) --tuple_size_;
        break;
      case number(Op::kFlushts):
        tuple_size_ = 0;
        break;
      case number(Op::kAllocs): {
        Value address;
        if (allocate_scratch(r[i.r1].bits, &address) == nullptr) return fault();
        r[i.rd] = address;
        break;
      }
      case number(Op::kCopys):
        if (!copy(Space::kKernel, r[i.r1], r[i.rd], r[i.r2].bits)) return fault();
        break;
      default:  // ldta and whatever is not for running
        fail(Fault::kIllop);
        return fault();
    }
  }
#undef BINARY
}

}  // namespace ht::engine
