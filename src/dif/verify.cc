// The verifier's first half: one DIFO. One pass over the text; as branches only go forward, the same pass follows the
// depth of the tuple stack along every path.
#include "dif/verify.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "dif/variable_use.h"
#include "dif/verify_shared.h"

namespace ht::dif {
namespace {

bool relocation(Op op) {
  return op == Op::kUsetx || op == Op::kUload || op == Op::kUuload || op == Op::kTypecast;
}

// How many tuple registers may be in use before an instruction, over all paths that lead to it.
struct Depth {
  unsigned least = 0;
  unsigned most = 0;
};

std::string number(uint64_t value) {
  return std::to_string(value);
}

class DifoVerifier {
 public:
  DifoVerifier(const Difo& difo, const Program& program, const VariableIndex& variables, Stage stage)
      : difo_(difo), program_(program), variables_(variables), stage_(stage), depths_(difo.text.size()) {}

  Result<void> verify() {
    if (std::string what = tables(); !what.empty()) return Error(std::move(what));
    depths_[0] = Depth{};
    for (pc_ = 0; pc_ < difo_.text.size(); ++pc_) {
      if (std::string what = instruction(difo_.text[pc_]); !what.empty()) return at_pc(what);
    }
    if (op_of(difo_.text.back()) != Op::kRet) {
      pc_ = difo_.text.size() - 1;
      return at_pc("expected 'ret' as last DIF instruction");
    }
    return {};
  }

 private:
  // The tables and the result type; everything that is not an instruction.
  std::string tables() const {
    if (difo_.text.empty()) return "expected 'ret' as last DIF instruction";
    const size_t bytes = difo_.text.size() * sizeof(Instr) + difo_.ints.size() * 8 + difo_.strings.size();
    if (bytes > limits::kDifoBytes) return "DIF object of " + number(bytes) + " bytes is too large";
    if (difo_.strings.empty() || difo_.strings.back() != '\0') return "string table does not end in a NUL byte";
    if (difo_.lines.size() > difo_.text.size()) return "line table is longer than the text";
    const LineEntry* previous = nullptr;
    for (const LineEntry& line : difo_.lines) {
      if (line.index >= difo_.text.size()) return "line table: invalid instruction " + number(line.index);
      if (previous != nullptr && line.index <= previous->index) return "line table is not sorted";
      if (line.file != 0 && line.file >= program_.files.size()) return "line table: invalid file " + number(line.file);
      previous = &line;
    }
    return check_type(difo_.rtype, TypeUse::kResult, stage_);
  }

  Error at_pc(const std::string& what) const {
    Error error("instruction " + number(pc_) + ": " + what);
    for (const LineEntry& line : difo_.lines) {
      if (line.index > pc_) break;
      error.pos.line = line.line;
      error.pos.column = line.column;
      error.pos.file = line.file < program_.files.size() ? program_.files[line.file] : std::string();
    }
    return error;
  }

  std::string instruction(Instr i) {
    const OpInfo& info = info_of(i);
    const Op op = op_of(i);
    const bool loadable =
        !info.mnemonic.empty() && info.format != Format::kXlate && (stage_ == Stage::kCompiled || !relocation(op));
    if (!loadable) return "invalid opcode " + number(i >> 24);
    if (std::string what = operands(i); !what.empty()) return what;
    if (!depths_[pc_]) return {};  // no path leads here: nothing more to know
    return flow(i);
  }

  static std::string registers(std::initializer_list<unsigned> used) {
    for (unsigned r : used) {
      if (r >= kRegisters) return "invalid register " + number(r);
    }
    return {};
  }

  // A register that the instruction writes, beside those that it reads.
  static std::string destination(std::initializer_list<unsigned> used, unsigned rd) {
    if (std::string what = registers(used); !what.empty()) return what;
    if (rd >= kRegisters) return "invalid register " + number(rd);
    return rd == 0 ? "cannot write to %r0" : "";
  }

  static std::string zero(unsigned field) { return field != 0 ? "non-zero reserved bits" : ""; }

  static std::string first(std::string a, std::string b) { return a.empty() ? b : a; }

  std::string operands(Instr i) const {
    const unsigned r1 = r1_of(i), r2 = r2_of(i), rd = rd_of(i), index = index_of(i);
    switch (info_of(i).format) {
      case Format::kR1R2Rd:
        return destination({r1, r2}, rd);
      case Format::kR1Rd:
        return first(destination({r1}, rd), zero(r2));
      case Format::kR1R2:
        return first(registers({r1, r2}), zero(rd));
      case Format::kR1:
        return first(registers({r1}), zero(r2 | rd));
      case Format::kLoad:
        return first(destination({r1}, rd), zero(r2));
      case Format::kStore:
        if (std::string what = first(registers({r1, rd}), zero(r2)); !what.empty()) return what;
        return rd == 0 ? "cannot write to 0 address" : "";
      case Format::kRd:
        return first(registers({rd}), zero(r1 | r2));
      case Format::kNone:
        return zero(r1 | r2 | rd);
      case Format::kLabel:
        return label(label_of(i));
      case Format::kInt:
        if (index >= difo_.ints.size()) return "invalid integer ref " + number(index);
        return destination({}, rd);
      case Format::kString:
        if (index >= difo_.strings.size()) return "invalid string ref " + number(index);
        return destination({}, rd);
      case Format::kSymbol:
        if (index >= difo_.strings.size() || difo_.strings[index] == '\0') return "invalid symbol ref " + number(index);
        // A typecast only notes a type; it writes nothing.
        return op_of(i) == Op::kTypecast ? registers({rd}) : destination({}, rd);
      case Format::kVarR2Rd:
        return first(array(r1), destination({r2}, rd));
      case Format::kVarRd:
        return first(variable(i), destination({}, rd));
      case Format::kRsVar:
        return first(variable(i), registers({rd}));
      case Format::kCall:
        if (find_subroutine(static_cast<uint16_t>(index)) == nullptr) return "invalid subr " + number(index);
        return destination({}, rd);
      case Format::kPushRef:
        if (type_of(i) != kTypeD && type_of(i) != kTypeString) return "invalid ref type " + number(type_of(i));
        return registers({r2, rd});
      case Format::kPushVal:
        if (type_of(i) != kTypeD) return "invalid val type " + number(type_of(i));
        return registers({r2, rd});
      case Format::kXlate:
        break;
    }
    return "invalid opcode " + number(i >> 24);
  }

