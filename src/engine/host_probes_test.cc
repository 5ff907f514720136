// Which host probes a description names, and timers that really fire.
#include "engine/host_probes.h"

#include "engine/test_support.h"
#include "engine/timer_thread.h"

namespace ht::engine::test {
namespace {

std::string matched(std::string provider, std::string name, std::string function = "") {
  dif::ProbeDesc description;
  description.provider = std::move(provider);
  description.function = std::move(function);
  description.name = std::move(name);
  std::string names;
  for (const HostProbe& probe : match_host_probes(description)) names += probe.name.name + " ";
  return names;
}

TEST(HostProbes, Match) {
  EXPECT_EQ(matched("", "BEGIN"), "BEGIN ");
  EXPECT_EQ(matched("dtrace", ""), "BEGIN END ERROR ");
  EXPECT_EQ(matched("dtrace", "E*"), "END ERROR ");
  EXPECT_EQ(matched("syscall", "BEGIN"), "");
  EXPECT_EQ(matched("", "BEGIN", "main"), "");
  EXPECT_EQ(matched("profile", "tick-10*"), "tick-10 tick-100 tick-1000 ");
  EXPECT_EQ(matched("", "tick-7s"), "tick-7s ");
  EXPECT_EQ(matched("profile", "profile-97hz"), "profile-97hz ");
  EXPECT_EQ(matched("profile", "tick-*s"), "");  // made on demand by others, listed by no pattern
  EXPECT_EQ(matched("profile", "tick-199us"), "");
  EXPECT_EQ(matched("profile", "tick-5001"), "");
  EXPECT_EQ(matched("profile", "tick-0"), "");
  EXPECT_EQ(matched("profile", "tick-1fortnight"), "");
  EXPECT_EQ(matched("profile", "tick-99999999999999999999d"), "");
}

TEST(HostProbes, TimersKeepTheirNumberAndKnowTheirPeriod) {
  dif::ProbeDesc description;
  description.name = "tick-250MS";
  const auto first = match_host_probes(description), second = match_host_probes(description);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].probe, second[0].probe);
  EXPECT_GE(first[0].probe, HostProbe::kFirstTimer);
  EXPECT_EQ(first[0].period_ns, 250'000'000u);
  EXPECT_FALSE(first[0].per_cpu);
  EXPECT_EQ(find_timer(first[0].probe)->name.name, "tick-250MS");
  EXPECT_FALSE(find_timer(HostProbe::kBegin));
  EXPECT_EQ(parse_timer_name("profile-97")->period_ns, 1'000'000'000u / 97);
  EXPECT_TRUE(parse_timer_name("profile-97")->per_cpu);
  description = {};
  description.id = first[0].probe;
  EXPECT_EQ(match_host_probes(description)[0].name.name, "tick-250MS");
}

TEST(Timers, FireUntilExitAndCallNothingAfterwards) {
  dif::ProbeDesc description;
  description.name = "tick-1ms";
  const uint32_t tick = match_host_probes(description)[0].probe;
  description.name = "profile-1ms";
  const uint32_t profile = match_host_probes(description)[0].probe;
  Harness harness;
  harness.program.variables = {variable(0x500, dif::Scope::kGlobal, i64())};
  harness.add_host(tick, "tick-1ms",
                   clause({trace("ldgs 0x500, %r1\nsetx 1, %r2\nadd %r1, %r2, %r1\nstgs %r1, 0x500\nret %r1")}));
  dif::Clause last = clause({dif::Action(
      action(dif::ActionKind::kExit, {code("setx 9, %r1\nret %r1", dif::Type::integer(4, true, "int"))}))});
  last.predicate = code("ldgs 0x500, %r1\nsetx 5, %r2\ncmp %r1, %r2\nbl no\nsetx 1, %r3\nret %r3\nno:\nret %r0", i64());
  harness.add_host(tick, "tick-1ms", last);
  harness.add_host(profile, "profile-1ms", clause({trace("ldgs 0x200, %r1\nret %r1")}));
  harness.start();
  const uint64_t deadline = system_clock().monotonic_ns() + 20'000'000'000;
  while (!harness.reader->exited() && system_clock().monotonic_ns() < deadline) {
  }
  EXPECT_EQ(harness.reader->exit_status(), 9);
  harness.session->stop();
  int64_t ticks = 0;
  for (const Record& record : harness.records()) {
    if (record.view.clause != 0) continue;
    EXPECT_EQ(record.number(), ++ticks);
  }
  EXPECT_EQ(ticks, 5);
}

// On each CPU that is online, from that CPU's own thread.
TEST(Timers, AProfileFiresOnEveryCpu) {
  dif::ProbeDesc description;
  description.name = "profile-1ms";
  const uint32_t profile = match_host_probes(description)[0].probe;
  Harness harness;
  harness.add_host(profile, "profile-1ms",
                   clause({trace("ldgs 0x200, %r1\nret %r1"), trace("ldgs 262, %r1\nret %r1"),
                           trace("ldgs 263, %r1\nret %r1"), trace("ldgs 279, %r1\nret %r1")}));
  harness.start();
  const std::vector<uint32_t> online = online_cpus();
  std::map<uint32_t, int64_t> threads;  // by CPU
  const uint64_t deadline = system_clock().monotonic_ns() + 20'000'000'000;
  while (threads.size() < online.size() && system_clock().monotonic_ns() < deadline) {
    for (const Record& record : harness.records()) {
      EXPECT_EQ(record.number(), record.view.cpu);
      EXPECT_EQ(record.number(8), 0);   // no kernel pc
      EXPECT_NE(record.number(16), 0);  // but a user pc
      const int64_t thread = record.number(24);
      EXPECT_EQ(threads.try_emplace(record.view.cpu, thread).first->second, thread);
    }
  }
  harness.session->stop();
  ASSERT_EQ(threads.size(), online.size());
  for (uint32_t cpu : online) EXPECT_TRUE(threads.contains(cpu)) << cpu;
}

TEST(Timers, StopDoesNotWaitForTheNextTick) {
  dif::ProbeDesc description;
  description.name = "tick-1day";
  Harness harness;
  harness.add_host(match_host_probes(description)[0].probe, "tick-1day", clause({}));
  harness.start();
  harness.session->stop();
  EXPECT_TRUE(harness.records().empty());
}

}  // namespace
}  // namespace ht::engine::test
