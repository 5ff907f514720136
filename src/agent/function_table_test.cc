#include "agent/function_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/fd.h"
#include "types/btf_builder.h"

namespace ht::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Modules = std::map<std::string, std::string>;

// "module`name", with a mark for those that several functions share.
std::vector<std::string> present(const FunctionTable& table) {
  std::vector<std::string> names;
  for (size_t i = 0; i < table.size(); ++i) {
    const auto function = table.at(i);
    if (!function.present) continue;
    names.push_back(std::string(function.module) + "`" + std::string(function.name) + (function.ambiguous ? " *" : ""));
  }
  return names;
}

TEST(FunctionTable, OfTheKernelAndItsModules) {
  FunctionTable table(std::make_shared<KernelTypes>());
  table.read("vfs_read\nvfs_write\next4_readdir [ext4]\nvfs_read [ext4]\n", {{"ext4", "1"}});
  EXPECT_THAT(present(table),
              ElementsAre("vmlinux`vfs_read", "vmlinux`vfs_write", "ext4`ext4_readdir", "ext4`vfs_read"));
}

TEST(FunctionTable, ANameOfSeveralFunctionsIsThereOnce) {
  FunctionTable table(std::make_shared<KernelTypes>());
  table.read("f\ng\nf\nf\ng [m]\ng [m]\n", {{"m", "1"}});
  EXPECT_THAT(present(table), ElementsAre("vmlinux`f *", "vmlinux`g", "m`g *"));
}

TEST(FunctionTable, WhatProgramsThemselvesRunIsLeftOut) {
  FunctionTable table(std::make_shared<KernelTypes>());
  table.read("bpf_loop\n__bpf_prog_enter_recur\nstrscpy\nstrscpy_not\nabpf_loop\n", {});
  EXPECT_THAT(present(table), ElementsAre("vmlinux`strscpy_not", "vmlinux`abpf_loop"));
}

TEST(FunctionTable, IndexesOutliveModules) {
  FunctionTable table(std::make_shared<KernelTypes>());
  table.read("k\na [m]\nb [m]\nc [n]\n", {{"m", "1"}, {"n", "1"}});
  table.read("k\nc [n]\n", {{"n", "1"}});
  EXPECT_THAT(present(table), ElementsAre("vmlinux`k", "n`c"));
  // Loaded anew, as another version.
  table.read("k\nc [n]\nb [m]\nd [m]\n", {{"m", "2"}, {"n", "1"}});
  EXPECT_EQ(table.at(1).name, "a");
  EXPECT_EQ(table.at(2).name, "b");
  EXPECT_EQ(table.at(3).name, "c");
  EXPECT_EQ(table.at(4).name, "d");
  EXPECT_EQ(table.size(), 5u);
}

TEST(FunctionTable, AModuleThatIsNotLoadedHasNone) {
  FunctionTable table(std::make_shared<KernelTypes>());
  table.read("k\na [m]\n", {});
  EXPECT_THAT(present(table), ElementsAre("vmlinux`k"));
}

TEST(FunctionTable, Modules) {
  EXPECT_THAT(FunctionTable::parse_modules("ext4 983040 1 - Live 0xffffffffc0a1b000\n"
                                           "jbd2 163840 1 ext4, Live 0xffffffffc0900000 (E)\nodd\n\n b\n"),
              (ElementsAre(std::pair("ext4", " 0xffffffffc0a1b000"), std::pair("jbd2", " 0xffffffffc0900000 (E)"),
                           std::pair("odd", ""))));
  EXPECT_THAT(FunctionTable::parse_modules(""), IsEmpty());
}

// A directory like /sys/kernel/btf, with types made for the test.
class TypedFunctions : public ::testing::Test {
 protected:
  TypedFunctions() {
    char name[] = "/tmp/function_table_test.XXXXXX";
    directory_ = mkdtemp(name);
    types::BtfBuilder base;
    const auto prototype = base.prototype(0, {});
    for (const char* function : {"vfs_read", "vfs_write", "data"})
      base.reference(types::Kind::kFunc, prototype, function);
    types::BtfBuilder split(base.next(), base.string_length());
    split.reference(types::Kind::kFunc, prototype, "of_the_module");
    EXPECT_TRUE(write_file_atomically(directory_ + "/vmlinux", base.build()).ok());
    EXPECT_TRUE(write_file_atomically(directory_ + "/m", split.build()).ok());
  }
  ~TypedFunctions() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

TEST_F(TypedFunctions, HaveAnAddressAndATypeInTheirModule) {
  KernelTypes types(directory_);
  const char* symbols =
      "ffffffff81000000 T vfs_read\nffffffff81000010 t vfs_write\nffffffff81000020 D data\n"
      "ffffffff81000030 t untyped\nffffffffc0000000 t of_the_module\t[m]\nffffffffc0000010 t vfs_read\t[m]\n"
      "ffffffffc0000020 t other\t[without_types]\n";
  EXPECT_EQ(FunctionTable::typed_functions(symbols, types), "vfs_read\nvfs_write\nof_the_module [m]\n");
  KernelTypes none(directory_ + "/nothing");
  EXPECT_EQ(FunctionTable::typed_functions(symbols, none), "");
}

TEST(FunctionTable, ThisKernels) {
  FunctionTable table(std::make_shared<KernelTypes>());
  table.refresh();
  if (table.size() == 0) GTEST_SKIP() << "this kernel does not say what can be traced, nor its types";
  const auto names = present(table);
  EXPECT_THAT(names, ::testing::Contains("vmlinux`vfs_read"));
  const size_t before = table.size();
  table.refresh();
  EXPECT_EQ(table.size(), before);
}

}  // namespace
}  // namespace ht::agent
