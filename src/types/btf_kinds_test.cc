// Every kind that BTF knows, one test each: what it answers, and what of it is refused.
#include <gmock/gmock.h>

#include "types/btf_test_support.h"

namespace ht::types {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(BtfKinds, IntsOfAllSizes) {
  BtfBuilder b;
  for (uint32_t size : {1, 2, 4, 8, 16}) b.integer("int" + std::to_string(size), size, size % 4 == 0);
  auto f = read(b);
  ASSERT_TRUE(f);
  for (uint32_t size : {1, 2, 4, 8, 16}) {
    const TypeId id = f->find(Kind::kInt, "int" + std::to_string(size)).value();
    EXPECT_EQ(f->size(id), size);
    EXPECT_EQ(f->is_signed(id), size % 4 == 0);
    EXPECT_EQ(f->target(id), 0u);
  }
  for (uint32_t size : {0, 3, 32}) {
    BtfBuilder wrong;
    wrong.integer("odd", size, true, 1);
    EXPECT_THAT(refused(wrong), HasSubstr("impossible size")) << size;
  }
  BtfBuilder wide;
  wide.integer("wide", 4, true, 33);
  EXPECT_THAT(refused(wide), HasSubstr("wider than its size"));
}

TEST(BtfKinds, PointersAndModifiersAreTransparent) {
  BtfBuilder b;
  const TypeId number = b.integer("int", 4, true);
  TypeId id = number;
  for (Kind kind : {Kind::kConst, Kind::kVolatile, Kind::kRestrict}) id = b.reference(kind, id);
  id = b.reference(Kind::kTypeTag, id, "rcu");
  id = b.alias("wrapped", id);
  const TypeId pointer = b.pointer(id);
  auto f = read(b);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->strip(id), number);
  EXPECT_EQ(f->size(id), 4u);
  EXPECT_TRUE(f->is_signed(id));
  EXPECT_EQ(f->strip(pointer), pointer);  // a pointer is not looked through
  EXPECT_EQ(f->size(pointer), 8u);
  EXPECT_EQ(f->target(pointer), id);
  EXPECT_FALSE(f->find(Kind::kTypeTag, "rcu"));  // a tag is no name
}

TEST(BtfKinds, ArraysOfArraysAndOfNothing) {
  BtfBuilder b;
  const TypeId number = b.integer("int", 4, true);
  const TypeId row = b.array(number, 3);
  const TypeId table = b.array(row, 5);
  const TypeId flexible = b.array(number, 0);
  auto f = read(b);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->size(table), 60u);
  EXPECT_EQ(f->array_length(table), 5u);
  EXPECT_EQ(f->target(table), row);
  EXPECT_EQ(f->size(flexible), 0u);
  EXPECT_EQ(f->spell(table), "int [5][3]");
}

TEST(BtfKinds, BitFieldsInBothEncodingsAgree) {
  BtfBuilder b;
  const TypeId number = b.integer("unsigned int", 4, false);
  const TypeId three = b.integer("unsigned int", 4, false, 3);
  const TypeId seven = b.integer("unsigned int", 4, false, 7);
  const TypeId modern = b.structure("modern", 8, {{"a", number, 0, 3}, {"b", number, 3, 7}, {"c", number, 32}});
  const TypeId old = b.structure("old", 8, {{"a", three, 0}, {"b", seven, 3}, {"c", number, 32}});
  auto f = read(b);
  ASSERT_TRUE(f);
  for (const char* name : {"a", "b", "c"}) {
    const auto one = f->member(modern, name), other = f->member(old, name);
    ASSERT_TRUE(one && other) << name;
    EXPECT_EQ(one->bit_offset, other->bit_offset) << name;
    EXPECT_EQ(one->bitfield_size, other->bitfield_size) << name;
  }
  EXPECT_EQ(f->member(old, "b")->bitfield_size, 7u);
  EXPECT_EQ(f->member(old, "c")->bitfield_size, 0u);  // fills its type: no bit-field
}

TEST(BtfKinds, UnionsHoldTheirMembersAtZero) {
  BtfBuilder b;
  const TypeId number = b.integer("int", 4, true);
  const TypeId long_id = b.integer("long int", 8, true);
  const TypeId both = b.composite(Kind::kUnion, "both", 8, {{"i", number, 0}, {"l", long_id, 0}});
  auto f = read(b);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->find_spelling("union both")->base, both);
  EXPECT_FALSE(f->find_spelling("struct both"));
  EXPECT_EQ(f->member(both, "l")->bit_offset, 0u);
}

TEST(BtfKinds, EnumsKeepOrderSignAndSize) {
  BtfBuilder b;
  const TypeId small = b.enumeration("small", {{"A", 3}, {"B", -1}}, true);
  const TypeId large = b.enumeration64("large", {{"C", INT64_MIN}, {"D", INT64_MAX}});
  b.enumeration("", {{"NAMELESS", 9}});
  auto f = read(b);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->size(small), 4u);
  EXPECT_EQ(f->size(large), 8u);
  EXPECT_TRUE(f->is_signed(large));
  ASSERT_EQ(f->enumerators(small).size(), 2u);
  EXPECT_EQ(f->enumerators(small)[1].name, "B");
  EXPECT_EQ(f->enumerators(small)[1].value, -1);
  EXPECT_EQ(f->enumerator("C"), INT64_MIN);
  EXPECT_EQ(f->enumerator("D"), INT64_MAX);
  EXPECT_EQ(f->enumerator("NAMELESS"), 9);
  EXPECT_EQ(f->find_spelling("enum large")->base, large);
  BtfBuilder nameless;
  nameless.enumeration("e", {{"", 1}});
  EXPECT_THAT(refused(nameless), HasSubstr("has no name"));
}

