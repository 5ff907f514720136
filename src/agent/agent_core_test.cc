// Matching and arming with providers that only remember.
#include "agent/agent_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace ht::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FakeProvider final : public Provider {
 public:
  FakeProvider(std::string name, uint32_t first) : name_(std::move(name)) {
    for (uint32_t i = 0; i < 3; i++)
      for (uint32_t kind = 0; kind < 2; kind++)
        probes_.push_back({first + i * 2 + kind, name_, "vmlinux", std::string(1, static_cast<char>('a' + i)),
                           kind ? "return" : "entry"});
  }
  std::string_view name() const override { return name_; }
  std::vector<Probe> find(const dif::ProbeDesc& description, uint32_t first, size_t limit) override {
    asked++;
    std::vector<Probe> found;
    for (const Probe& probe : probes_)
      if (found.size() < limit && probe.number >= first && means(description, probe.module, probe.function, probe.name))
        found.push_back(probe);
    return found;
  }
  bool has(uint32_t number) const override {
    return std::any_of(probes_.begin(), probes_.end(), [&](const Probe& probe) { return probe.number == number; });
  }
  Result<void> arm(const std::vector<uint32_t>& numbers, int) override {
    if (refuse) return Error("the kernel refuses");
    for (uint32_t number : numbers) EXPECT_TRUE(armed.insert(number).second) << "armed twice";
    loaded = true;
    return {};
  }
  void disarm(const std::vector<uint32_t>& numbers) override {
    for (uint32_t number : numbers) EXPECT_EQ(armed.erase(number), 1u);
  }
  void unload() override {
    EXPECT_THAT(armed, IsEmpty());
    loaded = false;
  }
  uint64_t misses() const override { return 3; }

  std::set<uint32_t> armed;
  int asked = 0;
  bool refuse = false, loaded = false;

 private:
  std::string name_;
  std::vector<Probe> probes_;
};

struct RingLog {
  int made = 0, alive = 0, breakers_closed = 0;
};
class FakeRings final : public AgentCore::RingHandle {
 public:
  FakeRings(RingLog& log, const call::Nonce& nonce) : log_(log) {
    log_.made++, log_.alive++;
    set_.nonce = nonce;
    set_.rings.resize(1);
  }
  ~FakeRings() override { log_.alive--; }
  int map_fd() const override { return -1; }
  const call::RingSet& set() const override { return set_; }
  call::CallCounters counters() const override { return {.timed_out = 2}; }
  void close_breaker() override { log_.breakers_closed++; }

 private:
  RingLog& log_;
  call::RingSet set_;
};

class AgentCoreTest : public ::testing::Test {
 protected:
  AgentCoreTest() {
    auto a = std::make_unique<FakeProvider>("alpha", 0);
    auto b = std::make_unique<FakeProvider>("beta", 100);
    a_ = a.get(), b_ = b.get();
    std::vector<std::unique_ptr<Provider>> providers;
    providers.push_back(std::move(a));
    providers.push_back(std::move(b));
    core_ = std::make_unique<AgentCore>(std::move(providers), [this](const call::Nonce& nonce) {
      return Result<std::unique_ptr<AgentCore::RingHandle>>(std::make_unique<FakeRings>(rings_, nonce));
    });
  }
  std::vector<Probe> list(const dif::ProbeDesc& d) const { return core_->list(d, 0, SIZE_MAX); }
  static std::vector<uint32_t> numbers(const std::vector<Probe>& probes) {
    std::vector<uint32_t> result;
    for (const Probe& probe : probes) result.push_back(probe.number);
    return result;
  }
  static dif::ProbeDesc description(std::string provider, std::string function, std::string name) {
    dif::ProbeDesc d;
    d.provider = std::move(provider), d.function = std::move(function), d.name = std::move(name);
    return d;
  }

  RingLog rings_;
  FakeProvider *a_, *b_;
  std::unique_ptr<AgentCore> core_;
  const call::Nonce one_{1}, two_{2};
};

TEST_F(AgentCoreTest, ListsByEveryFieldAndByGlob) {
  EXPECT_THAT(numbers(list(description("alpha", "", "entry"))), ElementsAre(0, 2, 4));
  EXPECT_THAT(numbers(list(description("", "b", ""))), ElementsAre(2, 3, 102, 103));
  EXPECT_THAT(numbers(list(description("b*", "[ac]", "ret*"))), ElementsAre(101, 105));
  EXPECT_THAT(list(description("alph", "", "")), IsEmpty());
  dif::ProbeDesc by_id;
  by_id.id = 104;
  EXPECT_THAT(list(by_id), IsEmpty()) << "ids are the host's";
}

