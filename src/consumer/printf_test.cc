// printf conversions, judged by the reference, section 7.3.
#include "consumer/printf.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "consumer/fake_session.h"

namespace ht::consumer {
namespace {

using dif::ActionKind;
using dif::CKind;
using dif::Type;

Type string_type() {
  return Type::string();
}
Type pointer_type() {
  return {dif::TypeKind::kD, CKind::kPointer, 0, 8, "char *"};
}
Type bytes_type(uint32_t size, std::string name) {
  return {dif::TypeKind::kD, CKind::kArray, Type::kByRef, size, std::move(name)};
}

std::string print(const std::string& format, const std::vector<Type>& types, const Packed& values) {
  dif::Program program = program_of({{printf_of(format, types)}});
  EXPECT_TRUE(dif::parse_format(format).ok()) << format;
  Options options;
  options.quiet = true;
  Scene scene(std::move(program), options);
  scene.fire(0, values);
  return scene.printed();
}

struct Case {
  const char* format;
  Type type;
  std::variant<int64_t, std::string> value;
  const char* expected;
};

TEST(Printf, Conversions) {
  const Type i1 = int_type(1), i2 = int_type(2), i4 = int_type(4), i8 = int_type(8);
  const Type u1 = int_type(1, false), u2 = int_type(2, false), u4 = int_type(4, false), u8 = int_type(8, false);
  const std::vector<Case> cases = {
      {"%d", i4, -5, "-5"},
      {"%d", u4, -5, "4294967291"},
      {"%i", u4, -5, "4294967291"},
      {"%d", i8, INT64_MIN, "-9223372036854775808"},
      {"%d", u8, -1, "18446744073709551615"},
      {"%d", i2, -2, "-2"},
      {"%d", u2, -2, "65534"},
      {"%d", i1, -3, "-3"},
      {"%u", i1, -3, "253"},
      {"%u", i4, -1, "4294967295"},
      {"%x", i1, -1, "ff"},
      {"%X", i4, 0xbeef, "BEEF"},
      {"%#x", i4, 255, "0xff"},
      {"%o", i4, 8, "10"},
      {"%#o", i4, 8, "010"},
      {"%5d|", i4, 42, "   42|"},
      {"%-5d|", i4, 42, "42   |"},
      {"%05d", i4, 42, "00042"},
      {"%+d", i4, 42, "+42"},
      {"% d", i4, 42, " 42"},
      {"%.4d", i4, 42, "0042"},
      {"%ld", i8, -1, "-1"},
      {"%lld", i8, -1, "-1"},
      {"%llx", u8, -1, "ffffffffffffffff"},
      {"%hd", i2, -1, "-1"},
      {"%p", pointer_type(), 0xdeadbeef, "deadbeef"},
      {"%?p|", pointer_type(), 0x10, "              10|"},
      {"%c", i1, 'x', "x"},
      {"%c", i4, 'x', "x"},
      {"%C", i1, '\n', "\\n"},
      {"%C", i1, 1, "\\001"},
      {"%s", string_type(), "hello", "hello"},
      {"%10s|", string_type(), "hello", "     hello|"},
      {"%-10s|", string_type(), "hello", "hello     |"},
      {"%.2s", string_type(), "hello", "he"},
      {"%.0s", string_type(), "hello", "hello"},
      {"%s", bytes_type(4, "char [4]"), "abcd", "abcd"},
      {"%S", bytes_type(4, "char [4]"), "a\t\"\x80", "a\\t\\\"\\200"},
      {"%S", bytes_type(4, "char [4]"), "ab", "ab\\0"},
      {"%lc", i4, 0x20ac, "\xe2\x82\xac"},
      {"%a", u8, 0x1234, "0x1234"},
      {"100%% %d", i4, 1, "100% 1"},
      {"%d%%\n", i4, 1, "1%\n"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(print(one.format, {one.type}, {{one.value}}), one.expected) << one.format;
  }
}

TEST(Printf, DynamicWidthAndPrecision) {
  const Type i4 = int_type();
  EXPECT_EQ(print("%*d|", {i4, i4}, {{5, 42}}), "   42|");
  EXPECT_EQ(print("%*d|", {i4, i4}, {{-5, 42}}), "42   |");
  EXPECT_EQ(print("%.*s|", {i4, string_type()}, {{3, "abcdef"}}), "abc|");
  EXPECT_EQ(print("%*.*s|", {i4, i4, string_type()}, {{6, 3, "abcdef"}}), "   abc|");
}

TEST(Printf, SeveralArgumentsOfDifferentSizes) {
  EXPECT_EQ(print("%d %s %d %x\n", {int_type(1), string_type(), int_type(8), int_type(2, false)},
                  {{-1, "two", 3000000000, 0xffff}}),
            "-1 two 3000000000 ffff\n");
}

TEST(Printf, Times) {
  setenv("TZ", "UTC", 1);
  tzset();
  const int64_t when = 1'700'000'000'000'000'000;  // 2023-11-14 22:13:20
  EXPECT_EQ(print("%Y", {int_type(8)}, {{when}}), "2023 Nov 14 22:13:20");
  EXPECT_EQ(print("%T", {int_type(8)}, {{when}}), "Tue, 14 Nov 2023 22:13:20 UTC");
}

TEST(Printf, StacksAndSymbols) {
  dif::Action action = printf_of("at %a from%-4k", {int_type(8), int_type(8)});
  action.arg_kinds = {ActionKind::kSym, ActionKind::kStack};
  action.arg_params = {0, 3};
  Options options;
  options.quiet = true;
  Scene scene(program_of({{action}}), options);
  const auto bytes = [](const auto& words) { return std::string(reinterpret_cast<const char*>(words), sizeof words); };
  const uint64_t symbol[] = {0, 0x1000}, frames[] = {0, 0xffffffff81000000, 0xffffffff81000010, 0};
  scene.fire(0, {{bytes(symbol), bytes(frames)}});
  EXPECT_EQ(scene.printed(), "at 0x1000 from\n    0xffffffff81000000\n    0xffffffff81000010\n");
}

}  // namespace
}  // namespace ht::consumer
