// A kernel's types and its modules' as one file.
#include "types/combined_types.h"

#include <gmock/gmock.h>

#include <cstring>

#include "types/btf_format.h"
#include "types/btf_test_support.h"
#include "types/every_query.h"
#include "types/module_search.h"

namespace ht::types {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// vmlinux: int, struct file { int mode; struct ext *private; } with struct ext only declared, enum { ON = 1 }.
// "ext":   struct ext { struct file *file; int level[4]; }, typedef ext_t of it, variable level_now, function ext_open.
// "other": struct ext { int n; }, struct own { struct ext *e; }, enum { OFF = 5 }, variable level_now.
class Combined : public testing::Test {
 protected:
  Combined() {
    number = kernel.integer("int", 4, true);
    const TypeId declared = kernel.reference(Kind::kFwd, 0, "ext");
    file = kernel.structure("file", 16, {{"mode", number, 0}, {"private", kernel.pointer(declared), 64}});
    kernel.enumeration("", {{"ON", 1}});
    vmlinux = read(kernel);

    BtfBuilder a = split();
    const TypeId ext = a.structure("ext", 24, {{"file", a.pointer(file), 0}, {"level", a.array(number, 4), 64}});
    a.alias("ext_t", ext);
    a.with_word(Kind::kVar, "level_now", number, 1);
    a.reference(Kind::kFunc, a.prototype(number, {{"e", a.pointer(ext)}}), "ext_open");
    first = over(a);

    BtfBuilder b = split();
    b.structure("own", 8, {{"e", b.pointer(b.structure("ext", 4, {{"n", number, 0}})), 0}});
    b.enumeration("", {{"OFF", 5}});
    b.with_word(Kind::kVar, "level_now", b.pointer(number), 1);
    second = over(b);
  }
  BtfBuilder split() const { return BtfBuilder(kernel.next(), kernel.string_length()); }
  std::shared_ptr<const TypeFile> over(const BtfBuilder& builder) const {
    auto read_file = TypeFile::from_btf(builder.build(), vmlinux);
    EXPECT_TRUE(read_file.ok()) << (read_file.ok() ? "" : read_file.error().message);
    return read_file.ok() ? *read_file : nullptr;
  }
  CombinedTypes both() const { return CombinedTypes(vmlinux, {{"ext", first}, {"other", second}}); }

