// What an instruction says beyond its format: which variables it means, how much it loads, when it branches. Tables,
// one row for each instruction of the rule; a row of the instruction table that is missing here does not compile.
#pragma once

#include <cstdint>
#include <iterator>

#include "dif/opcode.h"
#include "dif/variable_use.h"

namespace ht::dif {

// How much a load of fixed width reads, and whether it extends the sign.
struct LoadShape {
  Op op;
  uint8_t bytes;
  bool is_signed;
};
inline constexpr LoadShape kLoadShapes[] = {
    {Op::kLdsb, 1, true},   {Op::kLdsh, 2, true},   {Op::kLdsw, 4, true},   {Op::kLdub, 1, false},
    {Op::kLduh, 2, false},  {Op::kLduw, 4, false},  {Op::kLdx, 8, true},    {Op::kUldsb, 1, true},
    {Op::kUldsh, 2, true},  {Op::kUldsw, 4, true},  {Op::kUldub, 1, false}, {Op::kUlduh, 2, false},
    {Op::kUlduw, 4, false}, {Op::kUldx, 8, true},   {Op::kRldsb, 1, true},  {Op::kRldsh, 2, true},
    {Op::kRldsw, 4, true},  {Op::kRldub, 1, false}, {Op::kRlduh, 2, false}, {Op::kRlduw, 4, false},
    {Op::kRldx, 8, true},
};

// A branch is taken if what was compared first is less than, equal to or greater than the second.
struct BranchCondition {
  Op op;
  bool less, equal, greater;
  bool is_signed;
};
inline constexpr BranchCondition kBranchConditions[] = {
    {Op::kBa, true, true, true, true},     {Op::kBe, false, true, false, true},   {Op::kBne, true, false, true, true},
    {Op::kBg, false, false, true, true},   {Op::kBge, false, true, true, true},   {Op::kBl, true, false, false, true},
    {Op::kBle, true, true, false, true},   {Op::kBgu, false, false, true, false}, {Op::kBgeu, false, true, true, false},
    {Op::kBlu, true, false, false, false}, {Op::kBleu, true, true, false, false},
};

// The row for an instruction; null if it is of another rule.
template <typename Row, size_t kCount>
constexpr const Row* find_operands(const Row (&table)[kCount], Op op) {
  for (const Row& row : table) {
    if (row.op == op) return &row;
  }
  return nullptr;
}
constexpr const LoadShape* load_shape(Op op) {
  return find_operands(kLoadShapes, op);
}
constexpr const BranchCondition* branch_condition(Op op) {
  return find_operands(kBranchConditions, op);
}

namespace detail {
// Not by comparing the row's address: under UBSan, GCC 12 takes that for no constant.
template <typename Row, size_t kCount>
constexpr bool has_row(const Row (&table)[kCount], Op op) {
  for (const Row& row : table) {
    if (row.op == op) return true;
  }
  return false;
}
constexpr bool operands_are_complete() {
  for (unsigned i = 0; i < std::size(kOpInfo); ++i) {
    if (kOpInfo[i].mnemonic.empty()) continue;
    const Op op = static_cast<Op>(i);
    const TypeRule rule = kOpInfo[i].rule;
    if ((rule == TypeRule::kVarLoad || rule == TypeRule::kVarStore) != has_row(kVariableUses, op)) return false;
    if ((rule == TypeRule::kLoad) != has_row(kLoadShapes, op)) return false;
    if ((rule == TypeRule::kBranch) != has_row(kBranchConditions, op)) return false;
  }
  return true;
}
}  // namespace detail
static_assert(detail::operands_are_complete());

}  // namespace ht::dif
