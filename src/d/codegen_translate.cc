// Code for translated data (translator.cc).
#include "d/generator.h"

namespace ht::d {

// The input is evaluated once and kept while the members that use it are.
Result<Reg> Generator::translate(const Expr& expr) {
  ASSIGN_OR_RETURN(Reg input, value(expr.args[0]));
  inputs_[expr.id] = input;
  ASSIGN_OR_RETURN(Reg result, value(expr.args[1]));
  inputs_.erase(expr.id);
  out_.give(input);
  return result;
}

// A struct in scratch memory, member by member.
Result<Reg> Generator::snapshot(const Expr& expr) {
  ASSIGN_OR_RETURN(Reg object, out_.take());
  RETURN_IF_ERROR(out_.integer(stripped(expr.type)->size, object));
  out_.three(Op::kAllocs, object, 0, object);
  for (size_t i = 0; i < expr.args.size(); i++) {
    const Member& member = *expr.snapshot[i];
    ASSIGN_OR_RETURN(Reg from, value(expr.args[i]));
    out_.at(expr.args[i].pos);
    RETURN_IF_ERROR(cut_to(from, expr.args[i], member.type));
    ASSIGN_OR_RETURN(Reg to, out_.take());
    RETURN_IF_ERROR(out_.integer(member.offset, to));
    out_.three(Op::kAdd, object, to, to);
    if (is_string(expr.args[i].type) && by_reference(member.type)) {
      RETURN_IF_ERROR(store_text(stripped(member.type)->size, from, to));
    } else if (member.bits != 0) {
      RETURN_IF_ERROR(store_field(member, from, to));
    } else {
      RETURN_IF_ERROR(store_memory(member.type, from, to));
    }
    out_.give(to);
    out_.give(from);
  }
  return object;
}

// A string into an array of `size` characters, which are 0 so far. What is not there (NULL) stays so.
Result<void> Generator::store_text(uint64_t size, Reg from, Reg to) {
  Label absent, fits;
  ASSIGN_OR_RETURN(Reg length, out_.take());
  ASSIGN_OR_RETURN(Reg scratch, out_.take());
  out_.three(Op::kTst, from, 0, 0);
  out_.jump(Op::kBe, absent);
  out_.three(Op::kFlushts, 0, 0, 0);
  out_.three(Op::kPushtr, dif::kTypeString, 0, from);
  out_.indexed(Op::kCall, static_cast<uint16_t>(dif::Subr::kStrlen), length);
  RETURN_IF_ERROR(out_.integer(size, scratch));
  out_.three(Op::kCmp, length, scratch, 0);
  out_.jump(Op::kBlu, fits);
  out_.move(scratch, length);
  out_.here(fits);
  out_.three(Op::kCopys, from, length, to);
  out_.here(absent);
  out_.give(scratch);
  out_.give(length);
  return {};
}

}  // namespace ht::d
