#include "object/elf.h"

#include <elf.h>
#include <gelf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libelf.h>

#include <cstring>
#include <memory>

#include "object/container.h"

namespace ht::object {
namespace {

using dif::Action;
using dif::ActionKind;
using dif::Clause;
using dif::Difo;
using dif::Program;
using dif::Scope;
using dif::Type;
using ::testing::HasSubstr;

Difo difo(unsigned seed) {
  Difo result;
  result.text = {dif::make_index(dif::Op::kSetx, 0, 1), dif::make(dif::Op::kRet, 0, 0, seed % 8)};
  result.ints = {seed, ~uint64_t{0}};
  result.strings = std::string("\0cred\0uid\0", 10);
  result.rtype = Type::integer(4, true, "uid_t");
  result.lines = {{.index = 0, .line = seed, .column = 2, .file = 1},
                  {.index = 1, .line = seed, .column = 9, .file = 1}};
  result.destructive = seed % 2 == 1;
  return result;
}

// Every field of the model holds something.
Program full_program() {
  Program program;
  program.sources = {{"a.d", true, "0123"}, {"BEGIN { exit(0); }", false, "4567"}};
  program.files = {"", "a.d"};
  program.options = {{"strsize", "512"}, {"quiet", ""}};
  program.destructive = true;
  program.linked = true;
  program.kernel = "6.1.0-37-cloud-amd64";
  program.types_hash = "beef";
  dif::VariableDef variable;
  variable.name = "x";
  variable.id = 0x501;
  variable.scope = Scope::kThread;
  variable.kind = dif::VarKind::kArray;
  variable.type = Type::string();
  variable.keys = {Type::unknown("struct cred *"), Type::string()};
  variable.pos = {.file = "a.d", .line = 3, .column = 4};
  program.variables = {variable};
  dif::AggregationDef aggregation;
  aggregation.name = "_";
  aggregation.id = 1;
  aggregation.function = ActionKind::kLquantize;
  aggregation.param = 0x0001000200000003;
  aggregation.keys = {Type::string()};
  program.aggregations = {aggregation};
  dif::PrintType integer, record;
  integer.ckind = dif::CKind::kInteger;
  integer.is_signed = integer.is_char = true;
  integer.size = 1;
  integer.name = "char";
  integer.enumerators = {{"A", -1}, {"B", int64_t{1} << 40}};
  record.ckind = dif::CKind::kArray;
  record.is_text = record.to_function = true;
  record.size = 12;
  record.name = "struct s";
  record.element = 1;
  record.count = 5;
  record.members = {{"m", 1, 3, 2, 4}, {"", 1, 8, 0, 0}};
  program.print_types = {integer, record};
  Clause clause;
  clause.probes = {{"vm*", "syscall", "", "read", "entry", 0, {"a.d", 1, 1}}, {"", "", "", "", "", 7, {}}};
  clause.predicate = difo(5);
  clause.pos = {.file = "a.d", .line = 1, .column = 1};
  clause.source = 1;
  Action action;
  action.kind = ActionKind::kLquantize;
  action.args = {difo(6), difo(7)};
  action.keys = 1;
  action.arg_kinds = {ActionKind::kDifexpr, ActionKind::kStack};
  action.arg_params = {0, 20};
  action.aggs = {1};
  action.format = std::string("%d\0 tail", 8);
  action.has_format = true;
  action.record = true;
  action.libact = dif::Libact::kSetopt;
  action.param = 99;
  action.target = 2;
  action.pos = {.file = "a.d", .line = 2, .column = 5};
  clause.actions = {action, Action{}};
  program.clauses = {clause, Clause{}};
  return program;
}

std::string refused(ByteView object) {
  const Result<Program> result = read(object);
  return result.ok() ? "accepted" : result.error().text();
}

TEST(Elf, RoundTripKeepsEverything) {
  const Program program = full_program();
  const Bytes object = write(program);
  const Result<Program> back = read(object);
  ASSERT_TRUE(back.ok()) << back.error().text();
  EXPECT_EQ(*back, program);
  EXPECT_EQ(write(*back), object);
  // operator== leaves positions out.
  const Clause& clause = (*back).clauses[0];
  EXPECT_EQ(clause.pos.line, 1u);
  EXPECT_EQ(clause.pos.file, "a.d");
  EXPECT_EQ(clause.probes[0].pos.line, 1u);
  EXPECT_EQ(clause.actions[0].pos.column, 5u);
  EXPECT_EQ((*back).variables[0].pos.line, 3u);
}

TEST(Elf, EmptyProgram) {
  const Result<Program> back = read(write(Program{}));
  ASSERT_TRUE(back.ok()) << back.error().text();
  EXPECT_EQ(*back, Program{});
}

TEST(Elf, Deterministic) {
  EXPECT_EQ(write(full_program()), write(full_program()));
}

TEST(Elf, AnOrdinaryElfLibraryReadsItsSections) {
  Bytes object = write(full_program());
  ASSERT_NE(elf_version(EV_CURRENT), static_cast<unsigned>(EV_NONE));
  const std::unique_ptr<Elf, int (*)(Elf*)> elf(elf_memory(reinterpret_cast<char*>(object.data()), object.size()),
                                                elf_end);
  ASSERT_NE(elf, nullptr);
  size_t names = 0;
  ASSERT_EQ(elf_getshdrstrndx(elf.get(), &names), 0);
  size_t found = 0;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf.get(), section)) != nullptr;) {
    GElf_Shdr header;
    ASSERT_NE(gelf_getshdr(section, &header), nullptr);
    const char* name = elf_strptr(elf.get(), names, header.sh_name);
    ASSERT_NE(name, nullptr);
    if (found < kSectionCount) {
      EXPECT_EQ(name, kSections[found].name);
      EXPECT_EQ(header.sh_size % kSections[found].record, 0u) << name;
      EXPECT_EQ(header.sh_entsize, header.sh_type == SHT_STRTAB ? 0 : kSections[found].record) << name;
    }
    ++found;
  }
  EXPECT_EQ(found, kSectionCount + 1);
}

