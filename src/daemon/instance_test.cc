#include "daemon/instance.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/test_directory.h"

namespace ht::daemon {
namespace {

Layout layout_in(const TestDirectory& directory) {
  Options options;
  options.directory = directory.path() + "/ddtrace";
  options.own_directory = true;
  return layout_of(options);
}

TEST(Instance, LayoutFollowsTheDirectory) {
  Options options;
  EXPECT_EQ(layout_of(options).pid_file, "/var/run/dtraced.pid");
  EXPECT_EQ(layout_of(options).socket, "/var/ddtrace/sub.sock");
  options.directory = "/x";
  options.own_directory = true;
  EXPECT_EQ(layout_of(options).pid_file, "/x/dtraced.pid");
}

TEST(Instance, ASecondOneIsRefusedAndTheFirstNamed) {
  TestDirectory directory;
  const Layout layout = layout_in(directory);
  auto first = Instance::claim(layout);
  ASSERT_TRUE(first.ok()) << first.error().message;
  auto second = Instance::claim(layout);
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find("already running as process " + std::to_string(::getpid())), std::string::npos)
      << second.error().message;
}

TEST(Instance, TheNextOneMayComeAfterTheFirstEnded) {
  TestDirectory directory;
  const Layout layout = layout_in(directory);
  { ASSERT_TRUE(Instance::claim(layout).ok()); }
  EXPECT_FALSE(std::filesystem::exists(layout.pid_file));
  EXPECT_TRUE(Instance::claim(layout).ok());
}

TEST(Instance, WhatAKilledOneLeftBehindIsNoObstacle) {
  TestDirectory directory;
  const Layout layout = layout_in(directory);
  const pid_t child = ::fork();
  if (child == 0) {
    auto instance = Instance::claim(layout);
    const bool wrote = write_file_atomically(layout.base + "/left.elf", {}).ok() &&
                       write_file_atomically(layout.types + "/kept.btf", {}).ok();
    ::_exit(instance.ok() && wrote ? 0 : 1);  // no destructors: as if killed
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_TRUE(std::filesystem::exists(layout.pid_file));
  auto next = Instance::claim(layout);
  ASSERT_TRUE(next.ok()) << next.error().message;
  EXPECT_EQ(*read_text_file(layout.pid_file), std::to_string(::getpid()) + "\n");
  EXPECT_FALSE(std::filesystem::exists(layout.base + "/left.elf"));
  EXPECT_TRUE(std::filesystem::exists(layout.types + "/kept.btf"));
}

}  // namespace
}  // namespace ht::daemon
