// Replaces single instructions of a DIFO by several: labels and line entries are moved along.
#pragma once

#include <map>
#include <vector>

#include "base/result.h"
#include "dif/program.h"

namespace ht::link {

class Rewriter {
 public:
  explicit Rewriter(dif::Difo& difo) : difo_(difo) {}

  // In place of the instruction at `index`; branches to it go to the first of these. Not empty.
  void replace(uint32_t index, std::vector<dif::Instr> instructions) { changes_[index] = std::move(instructions); }
  void replace(uint32_t index, dif::Instr instruction) { difo_.text[index] = instruction; }

  // setx of any constant: found in the integer table or added to it.
  dif::Instr setx(uint64_t value, unsigned rd);

  // Errors: a table or the text outgrew its index.
  Result<void> apply();

 private:
  dif::Difo& difo_;
  std::map<uint32_t, std::vector<dif::Instr>> changes_;
  bool overflow_ = false;
};

}  // namespace ht::link
