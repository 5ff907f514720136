#include "link/print_types.h"

#include <algorithm>

#include "dif/options.h"

namespace ht::link {
namespace {

using dif::CKind;
using types::Kind;
using types::TypeId;
using typing::Value;
using typing::ValueKind;

constexpr unsigned kDeepest = 64;

CKind c_kind(Kind kind) {
  switch (kind) {
    case Kind::kInt:
      return CKind::kInteger;
    case Kind::kEnum:
    case Kind::kEnum64:
      return CKind::kEnum;
    case Kind::kPtr:
      return CKind::kPointer;
    case Kind::kArray:
      return CKind::kArray;
    case Kind::kStruct:
      return CKind::kStruct;
    case Kind::kUnion:
      return CKind::kUnion;
    case Kind::kFloat:
      return CKind::kFloat;
    case Kind::kFunc:
    case Kind::kFuncProto:
      return CKind::kFunction;
    case Kind::kVoid:
      return CKind::kVoid;
    default:
      return CKind::kUnknown;
  }
}

// Its storage unit: the smallest aligned one that holds all its bits, else the eight bytes from its first.
void place_bits(dif::PrintMember& member, uint64_t start, uint32_t bits) {
  member.bits = static_cast<uint8_t>(bits);
  for (unsigned unit = 1; unit <= 8; unit *= 2) {
    member.bit_offset = static_cast<uint8_t>(start % (unit * 8U));
    member.offset = static_cast<uint32_t>(start / (unit * 8U) * unit);
    if (member.bit_offset + bits <= unit * 8) return;
  }
  member.bit_offset = static_cast<uint8_t>(start % 8);
  member.offset = static_cast<uint32_t>(start / 8);
}

// The pointed-to object in place of the pointer: a symbolic load in front of the only ret, which it also falls into.
bool dereference(dif::Difo& difo) {
  const unsigned result = dif::rd_of(difo.text.back());
  const auto is_ret = [](dif::Instr instr) { return dif::op_of(instr) == dif::Op::kRet; };
  if (result == 0 || std::count_if(difo.text.begin(), difo.text.end(), is_ret) != 1) return false;
  difo.text.insert(difo.text.end() - 1, dif::make(dif::Op::kUload, result, 0, result));
  difo.rtype = dif::Type::unknown();
  return true;
}

}  // namespace

void PrintTypes::add_objects(const dif::Program& source, const typing::VariableTypes& variables) {
  const typing::Lattice lattice(&types_);
  for (size_t c = 0; c < program_.clauses.size(); ++c) {
    std::vector<dif::Action>& actions = program_.clauses[c].actions;
    for (size_t a = 0; a < actions.size(); ++a) {
      dif::Action& action = actions[a];
      if (action.kind != dif::ActionKind::kPrint || action.param != 0 || action.args.size() != 1) continue;
      if (action.args[0].text.empty()) continue;
      const auto typed =
          typing::infer(action.args[0], {&source, &types_, &variables, &program_.clauses[c].probes, &arguments_});
      if (!typed.ok()) continue;
      const Value& v = typed->result;
      if (v.kind != ValueKind::kTyped && v.kind != ValueKind::kObject) continue;
      Printed printed{v.array != 0 ? v.array : v.type, v.array != 0 || v.kind == ValueKind::kObject ? 0 : v.pointers};
      const auto target = v.array == 0 && v.kind == ValueKind::kTyped ? lattice.pointee(v) : std::nullopt;
      const bool sized = target && (target->pointers != 0 || types_.size(target->type).value_or(0) != 0);
      if (sized && !v.user && v.bits == 0) {
        dif::Difo object = action.args[0];
        if (dereference(object)) {
          printed = {target->type, target->pointers};
          action.args.push_back(std::move(object));
          action.arg_kinds.push_back(dif::ActionKind::kDifexpr);
          action.arg_params.push_back(0);
        }
      }
      printed_[{c, a}] = printed;
    }
  }
}

void PrintTypes::finish() {
  constexpr uint64_t kDefault = 8192, kMost = 65536;
  const uint64_t wanted = dif::option_number(program_.options, "printsize");
  const uint64_t most = wanted == 0 || wanted > kMost ? kDefault : wanted;
  for (const auto& [place, printed] : printed_) {
    dif::Action& action = program_.clauses[place.first].actions[place.second];
    action.param = add(printed.type, printed.pointers, 0);
    dif::Type& recorded = action.args.back().rtype;
    if (recorded.by_ref() && recorded.kind == dif::TypeKind::kD) {
      recorded.size = static_cast<uint32_t>(std::min<uint64_t>(recorded.size, most));
    }
  }
}

uint32_t PrintTypes::append(dif::PrintType entry) {
  if (program_.print_types.size() >= dif::kMostPrintTypes) return 0;
  program_.print_types.push_back(std::move(entry));
  return static_cast<uint32_t>(program_.print_types.size());
}

// 0 if it leads to more types than a program may have, or deeper than people nest them.
uint32_t PrintTypes::add(TypeId type, unsigned pointers, unsigned depth) {
  if (auto found = numbers_.find({type, pointers}); found != numbers_.end()) return found->second;
  if (depth > kDeepest) return 0;
  const TypeId id = types_.strip(type);
  const Kind kind = types_.kind(id);
  dif::PrintType entry;
  entry.name = typing::Lattice(&types_).spell(type, pointers);
  if (pointers != 0 || kind == Kind::kPtr) {
    entry.ckind = CKind::kPointer;
    entry.size = 8;
    const Kind target = types_.kind(types_.strip(pointers == 1 ? id : pointers == 0 ? types_.target(id) : 0));
    entry.to_function = target == Kind::kFuncProto;
  } else {
    entry.ckind = c_kind(kind);
    entry.size = static_cast<uint32_t>(std::min<uint64_t>(types_.size(id).value_or(0), UINT32_MAX));
    entry.is_signed = kind == Kind::kEnum || types_.is_signed(id);
    entry.is_char = kind == Kind::kInt && types_.name(id) == "char";
  }
  if (entry.ckind == CKind::kArray) {
    entry.count = types_.array_length(id);
    entry.element = add(types_.target(id), 0, depth + 1);
    if (entry.element == 0) return 0;
  }
  if (entry.ckind == CKind::kStruct || entry.ckind == CKind::kUnion) {
    for (const types::Member& member : types_.members(id)) {
      if (member.name.empty() && member.bitfield_size != 0) continue;
      dif::PrintMember added;
      added.name = member.name;
      added.type = add(member.type, 0, depth + 1);
      if (added.type == 0) return 0;
      added.offset = static_cast<uint32_t>(member.bit_offset / 8);
      if (member.bitfield_size != 0) place_bits(added, member.bit_offset, member.bitfield_size);
      entry.members.push_back(std::move(added));
    }
  }
  if (entry.ckind == CKind::kEnum) {
    for (const auto& one : types_.enumerators(id)) entry.enumerators.push_back({std::string(one.name), one.value});
  }
  const uint32_t number = append(std::move(entry));
  if (number != 0) numbers_[{type, pointers}] = number;
  return number;
}

}  // namespace ht::link
