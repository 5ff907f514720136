#include "link/rewrite.h"

#include <algorithm>

namespace ht::link {

using dif::Instr;

Instr Rewriter::setx(uint64_t value, unsigned rd) {
  const auto it = std::find(difo_.ints.begin(), difo_.ints.end(), value);
  const auto index = static_cast<size_t>(it - difo_.ints.begin());
  if (it == difo_.ints.end()) difo_.ints.push_back(value);
  if (index > 0xffff) overflow_ = true;
  return dif::make_index(dif::Op::kSetx, static_cast<unsigned>(index & 0xffff), rd);
}

Result<void> Rewriter::apply() {
  if (overflow_) return Error("the integer table is full");
  if (changes_.empty()) return {};
  std::vector<uint32_t> moved(difo_.text.size() + 1);
  std::vector<Instr> text;
  for (uint32_t i = 0; i < difo_.text.size(); ++i) {
    moved[i] = static_cast<uint32_t>(text.size());
    if (auto it = changes_.find(i); it != changes_.end()) {
      text.insert(text.end(), it->second.begin(), it->second.end());
    } else {
      text.push_back(difo_.text[i]);
    }
  }
  moved[difo_.text.size()] = static_cast<uint32_t>(text.size());
  if (text.size() > 0xffffff) return Error("the program is too long");
  for (Instr& instr : text) {
    if (dif::info_of(instr).rule == dif::TypeRule::kBranch) {
      instr = dif::make_label(dif::op_of(instr), moved[dif::label_of(instr)]);
    }
  }
  for (dif::LineEntry& line : difo_.lines) line.index = moved[std::min<size_t>(line.index, difo_.text.size())];
  difo_.text = std::move(text);
  changes_.clear();
  return {};
}

}  // namespace ht::link
