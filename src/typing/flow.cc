#include "typing/flow.h"

#include <fmt/format.h>

#include "dif/operands.h"

namespace ht::typing {
namespace {

using dif::Format;
using dif::Instr;
using dif::Op;

constexpr size_t kMaxTuple = dif::kTupleRegisters + 1;
constexpr unsigned kCc = dif::kRegisters;  // the condition codes, tracked like a register

bool is_branch(Op op) {
  return dif::branch_condition(op) != nullptr;
}

// A variable that takes its keys from the tuple stack.
bool keyed(Op op) {
  const dif::VariableUse* use = dif::find_variable_use(op);
  return use != nullptr && use->kind == dif::VarKind::kArray;
}

Error bad(size_t at, std::string_view text) {
  return Error(fmt::format("instruction {}: {}", at, text));
}

Result<void> check(const dif::Difo& difo) {
  const size_t count = difo.text.size();
  if (count == 0 || dif::op_of(difo.text.back()) != Op::kRet) return Error("expected 'ret' as last DIF instruction");
  for (size_t i = 0; i < count; ++i) {
    const Instr instr = difo.text[i];
    if (dif::info_of(instr).mnemonic.empty()) return bad(i, fmt::format("invalid opcode {}", instr >> 24));
    const Roles roles = roles_of(instr);
    for (const auto& [used, reg] :
         {std::pair{roles.uses_r1, dif::r1_of(instr)}, std::pair{roles.uses_r2, dif::r2_of(instr)},
          std::pair{roles.uses_rd || roles.defines_rd, dif::rd_of(instr)}}) {
      if (used && reg >= dif::kRegisters) return bad(i, fmt::format("invalid register {}", reg));
    }
    if (roles.defines_rd && dif::rd_of(instr) == 0) return bad(i, "cannot write to %r0");
    if (is_branch(dif::op_of(instr))) {
      const unsigned label = dif::label_of(instr);
      if (label >= count) return bad(i, fmt::format("invalid branch target {}", label));
      if (label <= i) return bad(i, fmt::format("backward branch to {}", label));
    }
  }
  return {};
}

void find_blocks(const dif::Difo& difo, Flow& flow) {
  const size_t count = difo.text.size();
  std::vector<bool> leader(count + 1, false);
  leader[0] = true;
  for (size_t i = 0; i < count; ++i) {
    const Op op = dif::op_of(difo.text[i]);
    if (is_branch(op)) leader[dif::label_of(difo.text[i])] = true;
    if (is_branch(op) || op == Op::kRet) leader[i + 1] = true;
  }
  flow.block_of.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (leader[i]) {
      flow.blocks.emplace_back();
      flow.blocks.back().begin = static_cast<uint32_t>(i);
    }
    flow.blocks.back().end = static_cast<uint32_t>(i + 1);
    flow.block_of[i] = static_cast<uint32_t>(flow.blocks.size() - 1);
  }
  flow.blocks[0].reachable = true;
  for (uint32_t b = 0; b < flow.blocks.size(); ++b) {
    if (!flow.blocks[b].reachable) continue;
    const Instr last = difo.text[flow.blocks[b].end - 1];
    const Op op = dif::op_of(last);
    const auto edge = [&](uint32_t to) {
      for (uint32_t known : flow.blocks[b].successors) {
        if (known == to) return;
      }
      flow.blocks[b].successors.push_back(to);
      flow.blocks[to].predecessors.push_back(b);
      flow.blocks[to].reachable = true;
    };
    if (is_branch(op)) edge(flow.block_of[dif::label_of(last)]);
    if (op != Op::kBa && op != Op::kRet) edge(b + 1);  // the text ends in ret: there is a next one
  }
}

// The definitions in force at a point.
struct State {
  std::array<NodeId, kCc + 1> slots{};
  std::vector<NodeId> tuple;
};

class Builder {
 public:
  Builder(const dif::Difo& difo, Flow& flow) : difo_(difo), flow_(flow), out_(flow.blocks.size()) {}

  void run() {
    flow_.nodes.resize(2);  // kUndefined, kZero
    flow_.uses.resize(difo_.text.size());
    for (uint32_t b = 0; b < flow_.blocks.size(); ++b) {
      Block& block = flow_.blocks[b];
      if (!block.reachable) continue;
      block.first_phi = static_cast<NodeId>(flow_.nodes.size());
      State state = entry(block);
      block.last_phi = static_cast<NodeId>(flow_.nodes.size());
      for (uint32_t i = block.begin; i < block.end; ++i) step(i, state);
      out_[b] = std::move(state);
    }
  }

 private:
  NodeId node(Node::Kind kind, uint32_t at) {
    flow_.nodes.push_back({kind, at, {}});
    return static_cast<NodeId>(flow_.nodes.size() - 1);
  }

  template <typename Get>
  NodeId merge(const Block& block, Get get) {
    const NodeId first = get(out_[block.predecessors[0]]);
    bool same = true;
    for (uint32_t p : block.predecessors) same = same && get(out_[p]) == first;
    if (same) return first;
    const NodeId phi = node(Node::Kind::kPhi, block.begin);
    for (uint32_t p : block.predecessors) flow_.nodes[phi].inputs.push_back(get(out_[p]));
    return phi;
  }

