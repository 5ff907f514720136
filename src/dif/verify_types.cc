// The verifier's look at the types that print() shows, so that whoever walks them needs no further check, and at the
// names of kernel symbols.
#include <algorithm>

#include "dif/verify_shared.h"

namespace ht::dif {
namespace {

std::string check_member(const std::vector<PrintType>& types, size_t number, const PrintMember& member) {
  if (member.type == 0 || member.type > number) return "refers to a later type";
  const PrintType& type = types[member.type - 1];
  const uint64_t size = member.bits == 0 ? type.size : uint64_t{(member.bit_offset + member.bits + 7U) / 8};
  if (member.offset > types[number].size || size > types[number].size - member.offset) return "lies outside its type";
  if (member.bits != 0 && member.bit_offset + member.bits > 64) return "is too wide";
  return {};
}

std::string check(const std::vector<PrintType>& types, size_t number) {
  const PrintType& type = types[number];
  if (type.name.size() > limits::kName) return "name is too long";
  if (type.ckind == CKind::kArray && !type.is_text) {
    if (type.element == 0 || type.element > number) return "refers to a later type";
    if (uint64_t{types[type.element - 1].size} * type.count > type.size) return "elements lie outside the array";
  }
  for (const PrintMember& member : type.members) {
    if (member.name.size() > limits::kName) return "a member's name is too long";
    if (std::string what = check_member(types, number, member); !what.empty()) return "a member " + what;
  }
  const bool scalar = type.ckind == CKind::kInteger || type.ckind == CKind::kEnum || type.ckind == CKind::kPointer;
  if (scalar && (type.size == 0 || type.size > 8)) return "invalid size";
  const bool long_name = std::any_of(type.enumerators.begin(), type.enumerators.end(),
                                     [](const auto& value) { return value.name.size() > limits::kName; });
  return long_name ? "an enumerator's name is too long" : "";
}

}  // namespace

std::string check_print_types(const std::vector<PrintType>& types) {
  if (types.size() > kMostPrintTypes) return "too many types";
  for (size_t i = 0; i < types.size(); ++i) {
    if (std::string what = check(types, i); !what.empty()) return "type " + types[i].name + ": " + what;
  }
  return {};
}

// They are asked of guests as they are.
std::string check_symbols(const std::vector<KernelSymbol>& symbols) {
  if (symbols.size() > kMostSymbols) return "too many kernel symbols";
  const auto good = [](const std::string& text) {
    return text.size() <= limits::kSymbolName &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  };
  const bool all_good = std::all_of(symbols.begin(), symbols.end(), [&](const KernelSymbol& symbol) {
    return !symbol.name.empty() && good(symbol.name) && good(symbol.module);
  });
  return all_good ? "" : "invalid name of a kernel symbol";
}

}  // namespace ht::dif
