#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <cstring>

#include "types/btf_test_support.h"
#include "types/every_query.h"

namespace ht::types {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// One of every kind.
BtfBuilder sample() {
  BtfBuilder b;
  const TypeId int_id = b.integer("int", 4, true);
  const TypeId char_id = b.integer("char", 1, true);
  const TypeId ulong_id = b.integer("long unsigned int", 8, false);
  const TypeId uint_id = b.integer("unsigned int", 4, false);
  const TypeId comm = b.array(char_id, 16);
  const TypeId pid_t_id = b.alias("pid_t", b.alias("__kernel_pid_t", int_id));
  const TypeId inner = b.composite(Kind::kUnion, "", 8, {{"low", int_id, 0}, {"whole", ulong_id, 0}});
  const TypeId outer = b.structure("", 16, {{"first", int_id, 0}, {"", inner, 64}});
  const TypeId self = b.next() + 1;  // the struct made after this pointer
  const TypeId self_ptr = b.pointer(self);
  b.structure("task", 56,
              {{"pid", pid_t_id, 0},
               {"comm", comm, 32},
               {"flag_a", uint_id, 160, 3},
               {"flag_b", int_id, 163, 5},
               {"", outer, 192},
               {"parent", self_ptr, 320}});
  b.reference(Kind::kVolatile, b.reference(Kind::kConst, int_id));
  b.pointer(b.reference(Kind::kConst, char_id));
  b.reference(Kind::kConst, b.pointer(char_id));
  const TypeId proto = b.prototype(int_id, {{"t", self_ptr}, {"", 0}});
  b.pointer(proto);
  b.reference(Kind::kFunc, proto, "do_it");
  b.section(".data", {b.with_word(Kind::kVar, "jiffies", ulong_id, 1)});
  b.enumeration("colour", {{"RED", 0}, {"GREEN", -7}}, true);
  b.enumeration64("big", {{"HUGE", int64_t{1} << 40}});
  b.floating("double", 8);
  b.reference(Kind::kFwd, 0, "opaque");
  b.with_word(Kind::kDeclTag, "tag", self, UINT32_MAX);
  b.pointer(b.reference(Kind::kTypeTag, int_id, "user"));
  b.reference(Kind::kRestrict, self_ptr);
  return b;
}

TEST(Btf, FindsTypesByNameAndBySpelling) {
  auto f = read(sample());
  ASSERT_TRUE(f);
  const TypeId task = f->find(Kind::kStruct, "task").value();
  EXPECT_EQ(f->size(task), 56u);
  EXPECT_FALSE(f->find(Kind::kUnion, "task"));
  EXPECT_FALSE(f->find(Kind::kStruct, ""));

  EXPECT_EQ(f->find_spelling("struct task *")->base, task);
  EXPECT_EQ(f->find_spelling("struct task *")->pointers, 1u);
  EXPECT_EQ(f->find_spelling("const struct task *const*")->pointers, 2u);
  EXPECT_EQ(f->find_spelling("struct vmlinux`task")->base, task);
  EXPECT_EQ(f->spell(f->find_spelling("unsigned long")->base), "long unsigned int");
  EXPECT_EQ(f->find_spelling("int long unsigned")->base, f->find_spelling("unsigned long int")->base);
  EXPECT_EQ(f->spell(f->find_spelling("pid_t")->base), "pid_t");
  EXPECT_EQ(f->find_spelling("void *")->base, 0u);
  EXPECT_EQ(f->find_spelling("signed")->base, f->find(Kind::kInt, "int"));
  EXPECT_EQ(f->find_spelling("const char *")->pointers, 1u);
  EXPECT_TRUE(f->find_spelling("double"));
  EXPECT_TRUE(f->find_spelling("enum big"));
  EXPECT_TRUE(f->find_spelling("struct opaque *"));
  for (const char* wrong : {"", "*", "struct", "task", "struct int", "int int", "long char", "struct task x", "int [3]",
                            "unsigned pid_t", "pid_t unsigned", "struct struct task", "no_such"}) {
    EXPECT_FALSE(f->find_spelling(wrong)) << wrong;
  }
}

TEST(Btf, FindsMembersInsideAnonymousOnes) {
  auto f = read(sample());
  const TypeId task = f->find(Kind::kStruct, "task").value();
  EXPECT_EQ(f->member(task, "pid")->bit_offset, 0u);
  EXPECT_EQ(f->spell(f->member(task, "pid")->type), "pid_t");
  EXPECT_EQ(f->member(task, "first")->bit_offset, 192u);
  EXPECT_EQ(f->member(task, "whole")->bit_offset, 256u);
  EXPECT_EQ(f->member(task, "flag_b")->bit_offset, 163u);
  EXPECT_EQ(f->member(task, "flag_b")->bitfield_size, 5u);
  EXPECT_FALSE(f->member(task, "nothing"));
  EXPECT_FALSE(f->member(task, ""));
  EXPECT_FALSE(f->member(f->member(task, "pid")->type, "pid"));
  EXPECT_THAT(f->member_names(task), ElementsAre("pid", "comm", "flag_a", "flag_b", "parent", "first", "low", "whole"));
  EXPECT_EQ(f->members(task).size(), 6u);
}

TEST(Btf, SpellsAsCDoes) {
  auto f = read(sample());
  std::vector<std::string> all;
  for (TypeId id = 1; id < f->count(); ++id) all.push_back(f->spell(id));
  for (const char* text :
       {"char [16]", "pid_t", "struct task *", "const char *", "char *const", "int (*)(struct task *, ...)",
        "volatile const int", "enum colour", "union (anonymous)", "struct opaque", "int *", "double"}) {
    EXPECT_THAT(all, testing::Contains(text));
  }
  EXPECT_EQ(f->spell(0), "void");
}

TEST(Btf, EnumeratorsIntsAndArrays) {
  auto f = read(sample());
  EXPECT_EQ(f->enumerator("GREEN"), -7);
  EXPECT_EQ(f->enumerator("HUGE"), int64_t{1} << 40);
  EXPECT_FALSE(f->enumerator("BLUE"));
  const TypeId comm = f->member(f->find(Kind::kStruct, "task").value(), "comm")->type;
  EXPECT_EQ(f->array_length(comm), 16u);
  EXPECT_EQ(f->size(comm), 16u);
  EXPECT_EQ(f->kind(f->target(comm)), Kind::kInt);
  EXPECT_TRUE(f->is_signed(f->find(Kind::kTypedef, "pid_t").value()));
  EXPECT_FALSE(f->is_signed(f->find(Kind::kInt, "unsigned int").value()));
  EXPECT_EQ(f->kind(0), Kind::kVoid);
  EXPECT_FALSE(f->size(0));
  EXPECT_EQ(f->kind(static_cast<TypeId>(f->count())), Kind::kVoid);
}

TEST(Btf, OldBitFieldEncoding) {
  BtfBuilder b;
  b.integer("unsigned int", 4, false);
  const TypeId narrow = b.integer("unsigned int", 4, false, 3);
  b.structure("s", 4, {{"x", narrow, 5}});
  auto f = read(b);
  const MemberRef x = f->member(f->find(Kind::kStruct, "s").value(), "x").value();
  EXPECT_EQ(x.bit_offset, 5u);
  EXPECT_EQ(x.bitfield_size, 3u);
}

TEST(Btf, RefusesCyclesAndDeepNesting) {
  BtfBuilder alias;
  alias.alias("a", 2);
  alias.alias("b", 1);
  EXPECT_THAT(refused(alias), HasSubstr("contains itself"));

  BtfBuilder structure;
  structure.structure("s", 8, {{"s", 2, 0}});
  structure.array(1, 1);
  EXPECT_THAT(refused(structure), HasSubstr("contains itself"));

  BtfBuilder pointer;
  pointer.pointer(2);
  pointer.reference(Kind::kConst, 1);
  EXPECT_THAT(refused(pointer), HasSubstr("pointer to itself"));

  BtfBuilder deep;
  deep.integer("int", 4, true);
  for (int i = 0; i < 200; ++i) deep.alias("t", deep.next() - 1);
  EXPECT_THAT(refused(deep), HasSubstr("too deeply"));
  BtfBuilder deep_backwards;  // the same, found from the other end
  for (int i = 0; i < 200; ++i) deep_backwards.alias("t", deep_backwards.next() + 1);
  deep_backwards.integer("int", 4, true);
  EXPECT_THAT(refused(deep_backwards), HasSubstr("too deeply"));
}

TEST(Btf, RefusesWhatCannotBe) {
  BtfBuilder huge;
  huge.integer("long", 8, true);
  TypeId id = 1;
  for (int i = 0; i < 3; ++i) id = huge.array(id, UINT32_MAX);
  EXPECT_THAT(refused(huge), HasSubstr("too large"));

  BtfBuilder dangling;
  dangling.pointer(77);
  EXPECT_THAT(refused(dangling), HasSubstr("unknown type 77"));

  BtfBuilder escape;
  escape.integer("in\x1b[2Jt", 4, true);
  EXPECT_THAT(refused(escape), HasSubstr("not printable"));

  BtfBuilder outside;
  outside.integer("int", 4, true);
  outside.structure("s", 4, {{"x", 1, 64}});
  EXPECT_THAT(refused(outside), HasSubstr("beyond the end"));
  EXPECT_FALSE(TypeFile::from_btf({}).ok());
}

// Anonymous unions that contain each other twice: the number of paths doubles with each level.
TEST(Btf, WideAnonymousNestingIsSearchedOnce) {
  BtfBuilder b;
  TypeId id = b.integer("int", 4, true);
  for (int i = 0; i < 100; ++i) id = b.composite(Kind::kUnion, "", 4, {{"", id, 0}, {"", id, 0}});
  auto f = read(b);
  EXPECT_FALSE(f->member(id, "x"));
  EXPECT_TRUE(f->member_names(id).empty());
}

// Prototypes whose parameters are pointers to prototypes ...: the spelling is cut.
TEST(Btf, SpellingIsBounded) {
  BtfBuilder b;
  TypeId id = b.integer("int", 4, true);
  for (int i = 0; i < 30; ++i) {
    const TypeId p = b.pointer(id);
    id = b.prototype(p, {{"", p}, {"", p}, {"", p}, {"", p}});
  }
  b.pointer(b.next() + 1);
  b.prototype(b.next() - 1, {{"", b.next() - 1}});
  auto f = read(b);
  for (TypeId i = 0; i < f->count(); ++i) EXPECT_LT(f->spell(i).size(), 4096u);
}

TEST(Btf, SplitFilesSeeTheirBase) {
  const BtfBuilder base = sample();
  auto vmlinux = read(base);
  BtfBuilder split(base.next(), base.string_length());
  const TypeId task = vmlinux->find(Kind::kStruct, "task").value();
  const TypeId mod = split.structure("mod", 64, {{"task", task, 0}, {"n", 1, 448}});
  auto file = TypeFile::from_btf(split.build(), vmlinux);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ((*file)->find(Kind::kStruct, "mod"), mod);
  EXPECT_EQ((*file)->find(Kind::kStruct, "task"), task);
  EXPECT_EQ((*file)->spell((*file)->member(mod, "task")->type), "struct task");
  EXPECT_EQ((*file)->member(mod, "n")->bit_offset, 448u);
  EXPECT_EQ((*file)->enumerator("GREEN"), -7);
  EXPECT_NE((*file)->hash(), vmlinux->hash());
  EXPECT_FALSE(TypeFile::from_btf(split.build()).ok());  // alone it makes no sense
}

TEST(Btf, EveryMutationIsAnErrorOrSafe) {
  const Bytes good = sample().build();
  for (size_t length = 0; length <= good.size(); ++length) {
    if (auto file = TypeFile::from_btf(ByteView(good).first(length)); file.ok()) ask_everything(**file);
  }
  size_t refusals = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    for (const uint8_t flip : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff}) {
      Bytes mutated = good;
      mutated[i] ^= flip;
      auto file = TypeFile::from_btf(mutated);
      if (file.ok()) {
        ask_everything(**file);
      } else {
        ++refusals;
      }
    }
  }
  EXPECT_GT(refusals, good.size());
}

