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

link::TargetResolver decided(const dif::Program& program) {
  link::TargetResolver resolver;
  decide_targets(targets_of(program), kGuests, resolver);
  return resolver;
}

Plan plan(const dif::Program& program, bool allow_no_match = false) {
  return plan_targets(program, kGuests, decided(program), allow_no_match);
}

TEST(Targets, AGlobMeansItsGuestsAndEmptyMeansAll) {
  Plan planned = plan(program({{desc("vm1", "syscall", "entry")}, {desc("", "syscall", "return")}}));
  EXPECT_TRUE(planned.errors.empty());
  ASSERT_EQ(planned.guests.size(), 2u);  // vm3 is not ready
  EXPECT_EQ(planned.guests[1], (GuestUse{{true}, {true}}));
  EXPECT_EQ(planned.guests[2], (GuestUse{{false}, {true}}));
}

TEST(Targets, HostProbesAreTheHostsOnly) {
  Plan planned = plan(program({{desc("", "", "BEGIN")}, {desc("", "", "tick-1s")}}));
  EXPECT_TRUE(planned.errors.empty());
  EXPECT_TRUE(planned.guests.empty());
  ASSERT_EQ(planned.host.size(), 2u);
  EXPECT_EQ(planned.host[0].probe.probe, engine::HostProbe::kBegin);
  EXPECT_EQ(planned.host[1].clause, 1u);
}

TEST(Targets, ATargetThatMeansNobodyIsAnErrorThatNamesTheGuests) {
  Plan planned = plan(program({{desc("web*", "syscall", "entry")}}));
  ASSERT_EQ(planned.errors.size(), 1u);
  EXPECT_NE(planned.errors[0].message.find("web*"), std::string::npos);
  EXPECT_NE(planned.errors[0].hint.find("vm1, vm2, vm3"), std::string::npos);
  EXPECT_TRUE(plan(program({{desc("web*", "syscall", "entry")}}), true).errors.empty());
}

TEST(Targets, AGuestThatIsNotReadySaysWhy) {
  Plan planned = plan(program({{desc("vm3", "syscall", "entry")}}));
  ASSERT_EQ(planned.errors.size(), 1u);
  EXPECT_NE(planned.errors[0].hint.find("vm3 is no-agent"), std::string::npos);
}

TEST(Targets, AGuestGetsOnlyWhatIsMeantForIt) {
  auto whole = program({{desc("vm1", "a", "x"), desc("vm2", "b", "y")}, {desc("vm2", "c", "z")}});
  auto sent = program_for_guest(whole, guest_use(whole, kGuests[0].names, decided(whole)));
  ASSERT_EQ(sent.clauses.size(), 2u);
  ASSERT_EQ(sent.clauses[0].probes.size(), 1u);
  EXPECT_EQ(sent.clauses[0].probes[0].provider, "a");
  ASSERT_EQ(sent.clauses[1].probes.size(), 1u);  // keeps its place, matches nothing
  EXPECT_EQ(sent.clauses[1].probes[0].provider, "-");
}

}  // namespace
}  // namespace ht::daemon
