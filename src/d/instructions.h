// Which instruction loads, stores or compares what: the choices of code generation that need nothing but a size, a sign
// or a scope.
#pragma once

#include <cstdint>

#include "d/token.h"
#include "dif/program.h"

namespace ht::d {

inline dif::Op load_op(uint64_t size, bool is_signed, bool user) {
  static constexpr dif::Op kOps[2][4][2] = {{{dif::Op::kLdub, dif::Op::kLdsb},
                                             {dif::Op::kLduh, dif::Op::kLdsh},
                                             {dif::Op::kLduw, dif::Op::kLdsw},
                                             {dif::Op::kLdx, dif::Op::kLdx}},
                                            {{dif::Op::kUldub, dif::Op::kUldsb},
                                             {dif::Op::kUlduh, dif::Op::kUldsh},
                                             {dif::Op::kUlduw, dif::Op::kUldsw},
                                             {dif::Op::kUldx, dif::Op::kUldx}}};
  size_t row = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
  return kOps[user ? 1 : 0][row][is_signed ? 1 : 0];
}

inline dif::Op store_op(uint64_t size) {
  return size == 1 ? dif::Op::kStb : size == 2 ? dif::Op::kSth : size == 4 ? dif::Op::kStw : dif::Op::kStx;
}

struct VariableOps {
  dif::Op load, store, load_element, store_element;
};
inline constexpr VariableOps kVariableOps[] = {
    {dif::Op::kLdgs, dif::Op::kStgs, dif::Op::kLdgaa, dif::Op::kStgaa},
    {dif::Op::kLdts, dif::Op::kStts, dif::Op::kLdtaa, dif::Op::kSttaa},
    {dif::Op::kLdls, dif::Op::kStls, dif::Op::kLdls, dif::Op::kStls},
};
inline const VariableOps& ops_of(dif::Scope scope) {
  return kVariableOps[static_cast<size_t>(scope)];
}

inline dif::Op branch_op(Tok op, bool is_signed) {
  switch (op) {
    case Tok::kLt:
      return is_signed ? dif::Op::kBl : dif::Op::kBlu;
    case Tok::kLe:
      return is_signed ? dif::Op::kBle : dif::Op::kBleu;
    case Tok::kGt:
      return is_signed ? dif::Op::kBg : dif::Op::kBgu;
    case Tok::kGe:
      return is_signed ? dif::Op::kBge : dif::Op::kBgeu;
    case Tok::kEq:
      return dif::Op::kBe;
    default:
      return dif::Op::kBne;
  }
}

inline bool is_comparison(Tok op) {
  return op == Tok::kLt || op == Tok::kLe || op == Tok::kGt || op == Tok::kGe || op == Tok::kEq || op == Tok::kNe;
}

}  // namespace ht::d
