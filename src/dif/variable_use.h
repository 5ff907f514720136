// Which of the program's variables an instruction loads or stores.
#pragma once

#include "dif/program.h"

namespace ht::dif {

struct VariableUse {
  Op op;
  Scope scope;
  VarKind kind;
  bool store;
};
inline constexpr VariableUse kVariableUses[] = {
    {Op::kLdgs, Scope::kGlobal, VarKind::kScalar, false}, {Op::kStgs, Scope::kGlobal, VarKind::kScalar, true},
    {Op::kLdts, Scope::kThread, VarKind::kScalar, false}, {Op::kStts, Scope::kThread, VarKind::kScalar, true},
    {Op::kLdls, Scope::kLocal, VarKind::kScalar, false},  {Op::kStls, Scope::kLocal, VarKind::kScalar, true},
    {Op::kLdgaa, Scope::kGlobal, VarKind::kArray, false}, {Op::kStgaa, Scope::kGlobal, VarKind::kArray, true},
    {Op::kLdtaa, Scope::kThread, VarKind::kArray, false}, {Op::kSttaa, Scope::kThread, VarKind::kArray, true},
};

// Null: none. The id of the variable is index_of() the instruction; below kFirstUserVariable it is a builtin one.
constexpr const VariableUse* find_variable_use(Op op) {
  for (const VariableUse& use : kVariableUses) {
    if (use.op == op) return &use;
  }
  return nullptr;
}

}  // namespace ht::dif