TEST(BtfKinds, ForwardDeclarationsHaveNoSizeAndGiveWayToTheStruct) {
  BtfBuilder b;
  const TypeId forward = b.reference(Kind::kFwd, 0, "later");
  b.reference(Kind::kFwd, 0, "never");
  const TypeId later = b.structure("later", 4, {});
  auto f = read(b);
  ASSERT_TRUE(f);
  EXPECT_FALSE(f->size(forward));
  EXPECT_EQ(f->find_spelling("struct later *")->base, later);
  EXPECT_EQ(f->kind(f->find_spelling("struct never *")->base), Kind::kFwd);
  EXPECT_FALSE(f->member(forward, "x"));
}

TEST(BtfKinds, FunctionsLeadToTheirPrototypes) {
  BtfBuilder b;
  const TypeId number = b.integer("int", 4, true);
  const TypeId proto = b.prototype(number, {{"fd", number}, {"", 0}});
  const TypeId function = b.reference(Kind::kFunc, proto, "do_open");
  auto f = read(b);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->find(Kind::kFunc, "do_open"), function);
  EXPECT_EQ(f->target(function), proto);
  EXPECT_EQ(f->target(proto), number);
  ASSERT_EQ(f->parameters(proto).size(), 2u);
  EXPECT_EQ(f->parameters(proto)[0].name, "fd");
  EXPECT_EQ(f->parameters(proto)[1].type, 0u);  // ...
  EXPECT_FALSE(f->size(function));
  EXPECT_FALSE(f->find_spelling("do_open"));  // no type
  BtfBuilder wrong;
  wrong.reference(Kind::kFunc, wrong.integer("int", 4, true), "odd");
  EXPECT_THAT(refused(wrong), HasSubstr("without prototype"));
}

TEST(BtfKinds, VariablesAndTheirSections) {
  BtfBuilder b;
  const TypeId number = b.integer("long unsigned int", 8, false);
  const TypeId variable = b.with_word(Kind::kVar, "this_cpu_off", number, 1);
  b.section(".data..percpu", {variable});
  auto f = read(b);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->find(Kind::kVar, "this_cpu_off"), variable);
  EXPECT_EQ(f->target(variable), number);
  EXPECT_TRUE(f->find(Kind::kDatasec, ".data..percpu"));
  EXPECT_FALSE(f->find_spelling("this_cpu_off"));
  BtfBuilder wrong;
  wrong.section(".data", {wrong.integer("int", 4, true)});
  EXPECT_THAT(refused(wrong), HasSubstr("no variable"));
  BtfBuilder of_section;
  of_section.with_word(Kind::kVar, "v", of_section.section(".bss", {}), 1);
  EXPECT_THAT(refused(of_section), HasSubstr("a variable of impossible type"));
}

TEST(BtfKinds, FloatsAndDeclarationTags) {
  BtfBuilder b;
  const TypeId real = b.floating("double", 8);
  const TypeId s = b.structure("s", 8, {{"d", real, 0}});
  const TypeId tag = b.with_word(Kind::kDeclTag, "a tag\x01 of any text", s, 0);
  auto f = read(b);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->kind(f->member(s, "d")->type), Kind::kFloat);
  EXPECT_EQ(f->size(real), 8u);
  EXPECT_EQ(f->target(tag), s);
  EXPECT_EQ(f->name(tag), "");  // free text, never shown
}

// A name is looked at once however often it is used: also one that only some kinds may have.
TEST(BtfKinds, ANameThatIsEmptyIsRefusedWhereverItIsNeeded) {
  BtfBuilder b;
  const TypeId number = b.integer("int", 4, true);
  b.structure("", 4, {{"", number, 0}});
  b.alias("", number);
  EXPECT_THAT(refused(b), HasSubstr("has no name"));
}

// Two modules over one kernel: each sees the kernel's types and its own, not the other's.
TEST(BtfKinds, ModulesAreSplitFiles) {
  BtfBuilder base;
  const TypeId number = base.integer("int", 4, true);
  auto vmlinux = read(base);
  std::vector<std::shared_ptr<const TypeFile>> modules;
  for (const char* name : {"first", "second"}) {
    BtfBuilder split(base.next(), base.string_length());
    const TypeId s = split.structure(name, 4, {{"n", number, 0}});
    split.with_word(Kind::kVar, std::string(name) + "_state", s, 1);
    auto file = TypeFile::from_btf(split.build(), vmlinux);
    ASSERT_TRUE(file.ok()) << file.error().message;
    modules.push_back(*file);
  }
  EXPECT_TRUE(modules[0]->find_spelling("struct first"));
  EXPECT_FALSE(modules[0]->find_spelling("struct second"));
  EXPECT_TRUE(modules[1]->find_spelling("struct second`second"));
  EXPECT_EQ(modules[1]->find_spelling("int")->base, number);
  EXPECT_EQ(modules[1]->spell(modules[1]->target(modules[1]->find(Kind::kVar, "second_state").value())),
            "struct second");
}

}  // namespace
}  // namespace ht::types
