#include "daemon/qemu_finder.h"

#include <fstream>

#include "daemon/test_directory.h"

namespace ht::daemon {
namespace {

using Words = std::vector<std::string>;

const Words kPlain = {"/usr/bin/qemu-system-x86_64",
                      "-name",
                      "vm1",
                      "-m",
                      "512M",
                      "-chardev",
                      "socket,id=console,path=/run/console,server=on,wait=off",
                      "-chardev",
                      "socket,id=ht,path=/run/vm1,,odd.sock,server=on,wait=off",
                      "-device",
                      "virtio-serial-pci",
                      "-device",
                      "virtserialport,chardev=console,name=org.qemu.guest_agent.0",
                      "-device",
                      "virtserialport,chardev=ht,name=org.hypertrace.0"};

TEST(QemuPort, IsFoundOnAPlainCommandLine) {
  auto port = parse_qemu(kPlain);
  ASSERT_TRUE(port.ok()) << port.error().message;
  EXPECT_EQ(port->name, "vm1");
  EXPECT_EQ(port->path, "/run/vm1,odd.sock");  // a doubled comma is a comma
}

TEST(QemuPort, LibvirtsWayIsUnderstood) {
  auto port = parse_qemu({"qemu-system-x86_64", "-name", "guest=web 1,debug-threads=on", "-chardev",
                          "socket,id=charchannel0,fd=31,server=on,wait=off", "-device",
                          R"({"driver":"virtserialport","bus":"virtio-serial0.0","nr":1,"chardev":"charchannel0",)"
                          R"("id":"channel0","name":"org.hypertrace.0"})"});
  ASSERT_TRUE(port.ok()) << port.error().message;
  EXPECT_EQ(port->name, "web_1");  // a name must be usable in a probe description
  EXPECT_EQ(port->fd, 31);
}

TEST(QemuPort, WhatIsMissingIsSaid) {
  EXPECT_NE(parse_qemu({"qemu"}).error().message.find("org.hypertrace.0"), std::string::npos);
  EXPECT_NE(parse_qemu({"qemu", "-device", "virtserialport,chardev=x,name=org.hypertrace.0"}).error().message.find("x"),
            std::string::npos);
  EXPECT_NE(parse_qemu({"qemu", "-device", "virtserialport,chardev=x,name=org.hypertrace.0", "-chardev", "pty,id=x"})
                .error()
                .message.find("no socket"),
            std::string::npos);
}

TEST(QemuPort, HostileCommandLinesAreHarmless) {
  for (const Words& words : std::vector<Words>{{},
                                               {""},
                                               {"qemu", "-device"},
                                               {"qemu", "-device", "{"},
                                               {"qemu", "-device", "[1]"},
                                               {"qemu", "-device", ",,,,=,="},
                                               {"qemu", "-", "-name", ""},
                                               {"qemu", "-device", R"({"driver":7})"}}) {
    EXPECT_FALSE(parse_qemu(words).ok());
  }
}

// A /proc of our own.
class QemuFinderTest : public testing::Test {
 protected:
  void process(int pid, const Words& words, int started) {
    const std::string home = directory.path() + "/" + std::to_string(pid);
    std::filesystem::create_directories(home + "/fd");
    std::filesystem::create_directories(home + "/net");
    std::ofstream cmdline(home + "/cmdline", std::ios::binary);
    for (const std::string& word : words) cmdline << word << '\0';
    std::ofstream(home + "/stat") << pid << " (qemu) (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 " << started
                                  << " 0 0\n";
  }
  TestDirectory directory;
  QemuFinder finder{directory.path(), "", directory.path() + "/ours"};
};

TEST_F(QemuFinderTest, ScansAllProcessesAndTakesThoseWithThePort) {
  process(20, kPlain, 4711);
  process(3, {"qemu-system-x86_64", "-name", "other"}, 1);
  process(4, {"bash"}, 1);
  Words wrapped = kPlain;  // the same words, but it is not QEMU that runs
  wrapped.insert(wrapped.begin(), "sudo");
  process(5, wrapped, 1);
  std::filesystem::create_directories(directory.path() + "/self");
  auto found = finder.scan();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].pid, 20);
  EXPECT_EQ(found[0].started, 4711u);
  EXPECT_EQ(found[0].name, "vm1");

  // An overlord that has been told which sockets are its own leaves the others alone.
  EXPECT_EQ(QemuFinder(directory.path(), found[0].socket + "*").scan().size(), 1u);
  EXPECT_TRUE(QemuFinder(directory.path(), "/elsewhere/*").scan().empty());
}

TEST_F(QemuFinderTest, ASocketPassedByDescriptorIsFoundByItsInode) {
  process(
      7,
      {"qemu", "-chardev", "socket,id=c,fd=31,server=on", "-device", "virtserialport,chardev=c,name=org.hypertrace.0"},
      1);
  std::filesystem::create_symlink("socket:[5555]", directory.path() + "/7/fd/31");
  std::ofstream(directory.path() + "/7/net/unix")
      << "Num       RefCount Protocol Flags    Type St Inode Path\n"
         "0000000000000000: 00000002 00000000 00010000 0001 01 4444 /run/wrong\n"
         "0000000000000000: 00000002 00000000 00010000 0001 01 5555 /run/right\n";
  auto vm = finder.look(7, "");
  ASSERT_TRUE(vm.ok()) << vm.error().message;
  EXPECT_EQ(vm->socket, "/run/right");
  EXPECT_EQ(vm->name, "pid7");
}

TEST_F(QemuFinderTest, AGuestInAnotherDaemonsDirectoryIsThatDaemons) {
  for (const char* daemon : {"/ours", "/theirs"}) {
    std::filesystem::create_directories(directory.path() + daemon + "/outbound");
    std::filesystem::create_directories(directory.path() + daemon + "/types");
  }
  auto words = [&](const std::string& where) {
    return Words{"qemu", "-chardev", "socket,id=c,path=" + directory.path() + where + "/lab/vm1.sock,server=on",
                 "-device", "virtserialport,chardev=c,name=org.hypertrace.0"};
  };
  process(11, words("/ours"), 1);
  process(12, words("/theirs"), 1);
  process(13, words("/elsewhere"), 1);
  auto found = finder.scan();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].pid, 11);
  EXPECT_EQ(found[1].pid, 13);
  EXPECT_TRUE(finder.look(12, "").ok());  // named explicitly: dtracedctl vm add
}

TEST_F(QemuFinderTest, LookingAtTheWrongProcessSaysWhy) {
  process(4, {"bash"}, 1);
  EXPECT_NE(finder.look(4, "").error().message.find("not QEMU"), std::string::npos);
  EXPECT_NE(finder.look(999, "").error().message.find("no process 999"), std::string::npos);
}

}  // namespace
}  // namespace ht::daemon
