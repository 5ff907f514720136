#include "daemon/type_store.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "base/fd.h"
#include "base/hash.h"
#include "daemon/test_directory.h"
#include "types/btf_builder.h"
#include "types/module_search.h"

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
  EXPECT_EQ(store.list()[0].key.hash, hash);
  EXPECT_EQ(store.list()[0].bytes, blob.size());
  EXPECT_TRUE(store.list()[0].in_memory);
  EXPECT_FALSE(TypeStore(directory.path()).list()[0].in_memory);
  EXPECT_EQ(store.complete(hash.substr(0, 6)).value().hash, hash);
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
      std::filesystem::last_write_time(directory.path() + "/" + stored.key.text() + ".btf", past);
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
  EXPECT_EQ(small.list()[0].key.hash, sha256_hex(last));
}

// A module's types over some_types().
Bytes module_types(const std::string& name) {
  const Bytes kernel = some_types();
  types::BtfBuilder split(2, static_cast<uint32_t>(types::btf_strings(kernel)->size()));
  split.structure(name, 4, {{"n", 1, 0}});
  return split.build();
}

TEST(TypeStore, AModulesTypesAreKeptOverItsKernels) {
  TestDirectory directory;
  const Bytes kernel = some_types(), blob = module_types("own");
  const TypesKey key(sha256_hex(blob), sha256_hex(kernel), "ext");
  {
    TypeStore store(directory.path());
    auto base = store.add(key.kernel, kernel);
    ASSERT_TRUE(base.ok());
    EXPECT_FALSE(store.add(key, blob).ok());  // over no kernel
    EXPECT_FALSE(store.add(TypesKey(key.hash, std::string(64, '0'), "ext"), blob, *base).ok());
    EXPECT_FALSE(store.add(TypesKey(key.hash, key.kernel, "../ext"), blob, *base).ok());
    auto added = store.add(key, blob, *base);
    ASSERT_TRUE(added.ok()) << added.error().message;
    EXPECT_EQ(store.find(key), *added);
  }
  TypeStore after_restart(directory.path());
  auto types = after_restart.find(key);
  ASSERT_NE(types, nullptr);
  EXPECT_TRUE(types->find(types::Kind::kStruct, "own") && types->find(types::Kind::kInt, "int"));
  EXPECT_EQ(after_restart.find(TypesKey(key.hash, key.kernel, "other")), nullptr);
  ASSERT_EQ(after_restart.list().size(), 2u);
  EXPECT_EQ(after_restart.complete(key.hash.substr(0, 8)).value().text(), key.text());
  after_restart.drop(key);
  EXPECT_EQ(after_restart.find(key), nullptr);
  EXPECT_NE(after_restart.find(key.kernel), nullptr);
}

TEST(TypeStore, ModulesGoWithTheirKernel) {
  TestDirectory directory;
  TypeStore store(directory.path());
  const Bytes kernel = some_types(), other = types_named("other");
  auto base = store.add(sha256_hex(kernel), kernel);
  ASSERT_TRUE(base.ok() && store.add(sha256_hex(other), other).ok());
  std::vector<TypesKey> keys;
  for (const char* name : {"a", "b"}) {
    const Bytes blob = module_types(name);
    keys.emplace_back(sha256_hex(blob), sha256_hex(kernel), name);
    ASSERT_TRUE(store.add(keys.back(), blob, *base).ok());
  }
  store.drop(sha256_hex(kernel));
  ASSERT_EQ(store.list().size(), 1u);
  EXPECT_EQ(store.list()[0].key.hash, sha256_hex(other));
  EXPECT_EQ(store.find(keys[0]), nullptr);
  // The same when they make room; and the kernel of what is needed now stays.
  TypeStore small(directory.path(), {.files = 1, .bytes = uint64_t{1} << 20});
  auto again = small.add(sha256_hex(kernel), kernel);
  ASSERT_TRUE(again.ok());
  ASSERT_TRUE(small.add(keys[0], module_types("a"), *again).ok());
  ASSERT_EQ(small.list().size(), 2u);
  EXPECT_NE(small.find(keys[0]), nullptr);
  const auto past = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
  for (const auto& stored : small.list()) {
    std::filesystem::last_write_time(directory.path() + "/" + stored.key.text() + ".btf", past);
  }
  ASSERT_TRUE(small.add(sha256_hex(other), other).ok());
  ASSERT_EQ(small.list().size(), 1u);
  EXPECT_EQ(small.list()[0].key.hash, sha256_hex(other));
}

TEST(TypeStore, AHashIsNoPath) {
  TestDirectory directory;
  TypeStore store(directory.path());
  EXPECT_EQ(store.find(std::string("../../etc/passwd")), nullptr);
  EXPECT_FALSE(is_hash(std::string(64, 'A')));
  EXPECT_FALSE(is_hash(std::string(63, 'a')));
}

}  // namespace
}  // namespace ht::daemon
