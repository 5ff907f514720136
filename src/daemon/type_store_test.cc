#include "daemon/type_store.h"

#include <gtest/gtest.h>

#include "base/fd.h"
#include "base/hash.h"
#include "daemon/test_directory.h"
#include "types/btf_builder.h"

namespace ht::daemon {
namespace {

Bytes some_types() {
  types::BtfBuilder builder;
  builder.integer("int", 4, true);
  return builder.build();
}

TEST(TypeStore, KeepsWhatIsWhatItSaysAndFindsItAgain) {
  TestDirectory directory;
  const Bytes blob = some_types();
  const std::string hash = sha256_hex(blob);
  {
    TypeStore store(directory.path());
    EXPECT_EQ(store.find(hash), nullptr);
    auto added = store.add(hash, blob);
    ASSERT_TRUE(added.ok()) << added.error().message;
    EXPECT_EQ(store.find(hash), *added);  // parsed once, shared
  }
  TypeStore after_restart(directory.path());
  auto types = after_restart.find(hash);
  ASSERT_NE(types, nullptr);
  EXPECT_TRUE(types->find(types::Kind::kInt, "int"));
}

TEST(TypeStore, TypesUnderAnotherHashAreRefused) {
  TestDirectory directory;
  TypeStore store(directory.path());
  const std::string claimed(64, 'a');
  EXPECT_FALSE(store.add(claimed, some_types()).ok());
  EXPECT_EQ(store.find(claimed), nullptr);
  EXPECT_FALSE(std::filesystem::exists(directory.path() + "/" + claimed + ".btf"));
}

TEST(TypeStore, GarbageIsRefusedEvenUnderItsOwnHash) {
  TestDirectory directory;
  TypeStore store(directory.path());
  const Bytes garbage(1000, 7);
  EXPECT_FALSE(store.add(sha256_hex(garbage), garbage).ok());
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(TypeStore, AFileThatWasChangedOnDiskIsRemoved) {
  TestDirectory directory;
  const Bytes blob = some_types();
  const std::string hash = sha256_hex(blob), path = directory.path() + "/" + hash + ".btf";
  ASSERT_TRUE(write_file_atomically(path, Bytes(100, 1)).ok());
  TypeStore store(directory.path());
  EXPECT_EQ(store.find(hash), nullptr);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(TypeStore, AHashIsNoPath) {
  TestDirectory directory;
  TypeStore store(directory.path());
  EXPECT_EQ(store.find("../../etc/passwd"), nullptr);
  EXPECT_FALSE(is_hash(std::string(64, 'A')));
  EXPECT_FALSE(is_hash(std::string(63, 'a')));
}

}  // namespace
}  // namespace ht::daemon
