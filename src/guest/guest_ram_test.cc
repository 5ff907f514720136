#include "guest/guest_ram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <numeric>

#include "guest/page_walker.h"

namespace ht::guest {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kHigh = uint64_t{4} << 30;  // the second region starts at 4 GiB

// 2 MiB at 0 and 2 MiB at 4 GiB, in one file. Page tables are written through a mapping of our own, as a guest would.
class GuestRamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    UniqueFd file(::memfd_create("ram", MFD_CLOEXEC));
    ASSERT_TRUE(file.valid());
    ASSERT_EQ(::ftruncate(file.get(), 4 * kMiB), 0);
    Result<Mapping> mapping = Mapping::map(file.get(), 4 * kMiB, Mapping::Access::kReadWrite);
    ASSERT_TRUE(mapping.ok());
    bytes_ = std::move(mapping).value();
    Result<std::shared_ptr<GuestRam>> ram =
        GuestRam::create(std::move(file), {{0, 2 * kMiB, 0}, {kHigh, 2 * kMiB, 2 * kMiB}});
    ASSERT_TRUE(ram.ok()) << ram.error().text();
    ram_ = *ram;
  }

  uint8_t* physical(uint64_t address) {
    return bytes_.data() + (address >= kHigh ? address - kHigh + 2 * kMiB : address);
  }
  void set(uint64_t table, uint64_t index, uint64_t entry) {
    std::memcpy(physical(table + index * 8), &entry, sizeof entry);
  }
  void fill(uint64_t address, uint64_t size, uint8_t value) { std::memset(physical(address), value, size); }

  static constexpr uint64_t kPresent = 1, kLarge = 0x80;

  Mapping bytes_;
  std::shared_ptr<GuestRam> ram_;
};

TEST_F(GuestRamTest, RegionsAndHoles) {
  EXPECT_EQ(ram_->size(), 4 * kMiB);
  fill(2 * kMiB - 1, 1, 7);
  fill(kHigh, 1, 9);
  EXPECT_EQ(*ram_->at(2 * kMiB - 1, 1), 7);
  EXPECT_EQ(*ram_->at(kHigh, 1), 9);
  EXPECT_EQ(ram_->at(2 * kMiB - 1, 2), nullptr) << "crosses the end of a region";
  EXPECT_EQ(ram_->at(2 * kMiB, 1), nullptr);
  EXPECT_EQ(ram_->at(kHigh - 1, 1), nullptr);
  EXPECT_EQ(ram_->at(kHigh + 2 * kMiB, 1), nullptr);
  EXPECT_EQ(ram_->at(UINT64_MAX, 1), nullptr);
  EXPECT_EQ(ram_->at(UINT64_MAX, UINT64_MAX), nullptr);
  EXPECT_EQ(ram_->at(kHigh, UINT64_MAX), nullptr);
}

TEST_F(GuestRamTest, WritablePagesReachTheGuest) {
  Result<Mapping> page = ram_->map_page(kHigh + 4096);
  ASSERT_TRUE(page.ok()) << page.error().text();
  page->data()[5] = 42;
  EXPECT_EQ(physical(kHigh + 4096)[5], 42);
  EXPECT_FALSE(ram_->map_page(kHigh + 1).ok()) << "not a page";
  EXPECT_FALSE(ram_->map_page(2 * kMiB).ok()) << "not RAM";
  EXPECT_FALSE(ram_->map_page(UINT64_MAX - 4095).ok());
}

TEST(GuestRam, RegionsAreChecked) {
  const auto create = [](std::vector<RamRegion> regions) {
    UniqueFd file(::memfd_create("ram", MFD_CLOEXEC));
    EXPECT_EQ(::ftruncate(file.get(), 8192), 0);
    const auto ram = GuestRam::create(std::move(file), std::move(regions));
    return ram.ok() ? "" : ram.error().message;
  };
  EXPECT_EQ(create({{0, 8192, 0}}), "");
  EXPECT_THAT(create({}), HasSubstr("without RAM"));
  EXPECT_THAT(create({{0, 12288, 0}}), HasSubstr("outside its file"));
  EXPECT_THAT(create({{0, 4096, 8192}}), HasSubstr("outside its file"));
  EXPECT_THAT(create({{1, 4096, 0}}), HasSubstr("not made of pages"));
  EXPECT_THAT(create({{0, 0, 0}}), HasSubstr("not made of pages"));
  EXPECT_THAT(create({{0, 8192, 0}, {4096, 4096, 4096}}), HasSubstr("overlap"));
  EXPECT_THAT(create({{UINT64_MAX - 4095, 8192, 0}}), HasSubstr("beyond all addresses"));
}

// Virtual address 0xffff888000000000 has index 273 at level 4; 0xff11000000000000 has index 273 at level 5.
constexpr uint64_t kKernel4 = 0xffff888000000000;
constexpr uint64_t kKernel5 = 0xff11000000000000;

