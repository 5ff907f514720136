// What is in the sections, said once for writing and reading: each function below lists the fields of one record in
// order. An Archive is a Writer or a Reader (elf.cc); T is the model's structure, const when writing.
//
//   number<Wire>(section, field)          an integer of that width
//   enumeration<Wire>(section, field, n)  an enum whose values are below n (0: any)
//   text(section, field)                  a string, as offset and length
//   list(section, elements, vector, f)    the count in `section`, the elements, through f, in their own
//   bytes(section, elements, string)      the same for raw bytes
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "dif/program.h"
#include "object/container.h"

namespace ht::object {

template <typename A, typename T>
void position_fields(A& a, Section s, T& pos) {
  a.text(s, pos.file);
  a.template number<uint32_t>(s, pos.line);
  a.template number<uint32_t>(s, pos.column);
}

template <typename A, typename T>
void type_fields(A& a, Section s, T& type) {
  a.template enumeration<uint8_t>(s, type.kind, 3);
  a.template enumeration<uint8_t>(s, type.ckind, static_cast<unsigned>(dif::CKind::kUnknown) + 1);
  a.template number<uint16_t>(s, type.flags);
  a.template number<uint32_t>(s, type.size);
  a.text(s, type.name);
}

template <typename A, typename T>
void difo_fields(A& a, T& difo) {
  constexpr Section s = Section::kDifos;
  a.list(s, Section::kText, difo.text, [&](auto& i) { a.template number<uint32_t>(Section::kText, i); });
  a.list(s, Section::kInts, difo.ints, [&](auto& i) { a.template number<uint64_t>(Section::kInts, i); });
  a.bytes(s, Section::kDifStrings, difo.strings);
  a.list(s, Section::kLines, difo.lines, [&](auto& line) {
    a.template number<uint32_t>(Section::kLines, line.index);
    a.template number<uint32_t>(Section::kLines, line.line);
    a.template number<uint32_t>(Section::kLines, line.column);
    a.template number<uint32_t>(Section::kLines, line.file);
  });
  a.template number<uint32_t>(s, difo.destructive);
  type_fields(a, s, difo.rtype);
}

template <typename A, typename T>
void variable_fields(A& a, T& variable) {
  constexpr Section s = Section::kVariables;
  a.text(s, variable.name);
  a.template number<uint16_t>(s, variable.id);
  a.template enumeration<uint8_t>(s, variable.scope, 3);
  a.template enumeration<uint8_t>(s, variable.kind, 2);
  type_fields(a, s, variable.type);
  a.list(s, Section::kKeys, variable.keys, [&](auto& key) { type_fields(a, Section::kKeys, key); });
  position_fields(a, s, variable.pos);
}

template <typename A, typename T>
void aggregation_fields(A& a, T& aggregation) {
  constexpr Section s = Section::kAggregations;
  a.text(s, aggregation.name);
  a.template number<uint32_t>(s, aggregation.id);
  a.template enumeration<uint32_t>(s, aggregation.function, 0);
  a.template number<uint64_t>(s, aggregation.param);
  a.list(s, Section::kKeys, aggregation.keys, [&](auto& key) { type_fields(a, Section::kKeys, key); });
}

template <typename A, typename T>
void print_type_fields(A& a, T& type) {
  constexpr Section s = Section::kPrintTypes, m = Section::kMembers, e = Section::kEnumerators;
  a.template enumeration<uint8_t>(s, type.ckind, static_cast<unsigned>(dif::CKind::kUnknown) + 1);
  a.template number<uint8_t>(s, type.is_signed);
  a.template number<uint8_t>(s, type.is_char);
  a.template number<uint8_t>(s, type.is_text);
  a.template number<uint32_t>(s, type.to_function);
  a.template number<uint32_t>(s, type.size);
  a.text(s, type.name);
  a.template number<uint32_t>(s, type.element);
  a.template number<uint32_t>(s, type.count);
  a.list(s, m, type.members, [&](auto& member) {
    a.text(m, member.name);
    a.template number<uint32_t>(m, member.type);
    a.template number<uint32_t>(m, member.offset);
    a.template number<uint8_t>(m, member.bit_offset);
    a.template number<uint8_t>(m, member.bits);
  });
  a.list(s, e, type.enumerators, [&](auto& enumerator) {
    a.text(e, enumerator.name);
    a.template number<int64_t>(e, enumerator.value);
  });
}

template <typename A, typename T>
void probe_fields(A& a, T& probe) {
  constexpr Section s = Section::kProbes;
  a.text(s, probe.target);
  a.text(s, probe.provider);
  a.text(s, probe.module);
  a.text(s, probe.function);
  a.text(s, probe.name);
  a.template number<uint32_t>(s, probe.id);
  position_fields(a, s, probe.pos);
}

template <typename A, typename T>
void action_fields(A& a, T& action) {
  constexpr Section s = Section::kActions;
  a.template enumeration<uint16_t>(s, action.kind, 0);
  a.template number<uint8_t>(s, action.has_format);
  a.template number<uint8_t>(s, action.record);
  a.template number<uint32_t>(s, action.keys);
  a.template enumeration<uint32_t>(s, action.libact, static_cast<unsigned>(dif::Libact::kFtruncate) + 1);
  a.template number<uint32_t>(s, action.target);
  a.template number<uint64_t>(s, action.param);
  a.text(s, action.format);
  a.list(s, Section::kDifos, action.args, [&](auto& difo) { difo_fields(a, difo); });
  constexpr Section lists = Section::kLists;
  a.list(s, lists, action.arg_kinds, [&](auto& kind) { a.template enumeration<uint64_t>(lists, kind, 0); });
  a.list(s, lists, action.arg_params, [&](auto& param) { a.template number<uint64_t>(lists, param); });
  a.list(s, lists, action.aggs, [&](auto& id) { a.template number<uint64_t>(lists, id); });
  position_fields(a, s, action.pos);
}

template <typename A, typename T>
void clause_fields(A& a, T& clause) {
  constexpr Section s = Section::kClauses;
  a.list(s, Section::kProbes, clause.probes, [&](auto& probe) { probe_fields(a, probe); });
  bool predicate = clause.predicate.has_value();
  a.template number<uint32_t>(s, predicate);
  if constexpr (!std::is_const_v<T>) {
    if (predicate) clause.predicate.emplace();
  }
  if (predicate) difo_fields(a, *clause.predicate);
  a.list(s, Section::kActions, clause.actions, [&](auto& action) { action_fields(a, action); });
  a.template number<uint32_t>(s, clause.source);
  position_fields(a, s, clause.pos);
}

template <typename A, typename T>
void option_fields(A& a, T& option) {
  a.text(Section::kOptions, option.first);
  a.text(Section::kOptions, option.second);
}

// The lists of the program itself have no count anywhere: they are as long as their section.
template <typename A, typename T>
void program_fields(A& a, T& program) {
  constexpr Section s = Section::kHeader;
  a.version(s);
  a.template number<uint16_t>(s, program.destructive);
  a.template number<uint16_t>(s, program.linked);
  a.text(s, program.kernel);
  a.text(s, program.types_hash);
  a.all(Section::kSources, program.sources, [&](auto& source) {
    a.text(Section::kSources, source.name);
    a.text(Section::kSources, source.sha256);
    a.template number<uint32_t>(Section::kSources, source.is_file);
  });
  a.all(Section::kFiles, program.files, [&](auto& file) { a.text(Section::kFiles, file); });
  std::vector<std::pair<std::string, std::string>> options(program.options.begin(), program.options.end());
  a.all(Section::kOptions, options, [&](auto& option) { option_fields(a, option); });
  if constexpr (!std::is_const_v<T>) program.options = {options.begin(), options.end()};
  a.all(Section::kVariables, program.variables, [&](auto& variable) { variable_fields(a, variable); });
  a.all(Section::kAggregations, program.aggregations, [&](auto& agg) { aggregation_fields(a, agg); });
  a.all(Section::kPrintTypes, program.print_types, [&](auto& type) { print_type_fields(a, type); });
  a.all(Section::kSymbols, program.symbols, [&](auto& symbol) {
    a.text(Section::kSymbols, symbol.module);
    a.text(Section::kSymbols, symbol.name);
    position_fields(a, Section::kSymbols, symbol.pos);
  });
  a.all(Section::kClauses, program.clauses, [&](auto& clause) { clause_fields(a, clause); });
}

}  // namespace ht::object
