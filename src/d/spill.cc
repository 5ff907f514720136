// Spilling: which operands of an instruction are registers, and the loads and stores around it.
#include "d/spill.h"

#include <algorithm>
#include <vector>

namespace ht::d {
namespace {

using dif::Format;
using dif::Instr;
using dif::Op;

// The last three registers carry spilled operands: as many as one instruction (copys) can have.
constexpr unsigned kScratch = 3;
constexpr unsigned kFirstScratch = dif::kRegisters - kScratch;

// The fields of an instruction that are registers, and whether rd is read, written.
struct Fields {
  bool r1 = false, r2 = false, reads_rd = false, writes_rd = false;
};

Fields fields_of(Instr instruction) {
  switch (dif::info_of(instruction).format) {
    case Format::kR1R2Rd:
      if (dif::op_of(instruction) == Op::kCopys) return {true, true, true, false};
      return {true, true, false, true};
    case Format::kR1Rd:
    case Format::kLoad:
      return {true, false, false, true};
    case Format::kR1R2:
      return {true, true, false, false};
    case Format::kR1:
      return {true, false, false, false};
    case Format::kStore:
      return {true, false, true, false};
    case Format::kRd:
    case Format::kRsVar:
      return {false, false, true, false};
    case Format::kInt:
    case Format::kString:
    case Format::kVarRd:
    case Format::kCall:
    case Format::kXlate:
      return {false, false, false, true};
    case Format::kVarR2Rd:
      return {false, true, false, true};
    case Format::kPushRef:
    case Format::kPushVal:
      return {false, true, true, false};
    case Format::kSymbol:
      return dif::op_of(instruction) == Op::kTypecast ? Fields{false, false, true, false}
                                                      : Fields{false, false, false, true};
    case Format::kLabel:
    case Format::kNone:
      break;
  }
  return {};
}

unsigned highest_register(Instr instruction) {
  Fields fields = fields_of(instruction);
  unsigned highest = 0;
  if (fields.r1) highest = dif::r1_of(instruction);
  if (fields.r2) highest = std::max(highest, dif::r2_of(instruction));
  if (fields.reads_rd || fields.writes_rd) highest = std::max(highest, dif::rd_of(instruction));
  return highest;
}

bool is_symbolic(Instr instruction) {
  Op op = dif::op_of(instruction);
  return op == Op::kUsetx || op == Op::kUload || op == Op::kUuload || op == Op::kTypecast;
}

class Spiller {
 public:
  explicit Spiller(const std::function<Result<uint16_t>(unsigned)>& slot) : slot_(slot) {}

  Result<void> rewrite(Instr instruction) {
    Fields fields = fields_of(instruction);
    unsigned r1 = dif::r1_of(instruction), r2 = dif::r2_of(instruction), rd = dif::rd_of(instruction);
    unsigned result = rd;
    if (fields.r1) RETURN_IF_ERROR(read(r1, kFirstScratch));
    if (fields.r2) RETURN_IF_ERROR(read(r2, kFirstScratch + 1));
    if (fields.reads_rd) RETURN_IF_ERROR(read(rd, kFirstScratch + 2));
    if (fields.writes_rd && rd >= kFirstScratch) rd = kFirstScratch;
    Instr fresh = (instruction & 0xff000000) | rd;
    // Fields that are no registers stay.
    fresh |= fields.r1 ? r1 << 16 : instruction & 0xff0000;
    fresh |= fields.r2 ? r2 << 8 : instruction & 0xff00;
    if (!fields.reads_rd && !fields.writes_rd) fresh = (fresh & 0xffffff00) | (instruction & 0xff);
    text.push_back(fresh);
    if (!fields.writes_rd || result < kFirstScratch) return {};
    ASSIGN_OR_RETURN(uint16_t id, slot_(result - kFirstScratch));
    text.push_back(dif::make_index(Op::kStls, id, rd));
    return {};
  }

  std::vector<Instr> text;

 private:
  // A spilled register is loaded into `scratch`, which it then is.
  Result<void> read(unsigned& reg, unsigned scratch) {
    if (reg < kFirstScratch) return {};
    ASSIGN_OR_RETURN(uint16_t id, slot_(reg - kFirstScratch));
    text.push_back(dif::make_index(Op::kLdls, id, scratch));
    reg = scratch;
    return {};
  }

  const std::function<Result<uint16_t>(unsigned)>& slot_;
};

}  // namespace

Result<bool> spill(dif::Difo& difo, const std::function<Result<uint16_t>(unsigned)>& slot) {
  bool fits = std::all_of(difo.text.begin(), difo.text.end(),
                          [](Instr instruction) { return highest_register(instruction) < dif::kRegisters; });
  if (fits) return true;
  if (std::any_of(difo.text.begin(), difo.text.end(), is_symbolic)) return false;
  Spiller spiller(slot);
  std::vector<size_t> moved;  // where each instruction is now
  for (Instr instruction : difo.text) {
    moved.push_back(spiller.text.size());
    RETURN_IF_ERROR(spiller.rewrite(instruction));
  }
  for (Instr& instruction : spiller.text) {
    if (dif::info_of(instruction).format != Format::kLabel) continue;
    instruction = dif::make_label(dif::op_of(instruction), static_cast<unsigned>(moved[dif::label_of(instruction)]));
  }
  for (dif::LineEntry& line : difo.lines) line.index = static_cast<uint32_t>(moved[line.index]);
  difo.text = std::move(spiller.text);
  return true;
}

}  // namespace ht::d