TEST_F(GuestRamTest, FourLevelsSmallPage) {
  set(0x1000, 273, 0x2000 | kPresent);
  set(0x2000, 1, 0x3000 | kPresent);
  set(0x3000, 2, (kHigh + 0x4000) | kPresent);
  set(kHigh + 0x4000, 3, 0x5000 | kPresent | uint64_t{1} << 63);  // no-execute changes nothing
  const uint64_t address = kKernel4 + (1 << 30) + (2 << 21) + (3 << 12) + 0x123;
  const PageWalker walker(*ram_, 0x1000, 4);
  EXPECT_EQ(walker.translate(address), 0x5123u);
  EXPECT_EQ(walker.translate(address + 4096), std::nullopt);
  EXPECT_EQ(walker.translate(address & 0x0000ffffffffffff), std::nullopt) << "not canonical";
  EXPECT_EQ(PageWalker(*ram_, 0x1000, 3).translate(address), std::nullopt);
}

TEST_F(GuestRamTest, LargePages) {
  set(0x1000, 273, 0x2000 | kPresent);
  set(0x2000, 0, kHigh | kPresent | kLarge);  // 1 GiB
  set(0x2000, 1, 0x3000 | kPresent);
  set(0x3000, 7, 0x1fe000 | kPresent | kLarge);  // 2 MiB; low bits of the frame are not address bits
  const PageWalker walker(*ram_, 0x1000, 4);
  EXPECT_EQ(walker.translate(kKernel4 + 0x12345678), kHigh + 0x12345678);
  EXPECT_EQ(walker.translate(kKernel4 + (1 << 30) + (7 << 21) + 0x54321), 0x54321u);
}

TEST_F(GuestRamTest, FiveLevels) {
  set(0x1000, 273, 0x2000 | kPresent);
  set(0x2000, 0, 0x3000 | kPresent);
  set(0x3000, 0, 0x4000 | kPresent);
  set(0x4000, 0, 0x5000 | kPresent);
  set(0x5000, 9, 0x6000 | kPresent);
  const PageWalker walker(*ram_, 0x1000, 5);
  EXPECT_EQ(walker.translate(kKernel5 + 0x9010), 0x6010u);
  EXPECT_EQ(walker.translate(0x0001000000000000), std::nullopt) << "canonical, not mapped";
  EXPECT_EQ(walker.translate(0x0100000000000000), std::nullopt) << "not canonical";
}

TEST_F(GuestRamTest, HostileTables) {
  const PageWalker walker(*ram_, 0x1000, 4);
  set(0x1000, 273, 0x000ffffffffff000 | kPresent);  // a table far outside
  EXPECT_EQ(walker.translate(kKernel4), std::nullopt);
  set(0x1000, 273, 2 * kMiB | kPresent);  // a table just behind a region
  EXPECT_EQ(walker.translate(kKernel4), std::nullopt);
  set(0x1000, 273, 0x1000 | kPresent | kLarge);  // large is reserved at level 4
  EXPECT_EQ(walker.translate(kKernel4), std::nullopt);
  set(0x1000, 0, 0x1000 | kPresent);  // a table that is its own entry: levels still end
  EXPECT_EQ(walker.translate(0), 0x1000u);
  EXPECT_EQ(PageWalker(*ram_, UINT64_MAX, 4).translate(kKernel4), std::nullopt);
}

// Kernel: two neighbouring virtual pages on physical pages in reverse order, then a hole, then a page outside RAM.
class WalkingMemoryTest : public GuestRamTest {
 protected:
  void SetUp() override {
    GuestRamTest::SetUp();
    set(0x1000, 273, 0x2000 | kPresent);
    set(0x2000, 0, 0x3000 | kPresent);
    set(0x3000, 0, 0x4000 | kPresent);
    set(0x4000, 0, 0x11000 | kPresent);
    set(0x4000, 1, 0x10000 | kPresent);
    set(0x4000, 3, 0x123456000 | kPresent);
    fill(0x11000, 4096, 0xaa);
    fill(0x10000, 4096, 0xbb);
    // A user's tables, root at 0x8000: its page 0x400000 is at 4 GiB + 0x1000; the kernel half is mapped too.
    set(0x8000, 0, 0x9000 | kPresent);
    set(0x9000, 0, 0xa000 | kPresent);
    set(0xa000, 2, 0xb000 | kPresent);
    set(0xb000, 0, (kHigh + 0x1000) | kPresent);
    set(0x8000, 273, 0x2000 | kPresent);
    fill(kHigh + 0x1000, 4096, 0xcc);
    memory_ = walking_memory(ram_, {.kernel_root = 0x1000, .levels = 4, .page_offset = kKernel4});
  }

  std::unique_ptr<Memory> memory_;
  uint8_t out_[8192] = {};
  uint64_t fault_ = 0;
};

constexpr uint64_t kPgd = kKernel4 + 0x8000;