TEST_F(AgentCoreTest, ListsPageByPageInNumberOrder) {
  const auto all = description("", "", "entry");
  EXPECT_THAT(numbers(core_->list(all, 0, 4)), ElementsAre(0, 2, 4, 100));
  EXPECT_THAT(numbers(core_->list(all, 101, 4)), ElementsAre(102, 104));
  EXPECT_THAT(core_->list(all, 105, 4), IsEmpty());
}

TEST_F(AgentCoreTest, AProviderThatNobodyMeansIsNotAskedWhatItHas) {
  list(description("alpha", "", ""));
  EXPECT_EQ(a_->asked, 1);
  EXPECT_EQ(b_->asked, 0);
}

TEST_F(AgentCoreTest, MatchNamesAProbeOncePerClause) {
  dif::Program program;
  program.clauses.resize(3);
  program.clauses[0].probes = {description("alpha", "a", ""), description("alpha", "", "entry")};
  program.clauses[1].probes = {description("dtrace", "", "BEGIN")};
  program.clauses[2].probes = {description("beta", "c", "return")};
  auto matches = core_->match(program);
  ASSERT_EQ(matches.size(), 2u);
  EXPECT_EQ(matches[0].clause, 0u);
  EXPECT_THAT(numbers(matches[0].probes), ElementsAre(0, 1, 2, 4));
  EXPECT_EQ(matches[1].clause, 2u);
  EXPECT_THAT(numbers(matches[1].probes), ElementsAre(105));
}

TEST_F(AgentCoreTest, ProgramsShareProbesAndRings) {
  auto first = core_->arm(1, {0, 1, 100}, one_);
  ASSERT_TRUE(first);
  auto second = core_->arm(2, {1, 2}, two_);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->nonce, one_) << "the rings keep the nonce they have";
  EXPECT_EQ(rings_.breakers_closed, 1);
  EXPECT_THAT(a_->armed, ElementsAre(0, 1, 2));
  core_->disarm(1);
  EXPECT_THAT(a_->armed, ElementsAre(1, 2));
  EXPECT_THAT(b_->armed, IsEmpty());
  EXPECT_TRUE(a_->loaded);
  core_->disarm(1);  // unknown by now
  core_->disarm(2);
  EXPECT_FALSE(a_->loaded);
  EXPECT_EQ(rings_.alive, 0);
  ASSERT_TRUE(core_->arm(3, {5}, two_));
  EXPECT_EQ(rings_.made, 2);
}

TEST_F(AgentCoreTest, SameProgramAgainReplacesWhatItArmed) {
  ASSERT_TRUE(core_->arm(1, {0, 1}, one_));
  ASSERT_TRUE(core_->arm(1, {1, 2}, one_));
  EXPECT_THAT(a_->armed, ElementsAre(1, 2));
  core_->disarm(1);
  EXPECT_THAT(a_->armed, IsEmpty());
}

TEST_F(AgentCoreTest, WhollyOrNotAtAll) {
  b_->refuse = true;
  auto armed = core_->arm(1, {0, 100}, one_);
  ASSERT_FALSE(armed);
  EXPECT_EQ(armed.error().message, "the kernel refuses");
  EXPECT_THAT(a_->armed, IsEmpty());
  EXPECT_FALSE(a_->loaded);
  EXPECT_EQ(rings_.alive, 0);

  ASSERT_TRUE(core_->arm(2, {0}, one_));
  EXPECT_FALSE(core_->arm(3, {1, 100}, one_));
  EXPECT_THAT(a_->armed, ElementsAre(0));
  EXPECT_EQ(rings_.alive, 1);
}

TEST_F(AgentCoreTest, UnknownProbesAndNoneAreErrors) {
  EXPECT_FALSE(core_->arm(1, {0, 50}, one_));
  EXPECT_FALSE(core_->arm(1, {}, one_));
  EXPECT_THAT(a_->armed, IsEmpty());
  EXPECT_EQ(rings_.alive, 0);
}

TEST_F(AgentCoreTest, CountersAreOfRingsAndProviders) {
  EXPECT_EQ(core_->counters().nested, 0u);
  ASSERT_TRUE(core_->arm(1, {0}, one_));
  EXPECT_EQ(core_->counters().nested, 6u);
  EXPECT_EQ(core_->counters().timed_out, 2u);
}

}  // namespace
}  // namespace ht::agent
