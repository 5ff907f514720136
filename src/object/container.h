// The ELF around a program: a fixed list of sections in a fixed order. Knows nothing of what is in them, except for the
// version, which decides whether the rest can be understood.
#pragma once

#include <elf.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace ht::object {

// Number, name, ELF type, bytes of one record. Lists that hang on a record are counted in it and follow in their own
// section, in order: nothing refers to anything by index, so there is nothing to cross or to loop. Texts are offset and
// length in .hypertrace.strings.
// clang-format off
#define HT_OBJECT_SECTIONS(X) \
  X(kHeader,       ".hypertrace.header",       SHT_PROGBITS, 24) /* version, destructive, linked, kernel, types' hash */ \
  X(kSources,      ".hypertrace.sources",      SHT_PROGBITS, 20) \
  X(kFiles,        ".hypertrace.files",        SHT_PROGBITS,  8) \
  X(kOptions,      ".hypertrace.options",      SHT_PROGBITS, 16) \
  X(kVariables,    ".hypertrace.variables",    SHT_PROGBITS, 48) \
  X(kAggregations, ".hypertrace.aggregations", SHT_PROGBITS, 28) \
  X(kKeys,         ".hypertrace.keys",         SHT_PROGBITS, 16) /* types: of variables, then of aggregations */ \
  X(kPrintTypes,   ".hypertrace.printtypes",   SHT_PROGBITS, 36) /* what print() shows */ \
  X(kSymbols,      ".hypertrace.symbols",      SHT_PROGBITS, 32) /* kernel symbols of a linked program */ \
  X(kMembers,      ".hypertrace.members",      SHT_PROGBITS, 18) /* of print types */ \
  X(kEnumerators,  ".hypertrace.enumerators",  SHT_PROGBITS, 16) /* of print types */ \
  X(kClauses,      ".hypertrace.clauses",      SHT_PROGBITS, 32) \
  X(kProbes,       ".hypertrace.probes",       SHT_PROGBITS, 60) \
  X(kActions,      ".hypertrace.actions",      SHT_PROGBITS, 64) \
  X(kLists,        ".hypertrace.lists",        SHT_PROGBITS,  8) /* each action's argument kinds, parameters, aggregations */ \
  X(kDifos,        ".hypertrace.difos",        SHT_PROGBITS, 36) /* predicate, then arguments, clause by clause */ \
  X(kText,         ".hypertrace.text",         SHT_PROGBITS,  4) \
  X(kInts,         ".hypertrace.ints",         SHT_PROGBITS,  8) \
  X(kDifStrings,   ".hypertrace.difstrings",   SHT_PROGBITS,  1) \
  X(kLines,        ".hypertrace.lines",        SHT_PROGBITS, 16) \
  X(kStrings,      ".hypertrace.strings",      SHT_STRTAB,    1)
// clang-format on

enum class Section : uint8_t {
#define X(id, name, type, record) id,
  HT_OBJECT_SECTIONS(X)
#undef X
};

struct SectionInfo {
  std::string_view name;
  uint32_t type;
  uint32_t record;
};
inline constexpr std::array kSections = {
#define X(id, name, type, record) SectionInfo{name, type, record},
    HT_OBJECT_SECTIONS(X)
#undef X
};
inline constexpr size_t kSectionCount = kSections.size();

constexpr const SectionInfo& info(Section section) {
  return kSections[static_cast<size_t>(section)];
}

Bytes write_container(const std::array<Bytes, kSectionCount>& sections);

// Views into `object`. Each is inside it and a whole number of records long.
Result<std::array<ByteView, kSectionCount>> read_container(ByteView object);

}  // namespace ht::object