TEST(Elf, EveryTruncationIsRefused) {
  const Bytes object = write(full_program());
  for (size_t size = 0; size < object.size(); ++size) {
    // A heap copy of exactly that size, so that the sanitizer sees every read beyond it.
    const Bytes cut(object.begin(), object.begin() + static_cast<ptrdiff_t>(size));
    ASSERT_THAT(refused(cut), HasSubstr("ELF object")) << size;
  }
}

TEST(Elf, EveryAcceptedMutationIsCanonical) {
  const Bytes object = write(full_program());
  size_t accepted = 0;
  for (size_t at = 0; at < object.size(); ++at) {
    for (const uint8_t flip : {0x01, 0x80, 0xff}) {
      Bytes mutated = object;
      mutated[at] ^= flip;
      const Result<Program> back = read(mutated);
      if (!back.ok()) continue;
      ++accepted;
      ASSERT_EQ(write(*back), mutated) << at;
    }
  }
  EXPECT_GT(accepted, 0u) << "a changed instruction is for the verifier to judge";
}

TEST(Elf, UnknownVersionsAreNamed) {
  Bytes object = write(full_program());
  object[sizeof(Elf64_Ehdr)] = 42;
  EXPECT_EQ(refused(object), "ELF object: version 42 is unknown (this HyperTrace reads version 3)");
}

TEST(Elf, OtherFilesAreRefusedByWhatTheyAre) {
  EXPECT_EQ(refused(as_bytes("")), "ELF object: too short for an ELF header");
  EXPECT_EQ(refused(as_bytes(std::string(200, 'x'))), "ELF object: not an ELF file");
  Bytes object = write(Program{});
  object[EI_CLASS] = ELFCLASS32;
  EXPECT_EQ(refused(object), "ELF object: not 64-bit little-endian ELF");
  object = write(Program{});
  object[offsetof(Elf64_Ehdr, e_machine)] = EM_X86_64;
  EXPECT_EQ(refused(object), "ELF object: not a HyperTrace program");
}

// Overwrites bytes of one section, found through its header.
void patch(Bytes& object, Section section, size_t at, uint32_t value) {
  Elf64_Ehdr header;
  std::memcpy(&header, object.data(), sizeof header);
  Elf64_Shdr place;
  std::memcpy(&place, object.data() + header.e_shoff + sizeof place * (static_cast<size_t>(section) + 1), sizeof place);
  ASSERT_LE(at + sizeof value, place.sh_size);
  std::memcpy(object.data() + place.sh_offset + at, &value, sizeof value);
}

TEST(Elf, ErrorsNameTheSection) {
  const auto with = [](Section section, size_t at, uint32_t value) {
    Bytes object = write(full_program());
    patch(object, section, at, value);
    return refused(object);
  };
  EXPECT_EQ(with(Section::kClauses, 0, 1000),
            "ELF object: section .hypertrace.clauses: a list is longer than section .hypertrace.probes");
  EXPECT_EQ(with(Section::kDifos, 0, 0xffffffff),
            "ELF object: section .hypertrace.difos: a list is longer than section .hypertrace.text");
  EXPECT_EQ(with(Section::kProbes, 4, 0xffffffff),
            "ELF object: section .hypertrace.probes: a text lies outside .hypertrace.strings");
  EXPECT_THAT(with(Section::kVariables, 8, 0x07000501), HasSubstr("section .hypertrace.variables: unknown kind 7"));
  EXPECT_THAT(with(Section::kClauses, 0, 1), HasSubstr("section .hypertrace.probes: holds more than is referred to"));
}

TEST(Elf, OneTextNamedManyTimesDoesNotExhaustMemory) {
  Program program;
  program.files = {std::string(size_t{1} << 20, 'x')};
  program.files.resize(200, program.files[0]);
  EXPECT_EQ(refused(write(program)), "ELF object: section .hypertrace.files: too much text");
}

}  // namespace
}  // namespace ht::object