// Every 32-bit word, the header's too, with the values at which sizes, ids and shifts break.
TEST(Btf, EveryWordWithEveryEdgeIsAnErrorOrSafe) {
  const Bytes good = sample().build();
  constexpr uint32_t kEdges[] = {0,          1,          31,         32,         64,        255,
                                 256,        0xffff,     0x10000,    0xffffff,   0x1000000, 0x7fffffff,
                                 0x80000000, 0x9f00ffff, 0xff000000, 0xfffffffe, 0xffffffff};
  size_t refusals = 0, tried = 0;
  for (size_t at = 0; at + 4 <= good.size(); at += 4) {
    for (const uint32_t value : kEdges) {
      Bytes mutated = good;
      std::memcpy(mutated.data() + at, &value, sizeof value);
      ++tried;
      auto file = TypeFile::from_btf(mutated);
      if (file.ok()) {
        ask_everything(**file);
      } else {
        ++refusals;
      }
    }
  }
  EXPECT_GT(tried, 3000u);
  EXPECT_GT(refusals, tried / 4);
}

TEST(Btf, RealKernel) {
  const char* path = "/sys/kernel/btf/vmlinux";
  if (access(path, R_OK) != 0) GTEST_SKIP() << "this kernel has no readable BTF";
  const auto start = std::chrono::steady_clock::now();
  auto result = TypeFile::from_file(path);
  ASSERT_TRUE(result.ok()) << result.error().message;
  RecordProperty(
      "milliseconds",
      std::to_string(
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count()));
  const TypeFile& f = **result;
  const TypeId task = f.find_spelling("struct task_struct")->base;
  EXPECT_GT(f.size(task).value(), 1000u);
  EXPECT_EQ(f.spell(f.member(task, "comm")->type), "char [16]");
  EXPECT_EQ(f.spell(f.member(task, "pid")->type), "pid_t");
  EXPECT_EQ(f.spell(f.member(task, "cred")->type), "const struct cred *");
  const TypeId cred = f.find(Kind::kStruct, "cred").value();
  const TypeId kuid = f.member(cred, "uid")->type;
  EXPECT_EQ(f.size(f.member(kuid, "val")->type), 4u);
  EXPECT_TRUE(f.find_spelling("unsigned long"));
  EXPECT_EQ(f.enumerator("PIDTYPE_PID"), 0);
  for (TypeId id = 0; id < f.count(); id += 97) ask_about(f, id);
  for (const char* cut_path : {"/sys/kernel/btf/absent"}) EXPECT_FALSE(TypeFile::from_file(cut_path).ok());
}

}  // namespace
}  // namespace ht::types
