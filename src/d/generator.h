// The code generator's inside, between the files that it is in: codegen.cc, codegen_translate.cc.
#pragma once

#include <map>
#include <vector>

#include "d/ast.h"
#include "d/emitter.h"

namespace ht::d {

using dif::Op;
using Reg = Emitter::Reg;
using Label = Emitter::Label;

// Whether a value of the type is the address of what it is.
bool by_reference(TypeRef type);

class Generator {
 public:
  explicit Generator(Emitter& out) : out_(out) {}

  Result<Reg> value(const Expr& expr);
  // Cuts the register from `from`'s type to `to`, if it must be.
  Result<void> cut_to(Reg reg, const Expr& from, TypeRef to);
  Result<void> cut_always(Reg reg, TypeRef to);

 private:
  Result<Reg> variable(const Expr& expr);
  Result<void> materialise(const Expr& expr, Reg reg);
  Result<Reg> kernel_symbol(const Expr& expr);
  Result<Reg> builtin_element(const Expr& expr);
  Result<Reg> address(const Expr& expr);
  Result<Reg> address_to_store(const Expr& left);
  Result<void> load(Reg reg, const Expr& expr);
  Result<Reg> unary(const Expr& expr);
  Result<Reg> binary(const Expr& expr);
  Result<Reg> comparison(const Expr& expr);
  Result<Reg> logical(const Expr& expr);
  Result<Reg> exclusive_or(const Expr& expr);
  Result<Reg> conditional(const Expr& expr);
  Result<Reg> assignment(const Expr& expr);
  Result<Reg> step(const Expr& expr);
  Result<Reg> cast(const Expr& expr);
  Result<Reg> call(const Expr& expr);
  Result<Reg> translate(const Expr& expr);
  Result<Reg> snapshot(const Expr& expr);
  Result<void> store_text(uint64_t size, Reg from, Reg to);

  Result<void> store_variable(const Expr& left, Reg reg);
  Result<void> store_memory(TypeRef type, Reg from, Reg to);
  Result<void> store_string(Reg from, Reg to);
  Result<void> store_field(const Member& field, Reg from, Reg to);
  Result<void> store(const Expr& left, Reg from, Reg to);
  Result<void> cut_to_bits(Reg reg, const Expr& left);
  // left = left op right, or with `want_old` left's value before. Gives `right` back.
  Result<Reg> update(const Expr& left, Tok op, Reg right, TypeRef right_type, bool want_old);
  Result<void> arithmetic(Tok op, Reg left, TypeRef left_type, Reg right, TypeRef right_type, Reg into);
  Result<void> scale(Reg reg, TypeRef pointer);
  Result<void> shift_by(Op op, Reg reg, unsigned count);
  Result<void> boolean(Reg reg, Op true_branch);

  Result<void> push_all(const std::vector<Expr>& args);
  Result<void> push(const Expr& arg, Reg reg);

  Emitter& out_;
  bool storing_ = false;            // what is loaded is on the way to a place to store to
  std::map<uint16_t, Reg> inputs_;  // of the translations around what is generated
};

}  // namespace ht::d