TEST_F(WalkingMemoryTest, ReadsAcrossPages) {
  ASSERT_TRUE(memory_->read_kernel(kKernel4 + 4094, out_, 4, &fault_));
  EXPECT_EQ(out_[0], 0xaa);
  EXPECT_EQ(out_[1], 0xaa);
  EXPECT_EQ(out_[2], 0xbb);
  EXPECT_EQ(out_[3], 0xbb);
  EXPECT_TRUE(memory_->read_kernel(kKernel4, out_, 8192, &fault_));
}

TEST_F(WalkingMemoryTest, FaultsNameTheFirstBadAddress) {
  EXPECT_FALSE(memory_->read_kernel(kKernel4 + 8190, out_, 8, &fault_));
  EXPECT_EQ(fault_, kKernel4 + 8192);
  EXPECT_FALSE(memory_->read_kernel(kKernel4 + 0x3010, out_, 1, &fault_)) << "mapped to what is not RAM";
  EXPECT_EQ(fault_, kKernel4 + 0x3010);
  EXPECT_FALSE(memory_->read_kernel(0, out_, 1, &fault_));
  EXPECT_EQ(fault_, 0u);
  EXPECT_FALSE(memory_->read_kernel(UINT64_MAX, out_, 2, &fault_));
  EXPECT_EQ(fault_, UINT64_MAX);
}

TEST_F(WalkingMemoryTest, NeverWrapsAroundTheEndOfAddresses) {
  // The last page of all is mapped, and page 0 is too.
  set(0x1000, 511, 0x2000 | kPresent);
  set(0x2000, 511, 0x3000 | kPresent);
  set(0x3000, 511, 0x4000 | kPresent);
  set(0x4000, 511, 0x10000 | kPresent);
  set(0x1000, 0, 0x2000 | kPresent);
  EXPECT_TRUE(memory_->read_kernel(UINT64_MAX, out_, 1, &fault_));
  EXPECT_TRUE(memory_->read_kernel(0, out_, 1, &fault_));
  EXPECT_FALSE(memory_->read_kernel(UINT64_MAX, out_, 2, &fault_));
}

TEST_F(WalkingMemoryTest, UserMemoryIsThatOfThePageTableGiven) {
  ASSERT_TRUE(memory_->read_user(kPgd, 0x400010, out_, 16, &fault_)) << std::hex << fault_;
  EXPECT_EQ(out_[0], 0xcc);
  EXPECT_FALSE(memory_->read_user(0, 0x400010, out_, 1, &fault_)) << "a kernel thread";
  EXPECT_EQ(fault_, 0x400010u);
  EXPECT_FALSE(memory_->read_user(kPgd + 8, 0x400010, out_, 1, &fault_)) << "not a table";
  EXPECT_FALSE(memory_->read_user(kKernel4 - 4096, 0x400010, out_, 1, &fault_)) << "below the direct map";
  EXPECT_FALSE(memory_->read_user(kPgd + (uint64_t{1} << 40), 0x400010, out_, 1, &fault_)) << "not in RAM";
  EXPECT_FALSE(memory_->read_user(kPgd, kKernel4, out_, 1, &fault_)) << "the kernel is not the user's";
  EXPECT_EQ(fault_, kKernel4);
}

TEST_F(WalkingMemoryTest, UserTranslationsLiveForOneFiring) {
  ASSERT_TRUE(memory_->read_user(kPgd, 0x400000, out_, 1, &fault_));
  set(0xb000, 0, 0x10000 | kPresent);
  memory_->begin_firing();
  ASSERT_TRUE(memory_->read_user(kPgd, 0x400000, out_, 1, &fault_));
  EXPECT_EQ(out_[0], 0xbb);
  set(0xb000, 0, 0);
  memory_->begin_firing();
  EXPECT_FALSE(memory_->read_user(kPgd, 0x400000, out_, 1, &fault_));
}

TEST_F(WalkingMemoryTest, KernelTranslationsAreForgottenInTime) {
  ASSERT_TRUE(memory_->read_kernel(kKernel4, out_, 1, &fault_));
  set(0x4000, 0, 0);
  for (int firing = 0; firing < 2000; ++firing) memory_->begin_firing();
  EXPECT_FALSE(memory_->read_kernel(kKernel4, out_, 1, &fault_));
}

TEST_F(WalkingMemoryTest, EqualPagesOfTwoAddressSpacesAreNotMixedUp) {
  set(0xc000, 0, 0x9000 | kPresent);  // a second user root with the same upper tables but its own mapping below
  set(0xc000, 0, 0xd000 | kPresent);
  set(0xd000, 0, 0xe000 | kPresent);
  set(0xe000, 2, 0xf000 | kPresent);
  set(0xf000, 0, 0x10000 | kPresent);
  ASSERT_TRUE(memory_->read_user(kPgd, 0x400000, out_, 1, &fault_));
  EXPECT_EQ(out_[0], 0xcc);
  ASSERT_TRUE(memory_->read_user(kKernel4 + 0xc000, 0x400000, out_, 1, &fault_));
  EXPECT_EQ(out_[0], 0xbb);
}

}  // namespace
}  // namespace ht::guest
