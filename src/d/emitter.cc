// The DIFO under construction.
#include "d/emitter.h"

#include <fmt/format.h>

#include <algorithm>

namespace ht::d {
namespace {

constexpr size_t kLargestDifo = 256 * 1024;  // bytes, the verifier's limit
constexpr size_t kLargestIndex = 0xffff;

Error no_registers(const Pos& pos) {
  return fail(Tag::D_NOREG, pos, "Insufficient registers to generate code",
              "compute a part of the expression into a this-> variable first");
}

}  // namespace

void Emitter::emit(dif::Instr instruction) {
  auto index = static_cast<uint32_t>(difo_.text.size());
  std::string_view name = pos_.file != nullptr ? std::string_view(*pos_.file) : std::string_view();
  auto found = std::find(files_.begin(), files_.end(), name);
  dif::LineEntry entry{index, pos_.line, pos_.column, static_cast<uint16_t>(found - files_.begin())};
  if (found == files_.end()) {
    if (files_.size() < kLargestIndex) {
      files_.emplace_back(name);
    } else {
      entry.file = 0;
    }
  }
  difo_.text.push_back(instruction);
  bool same = !difo_.lines.empty() && difo_.lines.back().line == entry.line &&
              difo_.lines.back().column == entry.column && difo_.lines.back().file == entry.file;
  if (!same && pos_.line != 0) difo_.lines.push_back(entry);
}

Result<void> Emitter::integer(uint64_t value, Reg rd) {
  auto [entry, created] = ints_.emplace(value, static_cast<unsigned>(difo_.ints.size()));
  if (created) {
    if (difo_.ints.size() > kLargestIndex) return fail(Tag::D_UNKNOWN, pos_, "Integer constant table limit exceeded");
    difo_.ints.push_back(value);
  }
  indexed(dif::Op::kSetx, entry->second, rd);
  return {};
}

Result<void> Emitter::text(dif::Op op, std::string_view string, Reg rd) {
  unsigned offset = 0;
  if (auto found = strings_.find(string); found != strings_.end()) {
    offset = found->second;
  } else if (!string.empty()) {
    if (difo_.strings.size() > kLargestIndex) return fail(Tag::D_UNKNOWN, pos_, "String constant table limit exceeded");
    offset = static_cast<unsigned>(difo_.strings.size());
    difo_.strings += string;
    difo_.strings += '\0';
    strings_.emplace(string, offset);
  }
  indexed(op, offset, rd);
  return {};
}

void Emitter::jump(dif::Op op, Label& label) {
  label.jumps.push_back(difo_.text.size());
  emit(dif::make_label(op, 0));
}

void Emitter::here(Label& label) {
  auto target = static_cast<unsigned>(difo_.text.size());
  for (size_t jump : label.jumps) difo_.text[jump] = dif::make_label(dif::op_of(difo_.text[jump]), target);
  label.jumps.clear();
}

Result<Emitter::Reg> Emitter::take() {
  for (Reg reg = 1; reg < kVirtualRegisters; reg++) {
    if (used_[reg]) continue;
    used_[reg] = true;
    return reg;
  }
  return no_registers(pos_);
}

Result<void> Emitter::take(Reg reg) {
  if (used_[reg]) return fail(Tag::D_UNKNOWN, pos_, "internal error -- register is in use");
  used_[reg] = true;
  return {};
}

void Emitter::give(Reg reg) {
  used_[reg] = false;
}

// Its name is none that a program can write.
Result<uint16_t> Emitter::spill_slot(unsigned number) {
  std::string name = fmt::format("%spill{}", number);
  const Variable* found = symbols_.variable(dif::Scope::kLocal, name);
  if (found == nullptr) {
    Variable slot;
    slot.name = std::move(name);
    slot.scope = dif::Scope::kLocal;
    slot.type = types_.integer("uint64_t");
    slot.pos = pos_;
    ASSIGN_OR_RETURN(found, symbols_.add_variable(std::move(slot)));
  }
  return found->id;
}

Result<dif::Difo> Emitter::finish(Reg result, dif::Type type) {
  three(dif::Op::kRet, 0, 0, result);
  difo_.rtype = std::move(type);
  ASSIGN_OR_RETURN(bool spilled, spill(difo_, [this](unsigned number) { return spill_slot(number); }));
  if (!spilled) return no_registers(pos_);
  if (difo_.text.size() * sizeof(dif::Instr) + difo_.ints.size() * sizeof(uint64_t) + difo_.strings.size() >
      kLargestDifo) {
    return fail(Tag::D_UNKNOWN, pos_, "DIF program exceeds maximum program size");
  }
  return std::move(difo_);
}

}  // namespace ht::d