  std::string label(unsigned target) const {
    if (target >= difo_.text.size()) return "invalid branch target " + number(target);
    if (target <= pc_) return "backward branch to " + number(target);
    return {};
  }

  // Only builtin arrays exist: args, regs, uregs; and that of kernel symbols, which is the linker's.
  std::string array(unsigned id) const {
    const bool symbols = id == kVarSymbols && stage_ == Stage::kLinked;
    return id <= kVarUregs || symbols ? "" : "invalid array " + number(id);
  }

  std::string variable(Instr i) const {
    const VariableUse& use = *find_variable_use(op_of(i));
    const auto id = static_cast<uint16_t>(index_of(i));
    const std::string invalid = "invalid variable " + number(id);
    if (id < kFirstUserVariable) {
      const bool builtin = op_of(i) == Op::kLdgs && id >= 0x100 && find_variable(id) != nullptr;
      return builtin ? "" : invalid;
    }
    const VariableDef* definition = variables_.find(use.scope, id);
    return definition != nullptr && definition->kind == use.kind ? "" : invalid;
  }

  // The effect on the tuple stack, and where control goes.
  std::string flow(Instr i) {
    Depth depth = *depths_[pc_];
    const Op op = op_of(i);
    switch (info_of(i).format) {
      case Format::kPushRef:
      case Format::kPushVal:
        // One more than there is room for faults when it is pushed.
        depth = {std::min(depth.least + 1, kTupleRegisters), std::min(depth.most + 1, kTupleRegisters)};
        break;
      case Format::kCall: {
        const SubrInfo& subr = *find_subroutine(static_cast<uint16_t>(index_of(i)));
        if (depth.least < subr.least || depth.most > subr.most) {
          return "wrong number of arguments for " + std::string(subr.name);
        }
        break;
      }
      case Format::kVarRd:
      case Format::kRsVar:
        if (std::string what = keys(i, depth); !what.empty()) return what;
        break;
      case Format::kLabel:
        join(label_of(i), depth);
        if (op == Op::kBa) return {};
        break;
      case Format::kRd:
        return {};  // ret
      default:
        if (op == Op::kFlushts) depth = {};
        if (op == Op::kPopts) depth = {depth.least - (depth.least > 0), depth.most - (depth.most > 0)};
    }
    join(pc_ + 1, depth);
    return {};
  }

  std::string keys(Instr i, Depth depth) const {
    const VariableUse& use = *find_variable_use(op_of(i));
    if (use.kind != VarKind::kArray) return {};
    const VariableDef* definition = variables_.find(use.scope, static_cast<uint16_t>(index_of(i)));
    const size_t expected = definition->keys.size();
    if (depth.least == expected && depth.most == expected) return {};
    return "wrong number of keys for variable " + number(definition->id);
  }

  void join(size_t target, Depth depth) {
    if (target >= depths_.size()) return;
    std::optional<Depth>& known = depths_[target];
    known = known ? Depth{std::min(known->least, depth.least), std::max(known->most, depth.most)} : depth;
  }

  const Difo& difo_;
  const Program& program_;
  const VariableIndex& variables_;
  const Stage stage_;
  size_t pc_ = 0;
  std::vector<std::optional<Depth>> depths_;
};

}  // namespace

std::string check_type(const Type& type, TypeUse use, Stage stage) {
  const bool by_ref = (type.flags & (Type::kByRef | Type::kByUserRef)) != 0;
  if (type.kind > TypeKind::kUnknown || type.ckind > CKind::kUnknown) return "unrecognized type kind";
  if ((type.flags & ~(Type::kByRef | Type::kByUserRef | Type::kSigned)) != 0) return "unrecognized type flags";
  if (type.name.size() > limits::kName) return "type name is too long";
  if (type.kind == TypeKind::kUnknown || (type.ckind == CKind::kUnknown && type.kind != TypeKind::kString)) {
    return stage == Stage::kLinked ? "unresolved type" : "";
  }
  if (type.kind == TypeKind::kString) {
    if (!by_ref) return "string type that is not by reference";
    return type.size > limits::kStringBytes ? "oversized string" : "";
  }
  if (by_ref) {
    if (type.size == 0 && use == TypeUse::kVariable) return "zero-sized variable";
    return type.size > limits::kByRefBytes ? "oversized by-ref static" : "";
  }
  if (type.is_void() || type.size == 0) {
    if (use == TypeUse::kVariable) return "zero-sized variable";
    return type.size == 0 ? "" : "bad return size";
  }
  const bool sized = type.size == 1 || type.size == 2 || type.size == 4 || type.size == 8;
  if (sized) return {};
  return use == TypeUse::kVariable ? "bad variable size" : "bad return size";
}

Result<void> verify_code(const Difo& difo, const Program& program, const VariableIndex& variables, Stage stage) {
  return DifoVerifier(difo, program, variables, stage).verify();
}

Result<void> verify(const Difo& difo, const Program& program, Stage stage) {
  return verify_code(difo, program, VariableIndex(program), program.linked ? Stage::kLinked : stage);
}

}  // namespace ht::dif
