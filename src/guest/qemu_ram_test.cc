#include "guest/qemu_ram.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "guest/qemu_arguments.h"

namespace ht::guest {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;

using Arguments = std::vector<std::string>;

QemuMemory parsed(const Arguments& arguments) {
  Result<QemuMemory> result = parse_qemu_arguments(arguments);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().text());
  return result.ok() ? *result : QemuMemory{};
}
std::string refused(const Arguments& arguments) {
  const Result<QemuMemory> result = parse_qemu_arguments(arguments);
  return result.ok() ? "accepted" : result.error().text();
}

TEST(QemuArguments, OrdinarySpelling) {
  const QemuMemory memory = parsed({"qemu-system-x86_64", "-name", "vm1", "-machine", "q35,memory-backend=ram", "-m",
                                    "256M", "-object", "memory-backend-memfd,id=ram,size=256M,share=on", "-nographic"});
  EXPECT_EQ(memory.backend, RamBackend::kMemfd);
  EXPECT_EQ(memory.size, 256 * kMiB);
  EXPECT_EQ(memory.machine, "q35");
}

TEST(QemuArguments, LibvirtsSpelling) {
  const QemuMemory memory = parsed(
      {"qemu", "-machine", "pc-i440fx-7.2,usb=off,memory-backend=pc.ram", "-m", "size=1048576k", "-object",
       R"({"qom-type":"memory-backend-file","id":"pc.ram","mem-path":"/var/lib/ram,1","share":true,"size":1073741824})"});
  EXPECT_EQ(memory.backend, RamBackend::kFile);
  EXPECT_EQ(memory.size, kGiB);
  EXPECT_EQ(memory.path, "/var/lib/ram,1");
  EXPECT_EQ(memory.machine, "pc-i440fx-7.2");
}

TEST(QemuArguments, NumaAndDoubledCommas) {
  const QemuMemory memory =
      parsed({"qemu", "-M", "type=q35", "--object", "memory-backend-file,id=m0,size=2G,mem-path=/a,,b,share", "-numa",
              "node,nodeid=0,memdev=m0"});
  EXPECT_EQ(memory.path, "/a,b");
  EXPECT_EQ(memory.size, 2 * kGiB);
  EXPECT_EQ(memory.machine, "q35");
}

TEST(QemuArguments, ErrorsSayWhatToChange) {
  EXPECT_EQ(
      refused({"qemu", "-m", "512", "-machine", "q35"}),
      "the guest's RAM is private to QEMU (start QEMU with -object memory-backend-memfd,id=ram,size=512M,share=on "
      "-machine q35,memory-backend=ram)");
  EXPECT_THAT(refused({"qemu"}), HasSubstr("size=128M,share=on -machine pc,memory-backend=ram"));
  EXPECT_EQ(refused({"qemu", "-machine", "q35,memory-backend=r", "-object", "memory-backend-ram,id=r,size=1G"}),
            "the guest's RAM (memory-backend-ram \"r\") is not shared (add share=on to its -object)");
  EXPECT_THAT(
      refused({"qemu", "-machine", "q35,memory-backend=r", "-object", "memory-backend-memfd,id=r,size=1G,share=off"}),
      HasSubstr("is not shared"));
  EXPECT_THAT(refused({"qemu", "-machine", "q35,memory-backend=r"}), HasSubstr("\"r\" has no -object"));
  EXPECT_THAT(refused({"qemu", "-machine", "q35,memory-backend=r", "-object",
                       "memory-backend-memfd,id=r,size=1G,share=on,hugetlb=on"}),
              HasSubstr("remove hugetlb=on"));
  for (const char* size : {"", "x", "1Q", "1GB", "99999999999999999999", "18446744073709551615G", "0"}) {
    EXPECT_THAT(refused({"qemu", "-machine", "q35,memory-backend=r", "-object",
                         std::string("memory-backend-memfd,id=r,share=on,size=") + size}),
                HasSubstr("cannot read the size"))
        << size;
  }
  EXPECT_THAT(refused({"qemu", "-object", "{broken"}), HasSubstr("private"));
  EXPECT_THAT(refused({"qemu", "-object"}), HasSubstr("private"));
  EXPECT_THAT(refused({}), HasSubstr("private"));
}

// Bytes below and above 4 GiB.
std::pair<uint64_t, uint64_t> split(const std::string& machine, uint64_t size, uint64_t limit = 0) {
  const auto regions = ram_regions({.size = size, .path = {}, .machine = machine, .max_below_4g = limit});
  EXPECT_TRUE(regions.ok());
  if (!regions.ok()) return {};
  EXPECT_EQ((*regions)[0].address, 0u);
  if ((*regions).size() == 1) return {(*regions)[0].size, 0};
  EXPECT_EQ((*regions)[1].address, 4 * kGiB);
  EXPECT_EQ((*regions)[1].offset, (*regions)[0].size);
  return {(*regions)[0].size, (*regions)[1].size};
}

