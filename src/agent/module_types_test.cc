#include "agent/module_types.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "base/fd.h"
#include "base/hash.h"
#include "types/btf_builder.h"

namespace ht::agent {
namespace {

using testing::ElementsAre;
using types::Kind;

class ModuleTypesTest : public testing::Test {
 protected:
  ModuleTypesTest() {
    char name[] = "/tmp/hypertrace-modules.XXXXXX";
    directory = ::mkdtemp(name);
    number = kernel.integer("int", 4, true);
    write("vmlinux", kernel.build());
    write("zoo", module({"animal", "both"}));
    write("ark", module({"both", "boat"}));
    write("not.one", module({"nothing"}));
  }
  ~ModuleTypesTest() override { std::filesystem::remove_all(directory); }

  Bytes module(const std::vector<std::string>& structs) const {
    types::BtfBuilder split(kernel.next(), kernel.string_length());
    for (const std::string& name : structs) split.structure(name, 4, {{"n", number, 0}});
    return split.build();
  }
  void write(const std::string& name, const Bytes& blob) const {
    ASSERT_TRUE(write_file_atomically(directory + "/" + name, blob, 0600).ok());
  }
  std::vector<std::string> with(const std::vector<types::TypeName>& names) const {
    auto found = find_modules(directory, names);
    EXPECT_TRUE(found.ok());
    std::vector<std::string> modules;
    for (const ModuleTypes& types : *found) {
      const Bytes blob = read_module_types(directory, types.module).value();
      EXPECT_EQ(types.size, blob.size());
      EXPECT_EQ(types.hash, sha256_hex(blob));
      modules.push_back(types.module);
    }
    return modules;
  }

  std::string directory;
  types::BtfBuilder kernel;
  types::TypeId number = 0;
};

TEST_F(ModuleTypesTest, OnlyThoseThatHaveWhatIsAskedFor) {
  EXPECT_THAT(with({}), ElementsAre());
  EXPECT_THAT(with({{"", Kind::kStruct, "animal"}}), ElementsAre("zoo"));
  EXPECT_THAT(with({{"", Kind::kStruct, "both"}}), ElementsAre("ark"));  // the first in order of names
  EXPECT_THAT(with({{"", Kind::kStruct, "both"}, {"", Kind::kStruct, "animal"}}), ElementsAre("ark", "zoo"));
  EXPECT_THAT(with({{"", Kind::kStruct, "nothing"}, {"", Kind::kUnion, "both"}}), ElementsAre());
  EXPECT_THAT(with({{"zoo", Kind::kVar, "cages"}, {"gone", Kind::kVar, "x"}}), ElementsAre("zoo"));
}

TEST_F(ModuleTypesTest, ModulesComeAndGo) {
  write("fox", module({"fox"}));
  EXPECT_THAT(with({{"", Kind::kStruct, "fox"}}), ElementsAre("fox"));
  std::filesystem::remove(directory + "/fox");
  EXPECT_THAT(with({{"", Kind::kStruct, "fox"}}), ElementsAre());
  EXPECT_FALSE(read_module_types(directory, "fox").ok());
}

TEST_F(ModuleTypesTest, ANameIsNoPath) {
  EXPECT_FALSE(read_module_types(directory, "../zoo").ok());
  EXPECT_FALSE(read_module_types(directory, "").ok());
  EXPECT_FALSE(find_modules(directory + "/nowhere", {}).ok());
}

}  // namespace
}  // namespace ht::agent
