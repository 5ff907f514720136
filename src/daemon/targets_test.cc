#include "daemon/targets.h"

#include <gtest/gtest.h>

namespace ht::daemon {
namespace {

dif::ProbeDesc desc(std::string target, std::string provider, std::string name) {
  dif::ProbeDesc description;
  description.target = std::move(target);
  description.provider = std::move(provider);
  description.name = std::move(name);
  return description;
}

dif::Program program(std::vector<std::vector<dif::ProbeDesc>> clauses) {
  dif::Program result;
  for (auto& probes : clauses) result.clauses.emplace_back().probes = std::move(probes);
  return result;
}

const std::vector<KnownGuest> kGuests = {
    {1, {"vm1", "alpha", "6.1", {}}, true, "ready"},
    {2, {"vm2", "beta", "6.12", {}}, true, "ready"},
    {3, {"vm3", "", "", {}}, false, "no-agent: no agent answers"},
};

TEST(Targets, AGlobMeansItsGuestsAndEmptyMeansAll) {
  auto plan = plan_targets(program({{desc("vm1", "syscall", "entry")}, {desc("", "syscall", "return")}}), kGuests,
                           link::default_resolvers(), false);
  EXPECT_TRUE(plan.errors.empty());
  ASSERT_EQ(plan.guests.size(), 2u);  // vm3 is not ready
  EXPECT_EQ(plan.guests[1], (GuestUse{{true}, {true}}));
  EXPECT_EQ(plan.guests[2], (GuestUse{{false}, {true}}));
}

TEST(Targets, HostProbesAreTheHostsOnly) {
  auto plan = plan_targets(program({{desc("", "", "BEGIN")}, {desc("", "", "tick-1s")}}), kGuests,
                           link::default_resolvers(), false);
  EXPECT_TRUE(plan.errors.empty());
  EXPECT_TRUE(plan.guests.empty());
  ASSERT_EQ(plan.host.size(), 2u);
  EXPECT_EQ(plan.host[0].probe.probe, engine::HostProbe::kBegin);
  EXPECT_EQ(plan.host[1].clause, 1u);
}

TEST(Targets, ATargetThatMeansNobodyIsAnErrorThatNamesTheGuests) {
  auto plan = plan_targets(program({{desc("web*", "syscall", "entry")}}), kGuests, link::default_resolvers(), false);
  ASSERT_EQ(plan.errors.size(), 1u);
  EXPECT_NE(plan.errors[0].message.find("web*"), std::string::npos);
  EXPECT_NE(plan.errors[0].hint.find("vm1, vm2, vm3"), std::string::npos);
  EXPECT_TRUE(plan_targets(program({{desc("web*", "syscall", "entry")}}), kGuests, link::default_resolvers(), true)
                  .errors.empty());
}

TEST(Targets, AGuestThatIsNotReadySaysWhy) {
  auto plan = plan_targets(program({{desc("vm3", "syscall", "entry")}}), kGuests, link::default_resolvers(), false);
  ASSERT_EQ(plan.errors.size(), 1u);
  EXPECT_NE(plan.errors[0].hint.find("vm3 is no-agent"), std::string::npos);
}

TEST(Targets, AGuestGetsOnlyWhatIsMeantForIt) {
  auto whole = program({{desc("vm1", "a", "x"), desc("vm2", "b", "y")}, {desc("vm2", "c", "z")}});
  auto sent = program_for_guest(whole, guest_use(whole, kGuests[0].names, link::default_resolvers()));
  ASSERT_EQ(sent.clauses.size(), 2u);
  ASSERT_EQ(sent.clauses[0].probes.size(), 1u);
  EXPECT_EQ(sent.clauses[0].probes[0].provider, "a");
  ASSERT_EQ(sent.clauses[1].probes.size(), 1u);  // keeps its place, matches nothing
  EXPECT_EQ(sent.clauses[1].probes[0].provider, "-");
}

}  // namespace
}  // namespace ht::daemon
