#include "base/bytes.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace ht {
namespace {

TEST(ByteReader, ReadPastTheEndFailsForGood) {
  ByteWriter writer;
  writer.u32(0x01020304);
  writer.u8(9);
  ByteReader reader(writer.data());
  EXPECT_EQ(reader.u32(), 0x01020304u);
  EXPECT_EQ(reader.u32(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0u) << "also what would still fit";
}

TEST(ByteReader, SeekBeyondTheEndFails) {
  Bytes data(4);
  ByteReader reader(data);
  reader.seek(4);
  EXPECT_TRUE(reader.ok());
  reader.seek(5);
  EXPECT_FALSE(reader.ok());
}

TEST(Hash, Sha256OfTheEmptyText) {
  EXPECT_EQ(sha256_hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace ht
