#include "agent/tracefs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace ht::agent {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs events(std::string_view text) {
  Pairs found;
  for_each_event(text,
                 [&](std::string_view subsystem, std::string_view event) { found.emplace_back(subsystem, event); });
  return found;
}

Pairs functions(std::string_view text) {
  Pairs found;
  for_each_traceable_function(
      text, [&](std::string_view name, std::string_view module) { found.emplace_back(name, module); });
  return found;
}

TEST(Tracefs, EventsBySubsystem) {
  EXPECT_THAT(events("sched:sched_switch\nskb:kfree_skb\n"),
              ElementsAre(Pair("sched", "sched_switch"), Pair("skb", "kfree_skb")));
  EXPECT_THAT(events("last:without_newline"), ElementsAre(Pair("last", "without_newline")));
}

TEST(Tracefs, WhatIsNoEventIsLeftOut) {
  EXPECT_THAT(events(""), IsEmpty());
  EXPECT_THAT(events("\n\nnothing\n:event\nsubsystem:\na b:c\na:b\x01\n"), IsEmpty());
  EXPECT_THAT(events("a:" + std::string(256, 'x')), IsEmpty());
  EXPECT_EQ(events("a:" + std::string(255, 'x')).size(), 1u);
}

TEST(Tracefs, FunctionsAndTheirModules) {
  EXPECT_THAT(functions("vfs_read\next4_readdir [ext4]\nfoo.isra.0\nbar\t[virtio_net]\n"),
              ElementsAre(Pair("vfs_read", ""), Pair("ext4_readdir", "ext4"), Pair("foo.isra.0", ""),
                          Pair("bar", "virtio_net")));
}

TEST(Tracefs, WhatIsNoFunctionIsLeftOut) {
  EXPECT_THAT(functions("__ftrace_invalid_address___64\n\n [ext4]\nf [\ng []\nh [a b]\n"), IsEmpty());
}

TEST(Tracefs, ThisMachinesListsCanBeRead) {
  auto text = read_tracefs("available_events", size_t{8} << 20);
  if (!text) GTEST_SKIP() << "no tracefs: " << text.error().text();
  EXPECT_THAT(events(*text), Contains(Pair("sched", "sched_switch")));
}

}  // namespace
}  // namespace ht::agent
