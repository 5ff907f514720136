// Look-ups in the tables of ids.h.
#include "dif/ids.h"

#include <algorithm>
#include <iterator>

namespace ht::dif {
namespace {

template <typename Table, typename Predicate>
auto find_row(const Table& table, Predicate predicate) {
  const auto row = std::find_if(std::begin(table), std::end(table), predicate);
  return row == std::end(table) ? nullptr : &*row;
}

// By fault number (reference, section 10.1).
constexpr std::string_view kFaultTexts[] = {
    "unknown fault",        "invalid address",       "invalid alignment",   "illegal operation",    "divide-by-zero",
    "out of scratch space", "invalid kernel access", "invalid user access", "tuple stack overflow", "bad stack",
    "invalid size",         "index out of bounds",
};

}  // namespace

std::string_view fault_text(Fault fault) {
  const auto number = static_cast<size_t>(fault);
  return number < std::size(kFaultTexts) ? kFaultTexts[number] : kFaultTexts[0];
}

const VariableInfo* find_variable(std::string_view name) {
  return find_row(kVariables, [&](const VariableInfo& row) { return row.name == name; });
}

const VariableInfo* find_variable(uint16_t id) {
  return find_row(kVariables, [&](const VariableInfo& row) { return row.id == id; });
}

const SubrInfo* find_subroutine(std::string_view name) {
  return find_row(kSubroutines, [&](const SubrInfo& row) { return row.name == name; });
}

const SubrInfo* find_subroutine(uint16_t number) {
  return find_row(kSubroutines, [&](const SubrInfo& row) { return row.number == number; });
}

}  // namespace ht::dif