  State entry(const Block& block) {
    State state;
    if (block.predecessors.empty()) {
      state.slots[0] = kZero;
      return state;
    }
    for (unsigned slot = 0; slot <= kCc; ++slot) {
      state.slots[slot] = merge(block, [slot](const State& s) { return s.slots[slot]; });
    }
    // Paths that pushed different numbers of entries: nothing is known of them.
    const size_t depth = out_[block.predecessors[0]].tuple.size();
    for (uint32_t p : block.predecessors) {
      if (out_[p].tuple.size() != depth) return state;
    }
    for (size_t i = 0; i < depth; ++i) {
      state.tuple.push_back(merge(block, [i](const State& s) { return s.tuple[i]; }));
    }
    return state;
  }

  void step(uint32_t i, State& state) {
    const Instr instr = difo_.text[i];
    const Roles roles = roles_of(instr);
    Uses& uses = flow_.uses[i];
    if (roles.uses_r1) uses.r1 = state.slots[dif::r1_of(instr)];
    if (roles.uses_r2) uses.r2 = state.slots[dif::r2_of(instr)];
    if (roles.uses_rd) uses.rd = state.slots[dif::rd_of(instr)];
    if (roles.uses_cc) uses.cc = state.slots[kCc];
    if (roles.uses_tuple) uses.tuple = state.tuple;
    if (roles.defines_rd || roles.defines_cc || roles.pushes) uses.result = node(Node::Kind::kInstruction, i);
    if (roles.defines_rd) state.slots[dif::rd_of(instr)] = uses.result;
    if (roles.defines_cc) state.slots[kCc] = uses.result;
    if (roles.pushes && state.tuple.size() < kMaxTuple) state.tuple.push_back(uses.result);
    if (dif::op_of(instr) == Op::kPopts && !state.tuple.empty()) state.tuple.pop_back();
    if (dif::op_of(instr) == Op::kFlushts) state.tuple.clear();
  }

  const dif::Difo& difo_;
  Flow& flow_;
  std::vector<State> out_;
};

}  // namespace

Roles roles_of(Instr instruction) {
  const Op op = dif::op_of(instruction);
  Roles r;
  switch (dif::info_of(instruction).format) {
    case Format::kR1R2Rd:
      r.uses_r1 = r.uses_r2 = true;
      (op == Op::kCopys ? r.uses_rd : r.defines_rd) = true;
      break;
    case Format::kR1Rd:
    case Format::kLoad:
      r.uses_r1 = r.defines_rd = true;
      break;
    case Format::kR1R2:
      r.uses_r1 = r.uses_r2 = r.defines_cc = true;
      break;
    case Format::kR1:
      r.uses_r1 = r.defines_cc = true;
      break;
    case Format::kLabel:
      r.uses_cc = op != Op::kBa;
      break;
    case Format::kStore:
      r.uses_r1 = r.uses_rd = true;
      break;
    case Format::kRd:
      r.uses_rd = true;
      break;
    case Format::kNone:
      break;
    case Format::kInt:
    case Format::kString:
    case Format::kXlate:
      r.defines_rd = true;
      break;
    case Format::kVarR2Rd:
      r.uses_r2 = r.defines_rd = true;
      break;
    case Format::kVarRd:
      r.defines_rd = true;
      r.uses_tuple = keyed(op);
      break;
    case Format::kRsVar:
      r.uses_rd = true;
      r.uses_tuple = keyed(op);
      break;
    case Format::kCall:
      r.defines_rd = r.uses_tuple = true;
      break;
    case Format::kPushRef:
    case Format::kPushVal:
      r.uses_r2 = r.uses_rd = r.pushes = true;
      break;
    case Format::kSymbol:
      r.uses_rd = op == Op::kTypecast;
      r.defines_rd = op != Op::kTypecast || dif::rd_of(instruction) != 0;  // a cast of %r0 notes nothing
      break;
  }
  return r;
}

Result<Flow> analyse(const dif::Difo& difo) {
  RETURN_IF_ERROR(check(difo));
  Flow flow;
  find_blocks(difo, flow);
  Builder(difo, flow).run();
  return flow;
}

std::vector<uint8_t> live_after(const dif::Difo& difo, const Flow& flow) {
  std::vector<uint8_t> after(difo.text.size(), 0);
  std::vector<uint8_t> before(difo.text.size(), 0);
  for (size_t i = difo.text.size(); i-- > 0;) {
    const Instr instr = difo.text[i];
    const Block& block = flow.blocks[flow.block_of[i]];
    if (i + 1 < block.end) {
      after[i] = before[i + 1];
    } else {
      for (uint32_t next : block.successors) after[i] |= before[flow.blocks[next].begin];
    }
    const Roles roles = roles_of(instr);
    uint8_t live = after[i];
    if (roles.defines_rd) live &= static_cast<uint8_t>(~(1u << dif::rd_of(instr)));
    if (roles.uses_r1) live |= static_cast<uint8_t>(1u << dif::r1_of(instr));
    if (roles.uses_r2) live |= static_cast<uint8_t>(1u << dif::r2_of(instr));
    if (roles.uses_rd) live |= static_cast<uint8_t>(1u << dif::rd_of(instr));
    before[i] = live;
  }
  return after;
}

}  // namespace ht::typing
