#include "daemon/type_store.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

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

Bytes types_named(const std::string& name) {
  types::BtfBuilder builder;
  builder.integer(name, 4, true);
  return builder.build();
}

TEST(TypeStore, ListsCompletesAndDrops) {
  TestDirectory directory;
  TypeStore store(directory.path());
  const Bytes blob = some_types();
  const std::string hash = sha256_hex(blob);
  auto kept = store.add(hash, blob);
  ASSERT_TRUE(kept.ok());
  ASSERT_TRUE(write_file_atomically(directory.path() + "/notes.txt", Bytes(3, 'x')).ok());
  ASSERT_EQ(store.list().size(), 1u);
  EXPECT_EQ(store.list()[0].hash, hash);
  EXPECT_EQ(store.list()[0].bytes, blob.size());
  EXPECT_TRUE(store.list()[0].in_memory);
  EXPECT_FALSE(TypeStore(directory.path()).list()[0].in_memory);
  EXPECT_EQ(store.complete(hash.substr(0, 6)).value(), hash);
  EXPECT_FALSE(store.complete("").ok());
  EXPECT_FALSE(store.complete("../" + hash).ok());
  store.drop(hash);
  EXPECT_EQ(store.find(hash), nullptr);
  EXPECT_TRUE(store.list().empty());
  EXPECT_TRUE((*kept)->find(types::Kind::kInt, "int"));  // who has it keeps it
  EXPECT_TRUE(std::filesystem::exists(directory.path() + "/notes.txt"));
}

TEST(TypeStore, GuestsThatKeepBringingNewTypesDoNotFillTheDisk) {
  TestDirectory directory;
  TypeStore store(directory.path(), {.files = 3, .bytes = uint64_t{1} << 20});
  const Bytes first = types_named("first");
  ASSERT_TRUE(store.add(sha256_hex(first), first).ok());
  const auto past = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  for (int i = 0; i < 10; ++i) {
    // All that is there was used long ago, but for `first`.
    for (const auto& stored : store.list()) {
      std::filesystem::last_write_time(directory.path() + "/" + stored.hash + ".btf", past);
    }
    EXPECT_NE(store.find(sha256_hex(first)), nullptr) << i;
    const Bytes blob = types_named("t" + std::to_string(i));
    ASSERT_TRUE(store.add(sha256_hex(blob), blob).ok());
    EXPECT_NE(store.find(sha256_hex(blob)), nullptr);
  }
  EXPECT_EQ(store.list().size(), 3u);
  TypeStore small(directory.path(), {.files = 100, .bytes = 1});
  const Bytes last = types_named("last");
  ASSERT_TRUE(small.add(sha256_hex(last), last).ok());
  ASSERT_EQ(small.list().size(), 1u);  // what is needed now stays, even alone too large
  EXPECT_EQ(small.list()[0].hash, sha256_hex(last));
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
