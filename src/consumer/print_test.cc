// print() of what a pointer leads to, judged by the reference, section 7.8. The other form needs no address, and has
// its tests with the language's.
#include "consumer/print.h"

#include <gtest/gtest.h>

#include <cstring>

namespace ht::consumer {
namespace {

using dif::CKind;
using dif::PrintMember;
using dif::PrintType;

PrintType scalar(CKind kind, const char* name, uint32_t size, bool is_signed = false) {
  PrintType type;
  type.ckind = kind;
  type.name = name;
  type.size = size;
  type.is_signed = is_signed;
  type.is_char = type.name == "char";
  return type;
}

PrintType composite(const char* name, uint32_t size, std::vector<PrintMember> members) {
  PrintType type = scalar(CKind::kStruct, name, size);
  type.members = std::move(members);
  return type;
}

PrintType array(const char* name, uint32_t element, uint32_t count, uint32_t size) {
  PrintType type = scalar(CKind::kArray, name, size);
  type.element = element;
  type.count = count;
  return type;
}

enum : uint32_t { kInt = 1, kChar, kPointer, kEnum, kInner, kInts, kText, kOuter, kEmpty, kUnsigned, kLong };

std::vector<PrintType> types() {
  PrintType colour = scalar(CKind::kEnum, "enum colour", 4, true);
  colour.enumerators = {{"RED", 1}, {"GREEN", -2}};
  return {scalar(CKind::kInteger, "int", 4, true),
          scalar(CKind::kInteger, "char", 1, true),
          scalar(CKind::kPointer, "void *", 8),
          colour,
          composite("struct inner", 8, {{"x", kInt, 0, 0, 0}, {"", kInt, 4, 0, 0}}),
          array("int [3]", kInt, 3, 12),
          array("char [8]", kChar, 8, 8),
          composite("struct outer", 56,
                    {{"n", kInt, 0, 0, 0},
                     {"e", kEnum, 4, 0, 0},
                     {"p", kPointer, 8, 0, 0},
                     {"i", kInner, 16, 0, 0},
                     {"a", kInts, 24, 0, 0},
                     {"lo", kInt, 36, 0, 3},
                     {"hi", kInt, 36, 3, 5},
                     {"t", kText, 40, 0, 0},
                     {"c", kChar, 48, 0, 0}}),
          array("int [0]", kInt, 0, 0),
          scalar(CKind::kInteger, "unsigned int", 4),
          scalar(CKind::kInteger, "long", 8, true)};
}

std::string shown(uint32_t number, const Bytes& bytes, uint64_t address = 0x1234) {
  dif::Program program;
  program.print_types = types();
  dif::Action action;
  action.kind = dif::ActionKind::kPrint;
  action.param = number;
  dif::Field pointer{.size = 8, .type = {dif::TypeKind::kD, CKind::kPointer, 0, 8, "struct outer *"}};
  dif::Field object{.size = static_cast<uint32_t>(bytes.size()),
                    .type = {dif::TypeKind::kD, CKind::kStruct, dif::Type::kByRef, static_cast<uint32_t>(bytes.size()),
                             "struct outer"}};
  Bytes first(8);
  std::memcpy(first.data(), &address, sizeof address);
  return print_tree(program, action, {{&pointer, first}, {&object, bytes}});
}

Bytes filled(size_t size, std::initializer_list<std::pair<size_t, uint32_t>> words) {
  Bytes bytes(size);
  for (const auto& [offset, word] : words) std::memcpy(bytes.data() + offset, &word, sizeof word);
  return bytes;
}

// Every line is indented so much more than its depth.
std::string lines(std::initializer_list<std::pair<unsigned, const char*>> texts) {
  std::string result = "0x1234 = *\n";
  for (const auto& [depth, text] : texts) result += std::string(44 + depth, ' ') + text + "\n";
  return result;
}

TEST(Print, Scalars) {
  EXPECT_EQ(shown(kInt, filled(4, {{0, 0xfffffffe}})), lines({{0, "(int)-2,"}}));
  EXPECT_EQ(shown(kUnsigned, filled(4, {{0, 0xfffffffe}})), lines({{0, "(unsigned int)4294967294,"}}));
  EXPECT_EQ(shown(kInt, filled(4, {})), lines({{0, "(int)0,"}}));
  EXPECT_EQ(shown(kChar, Bytes{'x'}), lines({{0, "(char)'x',"}}));
  EXPECT_EQ(shown(kPointer, filled(8, {{0, 0xbeef}})), lines({{0, "(void *)0xbeef,"}}));
  EXPECT_EQ(shown(kEnum, filled(4, {{0, 0xfffffffe}})), lines({{0, "(enum colour)GREEN,"}}));
  EXPECT_EQ(shown(kEnum, filled(4, {{0, 9}})), lines({{0, "(enum colour)9,"}}));
}

TEST(Print, StructShowsWhatIsNotZero) {
  Bytes bytes = filled(56, {{0, 5}, {4, 1}, {8, 0x10}, {16, 7}, {20, 8}, {28, 2}, {36, 1 | 17 << 3}, {40, 0x6968}});
  bytes[48] = 'c';
  EXPECT_EQ(shown(kOuter, bytes), lines({{0, "(struct outer) {"},
                                         {1, ".n = (int)5,"},
                                         {1, ".e = (enum colour)RED,"},
                                         {1, ".p = (void *)0x10,"},
                                         {1, ".i = (struct inner) {"},
                                         {2, ".x = (int)7,"},
                                         {2, "(int)8,"},
                                         {1, "},"},
                                         {1, ".a = (int [3]) ["},
                                         {2, "(int)2,"},
                                         {1, "],"},
                                         {1, ".lo = (int)1,"},
                                         {1, ".hi = (int)-15,"},
                                         {1, ".t = (char [8]) ["},
                                         {2, "(char)'h',"},
                                         {2, "(char)'i',"},
                                         {1, "],"},
                                         {1, ".c = (char)'c',"},
                                         {0, "}"}}));
}

TEST(Print, AllZero) {
  EXPECT_EQ(shown(kOuter, Bytes(56)), lines({{0, "(struct outer) {"}, {0, "}"}}));
  EXPECT_EQ(shown(kEmpty, Bytes()), lines({{0, "(int [0]) [],"}}));
}

// printsize cut the object.
TEST(Print, DataEnds) {
  EXPECT_EQ(shown(kOuter, filled(18, {{0, 5}, {4, 1}})),
            lines({{0, "(struct outer) {"}, {1, ".n = (int)5,"}, {1, ".e = (enum colour)RED,"}, {1, "..."}, {0, "}"}}));
  EXPECT_EQ(shown(kInts, filled(8, {{0, 5}, {4, 6}})),
            lines({{0, "(int [3]) ["}, {1, "(int)5,"}, {1, "(int)6,"}, {1, "..."}, {0, "],"}}));
}

TEST(Print, TenLevels) {
  dif::Program program;
  program.print_types = {scalar(CKind::kInteger, "int", 4, true)};
  for (uint32_t i = 1; i <= 12; i++) program.print_types.push_back(composite("struct s", 4, {{"m", i, 0, 0, 0}}));
  dif::Action action;
  action.param = 13;
  dif::Field field{.size = 8};
  const Bytes address(8), object = filled(4, {{0, 1}});
  const std::string text = print_tree(program, action, {{&field, address}, {&field, object}});
  EXPECT_NE(text.find(std::string(54, ' ') + "...\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("(int)"), std::string::npos) << text;
}

}  // namespace
}  // namespace ht::consumer