TEST(QemuRegions, AsTheMachinesLayThemOut) {
  using Pair = std::pair<uint64_t, uint64_t>;
  EXPECT_EQ(split("q35", 256 * kMiB), Pair(256 * kMiB, 0));
  EXPECT_EQ(split("q35", 0xb0000000 - 4096), Pair(0xb0000000 - 4096, 0));
  EXPECT_EQ(split("q35", 0xb0000000), Pair(0x80000000, 0x30000000));
  EXPECT_EQ(split("pc-q35-7.2", 4 * kGiB), Pair(2 * kGiB, 2 * kGiB));
  EXPECT_EQ(split("pc", 0xe0000000 - 4096), Pair(0xe0000000 - 4096, 0));
  EXPECT_EQ(split("pc", 0xe0000000), Pair(0xc0000000, 0x20000000));
  EXPECT_EQ(split("", 4 * kGiB), Pair(3 * kGiB, kGiB)) << "pc is QEMU's default";
  EXPECT_EQ(split("pc-i440fx-7.2", 4 * kGiB), Pair(3 * kGiB, kGiB));
  EXPECT_EQ(split("pc", 4 * kGiB, 2 * kGiB), Pair(2 * kGiB, 2 * kGiB)) << "max-ram-below-4g";
  EXPECT_EQ(split("q35", 4 * kGiB, kGiB), Pair(kGiB, 3 * kGiB));
  EXPECT_FALSE(ram_regions({.size = kGiB, .path = {}, .machine = "isapc"}).ok());
}

// This process stands in for QEMU: the RAM is found among its own descriptors.
UniqueFd memfd(const char* name, uint64_t size, char mark) {
  UniqueFd file(::memfd_create(name, MFD_CLOEXEC));
  EXPECT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
  EXPECT_EQ(::pwrite(file.get(), &mark, 1, 0), 1);
  return file;
}

Arguments backend(const std::string& options) {
  return {"qemu", "-machine", "q35,memory-backend=r", "-object", options + ",id=r,share=on"};
}

TEST(QemuRam, FindsTheMemfdOfTheRightNameAndSize) {
  const UniqueFd other_size = memfd("memory-backend-memfd", 2 * kMiB, 'x');
  const UniqueFd other_name = memfd("something", kMiB, 'y');
  const UniqueFd right = memfd("memory-backend-memfd", kMiB, 'z');
  const UniqueFd again(::dup(right.get()));
  const auto ram = open_qemu_ram(::getpid(), backend("memory-backend-memfd,size=1M"));
  ASSERT_TRUE(ram.ok()) << ram.error().text();
  EXPECT_EQ(*(*ram)->at(0, 1), 'z');
  EXPECT_EQ((*ram)->size(), kMiB);
}

TEST(QemuRam, TwoThatFitAreNotGuessedBetween) {
  const UniqueFd one = memfd("memory-backend-memfd", kMiB, 'x');
  const UniqueFd two = memfd("memory-backend-memfd", kMiB, 'y');
  const auto ram = open_qemu_ram(::getpid(), backend("memory-backend-memfd,size=1M"));
  ASSERT_FALSE(ram.ok());
  EXPECT_THAT(ram.error().message, HasSubstr("more than one"));
}

TEST(QemuRam, FindsAFileByNameAndByDirectory) {
  const std::string directory = ::testing::TempDir() + "qemu_ram_test.XXXXXX";
  std::string path = directory;
  ASSERT_NE(::mkdtemp(path.data()), nullptr);
  const std::string name = path + "/ram";
  UniqueFd file(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(file.get(), kMiB), 0);
  EXPECT_TRUE(open_qemu_ram(::getpid(), backend("memory-backend-file,size=1M,mem-path=" + name)).ok());
  ::unlink(name.c_str());
  EXPECT_TRUE(open_qemu_ram(::getpid(), backend("memory-backend-file,size=1M,mem-path=" + name)).ok()) << "deleted";
  EXPECT_TRUE(open_qemu_ram(::getpid(), backend("memory-backend-file,size=1M,mem-path=" + path)).ok()) << "directory";
  EXPECT_FALSE(open_qemu_ram(::getpid(), backend("memory-backend-file,size=2M,mem-path=" + name)).ok()) << "too short";
  ::rmdir(path.c_str());
}

TEST(QemuRam, FindsSharedAnonymousMemory) {
  constexpr uint64_t kSize = 3 * kMiB + 4096;  // unlike anything else in this process
  void* data = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(data, MAP_FAILED);
  static_cast<char*>(data)[0] = 'a';
  const auto ram = open_qemu_ram(::getpid(), backend("memory-backend-ram,size=" + std::to_string(kSize)));
  const bool permitted = ::geteuid() == 0;  // /proc/PID/map_files
  if (!ram.ok()) {
    EXPECT_FALSE(permitted) << ram.error().text();
  } else {
    EXPECT_EQ(*(*ram)->at(0, 1), 'a');
  }
  ::munmap(data, kSize);
}

TEST(QemuRam, NothingFound) {
  const auto ram = open_qemu_ram(::getpid(), backend("memory-backend-memfd,size=77M"));
  ASSERT_FALSE(ram.ok());
  EXPECT_THAT(ram.error().message, HasSubstr("no shared memory of 80740352 bytes"));
  EXPECT_FALSE(open_qemu_ram(-1, backend("memory-backend-memfd,size=77M")).ok());
}

}  // namespace
}  // namespace ht::guest
