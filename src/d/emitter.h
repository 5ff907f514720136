// What code generation writes to: one DIFO under construction, its tables, its registers, its labels. There are more
// registers here than the machine has; finish() spills (spill.h).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "d/diagnostics.h"
#include "d/spill.h"
#include "d/symbols.h"
#include "dif/program.h"

namespace ht::d {

class Emitter {
 public:
  using Reg = unsigned;
  // A place that jumps go to, not yet reached.
  struct Label {
    std::vector<size_t> jumps;
  };

  Emitter(std::vector<std::string>& files, SymbolTable& symbols, TypeTable& types)
      : files_(files), symbols_(symbols), types_(types) {}

  // Instructions that follow come from here.
  void at(const Pos& pos) { pos_ = pos; }
  const Pos& pos() const { return pos_; }

  void three(dif::Op op, Reg r1, Reg r2, Reg rd) { emit(dif::make(op, r1, r2, rd)); }
  void indexed(dif::Op op, unsigned index, Reg rd) { emit(dif::make_index(op, index, rd)); }
  void move(Reg from, Reg to) { three(dif::Op::kMov, from, 0, to); }
  Result<void> integer(uint64_t value, Reg rd);                    // setx
  Result<void> text(dif::Op op, std::string_view string, Reg rd);  // sets, usetx, typecast
  void jump(dif::Op op, Label& label);
  void here(Label& label);

  Result<Reg> take();          // a free register
  Result<void> take(Reg reg);  // this one, which must be free
  void give(Reg reg);

  // Finished: ends with ret.
  Result<dif::Difo> finish(Reg result, dif::Type type);
  void mark_destructive() { difo_.destructive = true; }

 private:
  void emit(dif::Instr instruction);
  Result<uint16_t> spill_slot(unsigned number);

  dif::Difo difo_;
  std::vector<std::string>& files_;
  SymbolTable& symbols_;
  TypeTable& types_;
  std::map<uint64_t, unsigned> ints_;
  std::map<std::string, unsigned, std::less<>> strings_;
  Pos pos_;
  bool used_[kVirtualRegisters] = {};
};

}  // namespace ht::d
