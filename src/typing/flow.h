// What flows where in one DIFO: basic blocks, and for each operand the definitions that reach it.
//
// DIF branches forward only, so one pass in order of addresses sees every predecessor before its successors. Where
// paths with different definitions of a register meet, a phi node joins them (static single assignment): the
// information-flow graph is its nodes and their inputs, its size linear in the text, and every input has a smaller
// number than its user.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "dif/program.h"

namespace ht::typing {

// What an instruction does with its operands.
struct Roles {
  bool uses_r1 = false;
  bool uses_r2 = false;
  bool uses_rd = false;  // stores, ret, pushes, typecast
  bool defines_rd = false;
  bool uses_cc = false;
  bool defines_cc = false;
  bool uses_tuple = false;
  bool pushes = false;
};
Roles roles_of(dif::Instr instruction);

using NodeId = uint32_t;
inline constexpr NodeId kUndefined = 0;  // a register nobody has written
inline constexpr NodeId kZero = 1;       // %r0

struct Node {
  enum class Kind : uint8_t { kConstant, kInstruction, kPhi };
  Kind kind = Kind::kConstant;
  uint32_t at = 0;             // the instruction, or the first one of the phi's block
  std::vector<NodeId> inputs;  // of phis
};

struct Block {
  uint32_t begin = 0, end = 0;  // instructions [begin, end)
  std::vector<uint32_t> predecessors, successors;
  bool reachable = false;
  NodeId first_phi = 0, last_phi = 0;  // nodes [first_phi, last_phi)
};

// The nodes an instruction's operands come from; kUndefined where it has no such operand.
struct Uses {
  NodeId r1 = kUndefined, r2 = kUndefined, rd = kUndefined, cc = kUndefined;
  NodeId result = kUndefined;  // the node it defines: a register, the condition codes or a tuple entry
  std::vector<NodeId> tuple;   // of calls and associative arrays: the entries pushed
};

struct Flow {
  std::vector<Block> blocks;
  std::vector<uint32_t> block_of;  // per instruction
  std::vector<Node> nodes;
  std::vector<Uses> uses;  // per instruction
};

// Errors: registers, labels or the end that the verifier would refuse too.
Result<Flow> analyse(const dif::Difo& difo);

// Registers that are read after each instruction before they are written: bit N is %rN.
std::vector<uint8_t> live_after(const dif::Difo& difo, const Flow& flow);

}  // namespace ht::typing