  BtfBuilder kernel;
  TypeId number = 0, file = 0;
  std::shared_ptr<const TypeFile> vmlinux, first, second;
};

TEST_F(Combined, TypesOfAllAreFoundAndLeadToOneAnother) {
  const CombinedTypes types = both();
  EXPECT_EQ(types.count(), first->count() + second->count() - vmlinux->count());
  EXPECT_EQ(types.find(Kind::kStruct, "file"), file);
  const TypeId own = types.find_spelling("struct own")->base;
  EXPECT_GE(own, first->count());
  EXPECT_EQ(types.spell(own), "struct own");
  EXPECT_EQ(types.size(own), 8u);
  // From the second module's struct through its pointer into its own ext, not into the first module's.
  const TypeId other_ext = types.target(types.member(own, "e")->type);
  EXPECT_EQ(types.size(other_ext), 4u);
  EXPECT_EQ(types.member(other_ext, "n")->type, number);
  const TypeId ext = types.find_spelling("ext_t")->base;
  EXPECT_EQ(types.size(ext), 24u);
  EXPECT_EQ(types.kind(types.strip(ext)), Kind::kStruct);
  EXPECT_EQ(types.target(types.member(ext, "file")->type), file);
  EXPECT_EQ(types.array_length(types.member(ext, "level")->type), 4u);
  EXPECT_EQ(types.spell(types.members(types.strip(ext))[0].type), "struct file *");
  EXPECT_THAT(types.member_names(ext), ElementsAre("file", "level"));
  EXPECT_EQ(types.enumerator("ON"), 1);
  EXPECT_EQ(types.enumerator("OFF"), 5);
  EXPECT_FALSE(types.enumerator("NONE"));
  EXPECT_TRUE(types.is_signed(types.member(other_ext, "n")->type));
}

TEST_F(Combined, AModuleThatIsNamedIsTheOne) {
  const CombinedTypes types = both();
  EXPECT_EQ(types.size(types.find_spelling("struct ext")->base), 24u);  // the first in order
  EXPECT_EQ(types.size(types.find_spelling("struct ext`ext *")->base), 24u);
  EXPECT_EQ(types.size(types.find_spelling("struct other`ext")->base), 4u);
  EXPECT_EQ(types.kind(types.find_spelling("struct vmlinux`ext")->base), Kind::kFwd);
  EXPECT_EQ(types.find_spelling("struct other`file")->base, file);  // it shares what it does not define
  EXPECT_FALSE(types.find_spelling("struct vmlinux`own"));
  EXPECT_FALSE(types.find_spelling("struct ext`own"));
  EXPECT_FALSE(types.find_spelling("struct third`own"));
  EXPECT_FALSE(types.find_spelling("ext`struct ext`ext"));
}

TEST_F(Combined, SymbolsAreTheirModulesOwn) {
  const CombinedTypes types = both();
  EXPECT_EQ(types.spell(types.target(types.find_in("ext", Kind::kVar, "level_now").value())), "int");
  EXPECT_EQ(types.spell(types.target(types.find_in("other", Kind::kVar, "level_now").value())), "int *");
  EXPECT_FALSE(types.find_in("vmlinux", Kind::kVar, "level_now"));
  EXPECT_FALSE(types.find_in("other", Kind::kFunc, "ext_open"));
  const auto parameters = types.parameters(types.target(types.find_in("ext", Kind::kFunc, "ext_open").value()));
  ASSERT_EQ(parameters.size(), 1u);
  EXPECT_EQ(types.spell(parameters[0].type), "struct ext *");
  EXPECT_EQ(types.target(parameters[0].type), types.find_spelling("struct ext")->base);
  EXPECT_FALSE(vmlinux->find_in("ext", Kind::kFunc, "ext_open"));
}

TEST_F(Combined, TheHashIsThatOfAllThatIsThere) {
  EXPECT_EQ(CombinedTypes(vmlinux).hash(), vmlinux->hash());
  const CombinedTypes one(vmlinux, {{"ext", first}}), renamed(vmlinux, {{"ext2", first}}),
      other(vmlinux, {{"ext", second}});
  EXPECT_EQ(one.hash().size(), 64u);
  EXPECT_EQ(one.hash(), CombinedTypes(vmlinux, {{"ext", first}}).hash());
  for (const std::string& hash : {vmlinux->hash(), first->hash(), renamed.hash(), other.hash(), both().hash()}) {
    EXPECT_NE(one.hash(), hash);
  }
}

TEST_F(Combined, WhatMoreModulesMightHaveIsNoted) {
  std::set<TypeName> wanted;
  const CombinedTypes types = CombinedTypes(vmlinux, {{"ext", first}}).noting(&wanted);
  EXPECT_TRUE(types.find_spelling("struct file *"));
  EXPECT_TRUE(types.find_spelling("unsigned char") == std::nullopt && types.find_spelling("int"));
  EXPECT_FALSE(types.find_spelling("struct vmlinux`own"));
  EXPECT_FALSE(types.find_in("vmlinux", Kind::kVar, "jiffies"));
  EXPECT_EQ(types.enumerator("ON"), 1);
  EXPECT_THAT(wanted, IsEmpty());  // vmlinux has it, or is the only one that is meant
  types.find_spelling("struct own");
  types.find_spelling("enum own");
  types.find_spelling("own_t *");
  types.find_spelling("struct ext`ext");
  types.find_in("other", Kind::kVar, "level_now");
  types.enumerator("OFF");
  types.find_spelling("struct ext");  // a module has it, but perhaps not the first one that does
  EXPECT_THAT(wanted, ElementsAre(TypeName{"", Kind::kVoid, "OFF"}, TypeName{"", Kind::kStruct, "ext"},
                                  TypeName{"", Kind::kStruct, "own"}, TypeName{"", Kind::kEnum, "own"},
                                  TypeName{"", Kind::kTypedef, "own_t"}, TypeName{"ext", Kind::kStruct, "ext"},
                                  TypeName{"other", Kind::kVar, "level_now"}));
  const size_t before = wanted.size();
  types.find_in("third", Kind::kFunc, "");  // the module itself is wanted
  types.find_in("", Kind::kFunc, "");
  EXPECT_EQ(wanted.size(), before + 1);
  for (int i = 0; i < 5000; ++i) types.find_spelling("struct s" + std::to_string(i));
  EXPECT_EQ(wanted.size(), CombinedTypes::kMostWanted);
}

TEST_F(Combined, EveryQuestionHasAnAnswer) {
  ask_everything(both());
  ask_everything(CombinedTypes(vmlinux));
  EXPECT_EQ(both().kind(both().count()), Kind::kVoid);
  EXPECT_EQ(both().kind(UINT32_MAX), Kind::kVoid);
}

// The guest's side: the same names, without reading types.
TEST_F(Combined, ASearchFindsWhatAModuleDefinesItself) {
  const Bytes kernel_blob = kernel.build();
  BtfBuilder module = split();
  module.structure("ext", 4, {{"n", number, 0}});
  module.reference(Kind::kFwd, 0, "later");
  module.enumeration("state", {{"IDLE", 0}, {"BUSY", 1}});
  module.enumeration64("wide", {{"HUGE", int64_t{1} << 40}});
  module.alias("ext_t", number);
  module.with_word(Kind::kVar, "now", number, 1);
  module.reference(Kind::kFunc, module.prototype(0, {}), "ext_open");
  const Bytes blob = module.build();
  const std::vector<TypeName> there = {{"", Kind::kStruct, "ext"}, {"", Kind::kEnum, "state"},
                                       {"", Kind::kEnum, "wide"},  {"", Kind::kVoid, "BUSY"},
                                       {"", Kind::kVoid, "HUGE"},  {"", Kind::kTypedef, "ext_t"},
                                       {"x", Kind::kVar, "now"},   {"", Kind::kFunc, "ext_open"}};
  const std::vector<TypeName> not_there = {{"", Kind::kUnion, "ext"},   {"", Kind::kStruct, "later"},
                                           {"", Kind::kStruct, "file"}, {"", Kind::kVoid, "state"},
                                           {"", Kind::kStruct, ""},     {"", Kind::kStruct, "ex"}};
  const std::string_view strings = btf_strings(kernel_blob).value();
  EXPECT_EQ(strings.size(), kernel.string_length());
  EXPECT_EQ(defines(blob, strings, there), std::vector<bool>(there.size(), true));
  EXPECT_EQ(defines(blob, strings, not_there), std::vector<bool>(not_there.size(), false));
  // Cut anywhere: whatever is found is there, and nothing is read beyond the end.
  for (size_t size = 0; size < blob.size(); ++size) {
    defines(Bytes(blob.begin(), blob.begin() + static_cast<ptrdiff_t>(size)), strings, there);
  }
  EXPECT_FALSE(btf_strings(Bytes(10, 1)));
  EXPECT_EQ(defines(Bytes(100, 7), strings, there), std::vector<bool>(there.size(), false));
}

// A name that the kernel has too, as a member's for instance, is in the kernel's strings.
TEST_F(Combined, ASearchKnowsNamesThatAreTheKernels) {
  BtfBuilder module = split();
  const Bytes kernel_blob = kernel.build();
  const std::string_view strings = btf_strings(kernel_blob).value();
  module.structure("", 4, {{"n", number, 0}});
  Bytes blob = module.build();
  const auto at = static_cast<uint32_t>(strings.find("private"));
  std::memcpy(blob.data() + sizeof(btf::Header), &at, sizeof at);
  EXPECT_EQ(defines(blob, strings, {{"", Kind::kStruct, "private"}}), std::vector<bool>{true});
}

}  // namespace
}  // namespace ht::types
