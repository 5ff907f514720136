// DIF as text, in the listing format of `dtrace -S`.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "dif/assembler.h"
#include "dif/operands.h"
#include "dif/options.h"

namespace ht::dif {
namespace {

constexpr std::string_view kTypeNames[] = {"D type", "string"};

constexpr std::string_view kCKindNames[] = {"integer", "integer", "enum",  "pointer",  "array",
                                            "struct",  "union",   "float", "function", "unknown"};

// Text from a string table, safe for a terminal.
std::string quoted(const Difo& difo, unsigned offset) {
  if (offset >= difo.strings.size()) return "(out of range)";
  std::string result = "\"";
  for (size_t i = offset; i < difo.strings.size() && difo.strings[i] != '\0'; ++i) {
    const char c = difo.strings[i];
    switch (c) {
      case '\n':
        result += "\\n";
        break;
      case '\t':
        result += "\\t";
        break;
      case '"':
        result += "\\\"";
        break;
      case '\\':
        result += "\\\\";
        break;
      default:
        if (c >= ' ' && c <= '~') {
          result += c;
        } else {
          result += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
        }
    }
  }
  return result + '"';
}

Scope scope_of(Op op) {
  if (const VariableUse* use = find_variable_use(op)) return use->scope;
  return op == Op::kLdta ? Scope::kThread : Scope::kGlobal;
}

std::string variable_name(Scope scope, uint16_t id, const Program* program) {
  if (id < kFirstUserVariable) {
    const VariableInfo* builtin = find_variable(id);
    return builtin != nullptr && scope == Scope::kGlobal ? std::string(builtin->name) : std::string();
  }
  const VariableDef* variable = program != nullptr ? program->variable(scope, id) : nullptr;
  return variable != nullptr ? variable->name : std::string();
}

std::string variable_note(Scope scope, unsigned id, const Program* program) {
  const std::string name = variable_name(scope, static_cast<uint16_t>(id), program);
  return name.empty() ? std::string() : fmt::format("\t\t! DT_VAR({}) = \"{}\"", id, name);
}

std::string type_note(unsigned type) {
  return fmt::format("! DT_TYPE({}) = {}", type, type < std::size(kTypeNames) ? kTypeNames[type] : "?");
}

std::string operands(Instr i, const Difo& difo, const Program* program) {
  const unsigned r1 = r1_of(i), r2 = r2_of(i), rd = rd_of(i), index = index_of(i);
  const Scope scope = scope_of(op_of(i));
  switch (info_of(i).format) {
    case Format::kR1R2Rd:
      return fmt::format("%r{}, %r{}, %r{}", r1, r2, rd);
    case Format::kR1Rd:
      return fmt::format("%r{}, %r{}", r1, rd);
    case Format::kR1R2:
      return fmt::format("%r{}, %r{}", r1, r2);
    case Format::kR1:
      return fmt::format("%r{}", r1);
    case Format::kLabel:
      return fmt::format("{}", label_of(i));
    case Format::kLoad:
      return fmt::format("[%r{}], %r{}", r1, rd);
    case Format::kStore:
      return fmt::format("%r{}, [%r{}]", r1, rd);
    case Format::kRd:
      return fmt::format("%r{}", rd);
    case Format::kNone:
      return {};
    case Format::kInt: {
      const std::string value = index < difo.ints.size() ? fmt::format("{:#x}", difo.ints[index]) : "(out of range)";
      return fmt::format("DT_INTEGER[{}], %r{}\t\t! {}", index, rd, value);
    }
    case Format::kString:
    case Format::kSymbol:
      return fmt::format("DT_STRING[{}], %r{}\t\t! {}", index, rd, quoted(difo, index));
    case Format::kVarR2Rd:
      return fmt::format("DT_VAR({}), %r{}, %r{}", r1, r2, rd) + variable_note(scope, r1, program);
    case Format::kVarRd:
      return fmt::format("DT_VAR({}), %r{}", index, rd) + variable_note(scope, index, program);
    case Format::kRsVar:
      return fmt::format("%r{}, DT_VAR({})", rd, index) + variable_note(scope, index, program);
    case Format::kCall: {
      const SubrInfo* subr = find_subroutine(static_cast<uint16_t>(index));
      return fmt::format("DIF_SUBR({}), %r{}\t\t! {}", index, rd, subr != nullptr ? subr->name : "?");
    }
    case Format::kPushRef:
      return fmt::format("DT_TYPE({}), %r{}, %r{}\t{}", type_of(i), r2, rd, type_note(type_of(i)));
    case Format::kPushVal:
      if (r2 != 0) return fmt::format("DT_TYPE({}), %r{}, %r{}\t{}", type_of(i), r2, rd, type_note(type_of(i)));
      return fmt::format("DT_TYPE({}), %r{}\t\t{}", type_of(i), rd, type_note(type_of(i)));
    case Format::kXlate:
      return fmt::format("DT_XLREF[{}], %r{}", index, rd);
  }
  return {};
}

// "D type (pointer) (size 8)", "string (unknown) by ref (size 256)".
std::string type_text(const Type& type, const Program* program) {
  const std::string_view kind = type.kind == TypeKind::kString    ? "string"
                                : type.kind == TypeKind::kUnknown ? "symbolic type"
                                                                  : "D type";
  const bool string = type.kind == TypeKind::kString;
  const size_t last = std::size(kCKindNames) - 1;
  const size_t ckind = string ? last : std::min<size_t>(static_cast<size_t>(type.ckind), last);
  const OptionMap options = program != nullptr ? program->options : OptionMap();
  std::string_view reference;
  if ((type.flags & Type::kByUserRef) != 0) {
    reference = " by user ref";
  } else if (type.by_ref()) {
    reference = " by ref";
  }
  return fmt::format("{} ({}){} (size {})", kind, kCKindNames[ckind], reference,
                     string && type.size == 0 ? option_number(options, "strsize") : type.size);
}

// What the listing says about a builtin: enough of its C spelling for that.
Type builtin_type(std::string_view spelling) {
  if (spelling == "string") return Type::string();
  if (spelling.empty()) return Type::unknown();
  if (spelling.ends_with('*')) return {TypeKind::kD, CKind::kPointer, 0, 8, std::string(spelling)};
  const bool wide = spelling.find("64") != std::string_view::npos || spelling == "uintptr_t";
  return Type::integer(wide ? 8 : 4, false, std::string(spelling));
}

// A row of the variable table: what this DIFO reads and writes.
struct Used {
  Scope scope;
  uint16_t id;
  bool array;
  bool read = false;
  bool written = false;
};

std::vector<Used> used_variables(const Difo& difo) {
  std::vector<Used> used;
  for (Instr i : difo.text) {
    const TypeRule rule = info_of(i).rule;
    const bool element = rule == TypeRule::kBuiltinArray;
    if (!element && rule != TypeRule::kVarLoad && rule != TypeRule::kVarStore) continue;
    const Op op = op_of(i);
    const bool array = element || find_variable_use(op)->kind == VarKind::kArray;
    const auto id = static_cast<uint16_t>(element ? r1_of(i) : index_of(i));
    auto row = std::find_if(used.begin(), used.end(),
                            [&](const Used& known) { return known.scope == scope_of(op) && known.id == id; });
    if (row == used.end()) row = used.insert(row, Used{scope_of(op), id, array});
    (rule == TypeRule::kVarStore ? row->written : row->read) = true;
  }
  return used;
}

std::string variable_row(const Used& row, const Program* program) {
  static constexpr std::string_view kScopes[] = {"glb", "tls", "loc"};
  const VariableDef* definition = program != nullptr ? program->variable(row.scope, row.id) : nullptr;
  const VariableInfo* builtin = find_variable(row.id);
  std::string type;
  if (definition != nullptr) {
    type = type_text(definition->type, program);
  } else if (builtin != nullptr) {
    type = type_text(builtin_type(builtin->type), program);
  }
  return fmt::format("{:<16} {:<4} {:<3} {:<3} {:<4} {}\n", variable_name(row.scope, row.id, program), row.id,
                     row.array ? "arr" : "scl", kScopes[static_cast<size_t>(row.scope)],
                     row.read && row.written ? "r/w" : (row.read ? "r" : "w"), type);
}

}  // namespace

std::string disassemble_instruction(Instr instruction, const Difo& difo, const Program* program) {
  const OpInfo& info = info_of(instruction);
  if (info.mnemonic.empty()) return "(illegal opcode)";
  if (info.format == Format::kNone) return std::string(info.mnemonic);
  return fmt::format("{:<4} {}", info.mnemonic, operands(instruction, difo, program));
}

std::string disassemble(const Difo& difo, const Program* program) {
  std::string text =
      fmt::format("\nDIFO {} returns {}\n", fmt::ptr(static_cast<const void*>(&difo)), type_text(difo.rtype, program));
  text += fmt::format("{:<3} {:<8}    {}\n", "OFF", "OPCODE", "INSTRUCTION");
  for (size_t pc = 0; pc < difo.text.size(); ++pc) {
    text +=
        fmt::format("{:02}: {:08x}    {}\n", pc, difo.text[pc], disassemble_instruction(difo.text[pc], difo, program));
  }
  const std::vector<Used> used = used_variables(difo);
  if (!used.empty()) {
    text += fmt::format("\n{:<16} {:<4} {:<3} {:<3} {:<4} {}\n", "NAME", "ID", "KND", "SCP", "FLAG", "TYPE");
    for (const Used& row : used) text += variable_row(row, program);
  }
  return text + "\n";
}

std::string disassemble(const Program& program) {
  std::string text;
  for (const Clause& clause : program.clauses) {
    if (clause.predicate) text += disassemble(*clause.predicate, &program);
    for (const Action& action : clause.actions) {
      for (const Difo& difo : action.args) {
        if (!difo.text.empty()) text += disassemble(difo, &program);  // a stack is not computed
      }
    }
  }
  return text;
}

}  // namespace ht::dif
