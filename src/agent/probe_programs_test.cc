// Attaching wholly or not at all, and within bounded time. Pipes stand for what is attached: the other end sees them
// closed.
#include "agent/probe_programs.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <map>
#include <numeric>

namespace ht::agent {
namespace {

class ProbeProgramsTest : public ::testing::Test {
 protected:
  Result<Attachment> attach(uint32_t number) {
    int ends[2];
    if (pipe(ends) != 0) return errno_error("pipe");
    std::lock_guard lock(mutex_);
    others_[number] = UniqueFd(ends[0]);
    Attachment attachment;
    attachment.links.emplace_back(ends[1]);
    return attachment;
  }
  // Waits for what is closed in the background.
  bool is_detached(uint32_t number, int milliseconds = 10'000) {
    pollfd other{others_.at(number).get(), POLLIN, 0};
    return poll(&other, 1, milliseconds) == 1 && (other.revents & POLLHUP) != 0;
  }
  static std::vector<uint32_t> numbers(uint32_t count) {
    std::vector<uint32_t> result(count);
    std::iota(result.begin(), result.end(), 100);
    return result;
  }
  size_t tried() {
    std::lock_guard lock(mutex_);
    return others_.size();
  }

  std::mutex mutex_;
  std::map<uint32_t, UniqueFd> others_;
  Detacher detacher_;
  ProbePrograms programs_{detacher_};
};

TEST_F(ProbeProgramsTest, AttachesAllAndDetachesSome) {
  ASSERT_TRUE(programs_.attach(numbers(20), [this](uint32_t number) { return attach(number); }).ok());
  EXPECT_EQ(tried(), 20u);
  programs_.detach({103, 104, 999});
  EXPECT_TRUE(is_detached(103) && is_detached(104));
  EXPECT_FALSE(is_detached(102, 0));
  programs_.detach_all();
  for (uint32_t number : numbers(20)) EXPECT_TRUE(is_detached(number)) << number;
}

TEST_F(ProbeProgramsTest, OneThatFailsTakesTheOthersWithIt) {
  auto attached = programs_.attach(numbers(20), [this](uint32_t number) -> Result<Attachment> {
    if (number == 107) return Error("107 cannot be");
    return attach(number);
  });
  ASSERT_FALSE(attached.ok());
  EXPECT_EQ(attached.error().message, "107 cannot be");
  for (const auto& [number, other] : others_) EXPECT_TRUE(is_detached(number)) << number;
  EXPECT_TRUE(programs_.attach({107}, [this](uint32_t number) { return attach(number); }).ok());
}

TEST_F(ProbeProgramsTest, TimeIsBounded) {
  auto attached = programs_.attach(
      numbers(2000),
      [this](uint32_t number) {
        usleep(1000);
        return attach(number);
      },
      std::chrono::milliseconds(20));
  ASSERT_FALSE(attached.ok());
  EXPECT_TRUE(attached.error().message.starts_with("only ") &&
              attached.error().message.ends_with(" of 2000 probes could be armed within 0 s"))
      << attached.error().message;
  EXPECT_LT(tried(), 2000u);
  for (const auto& [number, other] : others_) EXPECT_TRUE(is_detached(number)) << number;
}

TEST_F(ProbeProgramsTest, WhatStillWaitsIsDetachedAtTheEnd) {
  {
    Detacher detacher;
    ProbePrograms programs(detacher);
    ASSERT_TRUE(programs.attach(numbers(50), [this](uint32_t number) { return attach(number); }).ok());
  }
  for (uint32_t number : numbers(50)) EXPECT_TRUE(is_detached(number, 0)) << number;
}

}  // namespace
}  // namespace ht::agent
