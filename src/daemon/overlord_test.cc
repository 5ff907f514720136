// The overlord as its clients and guests see it.
#include "daemon/overlord.h"

#include "daemon/test_world.h"
#include "types/btf_builder.h"

namespace ht::daemon::test {
namespace {

using channel::Client;

class OverlordTest : public testing::Test {
 protected:
  // Waits for an event whose text holds `words`.
  std::optional<channel::Event> event(Client& client, const std::string& words) {
    std::optional<channel::Event> found;
    const bool came = until([&] {
      auto next = client.poll_event();
      if (!next.ok()) return true;
      if (next->has_value() && (*next)->text().find(words) != std::string::npos) found = **next;
      return found.has_value();
    });
    EXPECT_TRUE(came && found) << "no event: " << words;
    return found;
  }
  void fire(engine::TargetId target, uint32_t probe, int times) {
    engine::Firing firing;
    firing.target = target;
    firing.probe = probe;
    for (int i = 0; i < times; ++i) world.engine->fire(1, firing);
  }
  size_t records(engine::SessionReader& reader, engine::TargetId target) {
    size_t count = 0;
    reader.drain([&](const engine::RecordView& record) { count += record.target == target ? 1 : 0; });
    return count;
  }
  World world;
};

constexpr uint32_t kReadEntry = 0, kGetppidEntry = 4, kGetppidReturn = 5;

TEST_F(OverlordTest, RunsAProgramOnTheGuestsMeantAndTakesItAway) {
  world.start({"vm1", "vm2", "other"});
  auto client = world.client();
  auto session = client->submit(request({desc("vm*", "syscall", "getppid", "entry")}), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  EXPECT_EQ(session->reply.guests_size(), 2);
  EXPECT_EQ(session->reply.matched(0), 2u);
  ASSERT_EQ(session->reply.probes_size(), 1);
  EXPECT_EQ(session->reply.probes(0).function(), "getppid");
  EXPECT_GE(session->reply.probes(0).id(), 4u);
  EXPECT_EQ(world.guest("vm1").agent->armed(), std::set<uint32_t>{kGetppidEntry});
  EXPECT_EQ(world.guest("other").agent->armed(), std::set<uint32_t>{});
  const auto vm1 = static_cast<engine::TargetId>(world.vm("vm1").id());
  EXPECT_TRUE(world.notes.serves(vm1));
  EXPECT_EQ(world.vm("vm1").programs(), 1u);

  auto reader = engine::SessionReader::open(std::move(session->data), std::move(session->control));
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  fire(vm1, kGetppidEntry, 2);  // before the start nothing runs
  ASSERT_TRUE(client->start(session->reply.session()).ok());
  fire(vm1, kGetppidEntry, 3);
  fire(vm1, kGetppidReturn, 3);  // not enabled
  EXPECT_EQ(records(**reader, vm1), 3u);

  auto stopped = client->stop(session->reply.session());
  ASSERT_TRUE(stopped.ok());
  EXPECT_EQ(stopped->drops_size(), 0);
  EXPECT_EQ((*reader)->state(), engine::SessionState::kStopped);
  EXPECT_TRUE(world.guest("vm1").agent->armed().empty());
  EXPECT_FALSE(world.notes.serves(vm1));
  EXPECT_TRUE(std::filesystem::is_empty(world.root + "/base"));
  EXPECT_TRUE(std::filesystem::is_empty(world.root + "/outbound"));
}

TEST_F(OverlordTest, DropsAreOfTheSessionAndNamedByGuest) {
  world.start({"vm1"});
  auto client = world.client();
  auto session = client->submit(request({desc("", "syscall", "read", "entry")}), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  const auto target = static_cast<engine::TargetId>(world.vm("vm1").id());
  {
    std::lock_guard lock(world.notes.mutex);
    world.notes.counters[target].timed_out = 5;  // while it was being armed: nobody's loss
  }
  ASSERT_TRUE(client->start(session->reply.session()).ok());
  {
    std::lock_guard lock(world.notes.mutex);
    world.notes.counters[target].timed_out = 8;
    world.notes.counters[target].nested = 2;
    world.notes.counters[target].served = 100;
  }
  auto stopped = client->stop(session->reply.session());
  ASSERT_TRUE(stopped.ok());
  ASSERT_EQ(stopped->drops_size(), 1);
  EXPECT_EQ(stopped->drops(0).vmname(), "vm1");
  EXPECT_EQ(stopped->drops(0).drops(), 5u);
  EXPECT_EQ(stopped->drops(0).detail(), "3 timed out, 2 nested");
  EXPECT_EQ(world.vm("vm1").events(), 100u);
}

TEST_F(OverlordTest, HostProbesNeedNoGuest) {
  world.start({});
  auto client = world.client();
  auto session = client->submit(request({desc("", "", "", "BEGIN"), desc("", "", "", "END")}), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  auto reader = engine::SessionReader::open(std::move(session->data), std::move(session->control));
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE(client->start(session->reply.session()).ok());
  ASSERT_TRUE(client->stop(session->reply.session()).ok());
  EXPECT_EQ(records(**reader, engine::kHost), 2u);
  EXPECT_EQ(session->reply.probes(0).id(), 1u);
  EXPECT_EQ(session->reply.probes(1).id(), 2u);
}

// An empty record costs 12 bytes.
TEST_F(OverlordTest, BufferPoliciesWorkForGuests) {
  world.start({"vm1"});
  auto client = world.client();
  const auto target = static_cast<engine::TargetId>(world.vm("vm1").id());
  for (const auto& [policy, held] : {std::pair{"ring", 3u}, {"fill", 2u}}) {
    auto session = client->submit(request({desc("", "syscall", "read", "entry"), desc("", "", "", "END")},
                                          {{"bufpolicy", policy}, {"bufsize", "36"}}),
                                  {}, nullptr);
    ASSERT_TRUE(session.ok()) << session.error().text();
    auto reader = engine::SessionReader::open(std::move(session->data), std::move(session->control));
    ASSERT_TRUE(reader.ok());
    ASSERT_TRUE(client->start(session->reply.session()).ok());
    fire(target, kReadEntry, 10);
    const bool filled = (*reader)->state() == engine::SessionState::kDraining;
    EXPECT_EQ(filled, std::string(policy) == "fill");
    EXPECT_EQ(records(**reader, target), 0u) << "not before the end";
    ASSERT_TRUE(client->stop(session->reply.session()).ok());
    EXPECT_EQ(records(**reader, target), held);
    EXPECT_EQ((*reader)->drops().principal(), 0u);
  }
}

TEST_F(OverlordTest, WhatDoesNotFitIsSaidAtTheStart) {
  world.start({});
  auto client = world.client();
  auto session = client->submit(
      request({desc("", "", "", "END")}, {{"bufpolicy", "fill"}, {"bufsize", "8"}, {"cleanrate", "1"}}), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  ASSERT_EQ(session->reply.adjustments_size(), 1);
  EXPECT_EQ(session->reply.adjustments(0), "cleaning rate reduced to 5000 hz");
  const auto started = client->start(session->reply.session());
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().message, "END enablings exceed size of principal buffer");
}

// As many enablings as matches, also of a guest's probe.
TEST_F(OverlordTest, TwoDescriptionsOfAClauseEnableAProbeTwice) {
  world.start({"vm1"});
  auto client = world.client();
  dif::Program program;
  program.files = {""};
  program.sources.push_back({"test", false, std::string(64, '0')});
  program.clauses.emplace_back().probes = {desc("", "syscall", "read", "entry"), desc("", "syscall", "re*", "entry")};
  auto session = client->submit(request_for(program), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  EXPECT_EQ(session->reply.matched(0), 2u);
  auto reader = engine::SessionReader::open(std::move(session->data), std::move(session->control));
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE(client->start(session->reply.session()).ok());
  const auto target = static_cast<engine::TargetId>(world.vm("vm1").id());
  fire(target, kReadEntry, 1);
  EXPECT_EQ(records(**reader, target), 2u);
}

TEST_F(OverlordTest, RefusalsSayWhatIsWrongAndLeaveNothing) {
  world.start({"vm1", "vm2"});
  auto client = world.client();
  Client::Refused refused;
  auto nobody = client->submit(request({desc("web*", "syscall", "read", "entry")}), {}, &refused);
  ASSERT_FALSE(nobody.ok());
  EXPECT_NE(nobody.error().text().find("web*"), std::string::npos);
  EXPECT_NE(nobody.error().text().find("vm1, vm2"), std::string::npos);

  auto nothing = client->submit(
      request({desc("vm*", "syscall", "read", "entry"), desc("vm*", "syscall", "nosuchcall", "entry")}), {}, &refused);
  ASSERT_FALSE(nothing.ok());
  EXPECT_EQ(nothing.error().message, "probe description vm*:syscall::nosuchcall:entry does not match any probes");
  EXPECT_EQ(nothing.error().tag, "D_PDESC_ZERO");
  EXPECT_TRUE(world.guest("vm1").agent->armed().empty());

  channel::SubmitRequest garbage;
  garbage.set_elf(
      "\x7f"
      "ELF" +
      std::string(5000, 'x'));
  auto bad = client->submit(garbage, {}, &refused);
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("ELF"), std::string::npos);

  auto fine = client->submit(request({desc("vm*", "syscall", "read", "entry")}), {}, &refused);
  EXPECT_TRUE(fine.ok()) << fine.error().text();
}

TEST_F(OverlordTest, WithoutAMatchAllowedItWaitsForGuestsToCome) {
  world.start({});
  auto client = world.client();
  auto submit = request({desc("late*", "syscall", "read", "entry")});
  submit.set_allow_no_match(true);
  auto session = client->submit(submit, {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  ASSERT_TRUE(client->start(session->reply.session()).ok());
  world.guest("late1").boot();
  world.finder->add(world.guest("late1").found());
  auto joined = event(*client, "late1 joined");
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->probes_size(), 1);
  EXPECT_EQ(world.guest("late1").agent->armed().size(), 1u);
}

TEST_F(OverlordTest, ADeadClientIsCleanedUp) {
  world.start({"vm1"});
  {
    auto client = world.client();
    auto session = client->submit(request({desc("", "syscall", "", "entry")}), {}, nullptr);
    ASSERT_TRUE(session.ok()) << session.error().text();
    ASSERT_TRUE(client->start(session->reply.session()).ok());
    EXPECT_EQ(world.guest("vm1").agent->armed().size(), 3u);
  }
  EXPECT_TRUE(until([&] { return world.idle() && world.guest("vm1").agent->armed().empty(); }));
}

TEST_F(OverlordTest, TwoSessionsShareAGuestsRings) {
  world.start({"vm1"});
  auto first = world.client(), second = world.client();
  auto one = first->submit(request({desc("vm1", "syscall", "read", "entry")}), {}, nullptr);
  auto two = second->submit(request({desc("vm1", "syscall", "write", "entry")}), {}, nullptr);
  ASSERT_TRUE(one.ok() && two.ok());
  const auto target = static_cast<engine::TargetId>(world.vm("vm1").id());
  EXPECT_EQ(world.notes.added[target], 1);
  EXPECT_EQ(world.guest("vm1").agent->armed().size(), 2u);
  EXPECT_EQ(world.vm("vm1").programs(), 2u);
  ASSERT_TRUE(first->stop(one->reply.session()).ok());
  EXPECT_TRUE(world.notes.serves(target));
  EXPECT_EQ(world.guest("vm1").agent->armed(), std::set<uint32_t>{2});
  ASSERT_TRUE(second->stop(two->reply.session()).ok());
  EXPECT_FALSE(world.notes.serves(target));
}

TEST_F(OverlordTest, AGuestThatDiesTakesOnlyItselfAway) {
  world.guest("vm2").give_process();
  world.start({"vm1", "vm2"});
  auto client = world.client();
  auto session = client->submit(request({desc("vm*", "syscall", "getppid", "entry")}), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  auto reader = engine::SessionReader::open(std::move(session->data), std::move(session->control));
  ASSERT_TRUE(client->start(session->reply.session()).ok());
  const auto vm1 = static_cast<engine::TargetId>(world.vm("vm1").id());
  const auto vm2 = static_cast<engine::TargetId>(world.vm("vm2").id());
  fire(vm2, kGetppidEntry, 4);
  world.finder->clear();
  world.guest("vm2").kill_process();
  ASSERT_TRUE(event(*client, "vm2: guest is gone (its hypervisor process ended)"));
  EXPECT_FALSE(world.notes.serves(vm2));
  EXPECT_TRUE(world.notes.serves(vm1));
  EXPECT_EQ(world.vm("vm2").name(), "");
  fire(vm1, kGetppidEntry, 2);
  fire(vm2, kGetppidEntry, 2);  // too late
  ASSERT_TRUE(client->stop(session->reply.session()).ok());
  size_t of_vm1 = 0, of_vm2 = 0;
  (*reader)->drain([&](const engine::RecordView& record) { ++(record.target == vm1 ? of_vm1 : of_vm2); });
  EXPECT_EQ(of_vm1, 2u);
  EXPECT_EQ(of_vm2, 4u);
}

TEST_F(OverlordTest, AGuestThatRebootsIsTracedAgain) {
  world.start({"vm1"});
  auto client = world.client();
  auto session = client->submit(request({desc("vm1", "syscall", "read", "entry")}), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  ASSERT_TRUE(client->start(session->reply.session()).ok());
  world.guest("vm1").reboot("boot-2");
  ASSERT_TRUE(event(*client, "vm1: guest is gone (it rebooted)"));
  ASSERT_TRUE(event(*client, "vm1 rebooted; tracing it again"));
  EXPECT_EQ(world.guest("vm1").agent->armed().size(), 1u);
  EXPECT_TRUE(world.notes.serves(static_cast<engine::TargetId>(world.vm("vm1").id())));
  EXPECT_TRUE(client->stop(session->reply.session()).ok());
  EXPECT_TRUE(world.guest("vm1").agent->armed().empty());
}

TEST_F(OverlordTest, AGuestWhoseRingsBreakIsReset) {
  world.start({"vm1"});
  auto client = world.client();
  auto session = client->submit(request({desc("vm1", "syscall", "read", "entry")}), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  ASSERT_TRUE(client->start(session->reply.session()).ok());
  const auto target = static_cast<engine::TargetId>(world.vm("vm1").id());
  {
    std::lock_guard lock(world.notes.mutex);
    world.notes.failures[target] = "the nonce is gone";
  }
  ASSERT_TRUE(event(*client, "vm1: guest is gone (the nonce is gone)"));
  ASSERT_TRUE(event(*client, "vm1 is back; tracing it again"));
  EXPECT_EQ(world.notes.added[target], 2);
}

TEST_F(OverlordTest, AGuestThatDoesNotAnswerIsLeftOutByName) {
  world.limits.install = milliseconds(50);
  world.limits.disarm = milliseconds(50);
  world.start({"vm1", "vm2"});
  ASSERT_EQ(world.vm("vm2").state(), "ready");
  world.guest("vm2").port().mute = true;
  auto client = world.client();
  auto session = client->submit(request({desc("vm*", "syscall", "read", "entry")}), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  ASSERT_EQ(session->reply.guests_size(), 2);
  EXPECT_EQ(session->reply.guests(0).state(), "armed");
  EXPECT_EQ(session->reply.guests(1).vmname(), "vm2");
  EXPECT_EQ(session->reply.guests(1).state(), "left out");
  EXPECT_NE(session->reply.guests(1).errors(0).message().find("does not answer"), std::string::npos);
}

TEST_F(OverlordTest, AGuestThatCannotArmSaysSo) {
  world.guest("vm1").agent->refusal = "the kernel lacks CONFIG_BPF";
  world.start({"vm1"});
  auto client = world.client();
  auto session = client->submit(request({desc("vm*", "syscall", "read", "entry")}), {}, nullptr);
  ASSERT_FALSE(session.ok());
  EXPECT_EQ(session.error().message, "vm1: the guest cannot arm it: the kernel lacks CONFIG_BPF");
}

TEST_F(OverlordTest, GarbageOnTheChannelIsSkipped) {
  world.start({"vm1"});
  ASSERT_EQ(world.vm("vm1").state(), "ready");
  ASSERT_TRUE(world.guest("vm1").port().write(Bytes(100'000, 0x5a)).ok());
  auto client = world.client();
  auto session = client->submit(request({desc("vm1", "syscall", "read", "entry")}), {}, nullptr);
  EXPECT_TRUE(session.ok()) << session.error().text();
}

TEST_F(OverlordTest, TooMuchGarbageCutsTheGuestOff) {
  world.limits.garbage = 50'000;
  world.start({"vm1", "vm2"});
  ASSERT_EQ(world.vm("vm1").state(), "ready");
  ASSERT_TRUE(world.guest("vm1").port().write(Bytes(60'000, 0x5a)).ok());
  EXPECT_TRUE(until([&] { return world.vm("vm1").state() == "failed"; }));
  EXPECT_NE(world.vm("vm1").detail().find("no message"), std::string::npos);
  EXPECT_EQ(world.vm("vm2").state(), "ready");
  ASSERT_TRUE(world.client()->vm_rescan().ok());  // an administrator may give it another chance
  EXPECT_TRUE(until([&] { return world.vm("vm1").state() == "ready"; }));
}

TEST_F(OverlordTest, AProbeThatCannotBeCutsTheGuestOff) {
  world.guest("vm1").agent->add("sdt", "bad\nname", "x");
  world.start({"vm1", "vm2"});
  auto client = world.client();
  auto session =
      client->submit(request({desc("vm*", "sdt", "", "x"), desc("vm2", "syscall", "", "entry")}), {}, nullptr);
  EXPECT_FALSE(session.ok());  // no other guest has the first probe
  EXPECT_EQ(world.vm("vm1").state(), "failed");
  EXPECT_NE(world.vm("vm1").detail().find("impossible name"), std::string::npos);
}

// A kernel with curthread->pid, and so many types that they need more than one message.
Bytes kernel_types(uint32_t task_size) {
  types::BtfBuilder builder;
  const auto number = builder.integer("int", 4, true);
  for (int i = 0; i < 20'000; ++i) builder.integer("filler" + std::to_string(i), 4, false);
  const auto task = builder.structure("task_struct", task_size, {{"pid", number, 64}});
  builder.pointer(task);
  return builder.build();
}

TEST_F(OverlordTest, OneKernelIsUploadedAndLinkedOnce) {
  const Bytes types = kernel_types(64), other = kernel_types(128);
  for (const char* name : {"vm1", "vm2"}) world.guest(name).agent->set_types(types, sha256_hex(types));
  world.guest("vm3").agent->set_types(other, sha256_hex(other));
  world.start({"vm1", "vm2", "vm3"});
  auto client = world.client();
  auto session = client->submit(member_request("pid"), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  ASSERT_EQ(session->reply.guests_size(), 3);
  EXPECT_EQ(session->reply.variants_size(), 2);
  EXPECT_EQ(session->reply.guests(0).variant(), session->reply.guests(1).variant());
  EXPECT_NE(session->reply.guests(0).variant(), session->reply.guests(2).variant());
  size_t stored = 0;
  for (const auto& entry : std::filesystem::directory_iterator(world.root + "/types"))
    stored += entry.is_regular_file();
  EXPECT_EQ(stored, 2u);
}

TEST_F(OverlordTest, ALinkedProgramRunsOnItsKernelOnly) {
  const Bytes types = kernel_types(64), other = kernel_types(128);
  world.guest("vm1").agent->set_types(types, sha256_hex(types));
  world.guest("vm2").agent->set_types(other, sha256_hex(other));
  world.start({"vm1", "vm2"});
  auto program = object::read(as_bytes(member_request("pid").elf()));
  ASSERT_TRUE(program.ok());
  const link::LinkResult linked = link::link(*program, types::TypeFile::from_btf(types)->get(), {"", "6.1.0-test"});
  ASSERT_TRUE(linked.ok());
  channel::SubmitRequest request = request_for(linked.program);
  auto client = world.client();
  Client::Refused refused;
  ASSERT_FALSE(client->submit(request, {}, &refused).ok());
  ASSERT_EQ(refused.errors.size(), 1u);
  EXPECT_EQ(refused.errors[0].message(), "the program is linked for kernel 6.1.0-test, on vm2 (kernel 6.1.0-test)");
  // The others may go on.
  request.set_partial(true);
  auto session = client->submit(request, {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  EXPECT_TRUE(world.guest("vm2").agent->armed().empty());
}

TEST_F(OverlordTest, AMemberThatIsMissingIsAnErrorAtItsPlaceAndNothingIsArmed) {
  const Bytes types = kernel_types(64);
  world.guest("vm1").agent->set_types(types, sha256_hex(types));
  world.start({"vm1"});
  auto client = world.client();
  Client::Refused refused;
  auto session = client->submit(member_request("pidz"), {}, &refused);
  ASSERT_FALSE(session.ok());
  ASSERT_EQ(refused.errors.size(), 1u);
  EXPECT_NE(refused.errors[0].message().find("pidz"), std::string::npos);
  EXPECT_NE(refused.errors[0].message().find("vm1 (kernel 6.1.0-test)"), std::string::npos);
  EXPECT_EQ(refused.errors[0].guest(), "vm1");
  EXPECT_EQ(refused.errors[0].line(), 3u);
  EXPECT_TRUE(world.guest("vm1").agent->armed().empty());
}

TEST_F(OverlordTest, AGuestThatLiesAboutItsTypesHarmsItselfOnly) {
  const Bytes types = kernel_types(64);
  world.guest("vm1").agent->set_types(types, sha256_hex(types));
  world.guest("vm2").agent->set_types(kernel_types(128), sha256_hex(types));  // says that it has vm1's kernel
  world.guest("vm3").agent->set_types(Bytes(300'000, 9), std::string(64, 'a'));
  world.start({"vm1", "vm2", "vm3"});
  auto client = world.client();
  auto session = client->submit(member_request("pid"), {}, nullptr);
  ASSERT_TRUE(session.ok()) << session.error().text();
  EXPECT_EQ(session->reply.variants_size(), 1);
  for (const auto& guest : session->reply.guests()) {
    EXPECT_EQ(guest.state(), guest.vmname() == "vm3" ? "left out" : "armed") << guest.vmname();
  }
  EXPECT_TRUE(std::filesystem::exists(world.root + "/types/" + sha256_hex(types) + ".btf"));
  EXPECT_FALSE(std::filesystem::exists(world.root + "/types/" + std::string(64, 'a') + ".btf"));
}

TEST_F(OverlordTest, ListsProbesOfAllPages) {
  for (int i = 0; i < 5000; ++i) world.guest("vm1").agent->add("fbt", "f" + std::to_string(i), "entry");
  world.start({"vm1", "vm2"});
  auto client = world.client();
  channel::ListProbesRequest list;
  list.set_target("vm1");
  list.set_provider("fbt");
  auto probes = client->list_probes(list);
  ASSERT_TRUE(probes.ok()) << probes.error().text();
  EXPECT_EQ(probes->size(), 5000u);
  list.set_target("vm*");
  list.set_provider("syscall");
  list.set_function("getppid");
  probes = client->list_probes(list);
  ASSERT_EQ(probes->size(), 4u);
  EXPECT_EQ((*probes)[0].vmname(), "vm1");
  EXPECT_EQ((*probes)[2].vmname(), "vm2");
  EXPECT_EQ((*probes)[0].probe().id(), (*probes)[2].probe().id());  // one id per name, whichever guest
  list.set_target("nobody");
  EXPECT_FALSE(client->list_probes(list).ok());
}

TEST_F(OverlordTest, AVmWithoutAnAgentSaysSoAndIsReadyWhenItHasOne) {
  world.start({});
  world.finder->add(world.guest("vm1").found());  // its hypervisor runs; its agent does not
  EXPECT_EQ(world.vm("vm1").state(), "no-agent");
  auto session = world.client()->submit(request({desc("vm1", "syscall", "read", "entry")}), {}, nullptr);
  ASSERT_FALSE(session.ok());
  EXPECT_NE(session.error().text().find("vm1 is no-agent"), std::string::npos) << session.error().text();
  world.guest("vm1").boot();
  EXPECT_TRUE(until([&] { return world.vm("vm1").state() == "ready"; }));
}

TEST_F(OverlordTest, DuplicateNamesAreToldApart) {
  world.start({"vm1"});
  FoundVm twin = world.guest("twin").found();
  twin.name = "vm1";
  world.guest("twin").boot();
  world.finder->add(twin);
  EXPECT_TRUE(until([&] { return world.vm("vm1-2").state() == "ready"; }));
  EXPECT_EQ(world.vm("vm1").state(), "ready");
}

TEST_F(OverlordTest, AGuestOfAnotherOverlordIsBusyUntilThatOneEnds) {
  const FoundVm vm = world.guest("vm1").found();
  std::string holder;
  auto lock = LockFile::take(
      world.claims() + "/vm-" + std::to_string(vm.pid) + "-" + std::to_string(vm.started) + ".lock", &holder);
  ASSERT_TRUE(lock.ok());
  world.start({"vm1"});
  EXPECT_EQ(world.vm("vm1").state(), "busy");
  EXPECT_NE(world.vm("vm1").detail().find("process " + std::to_string(::getpid())), std::string::npos);
  { LockFile ended = std::move(*lock); }
  EXPECT_TRUE(until([&] { return world.vm("vm1").state() == "ready"; }));
}

TEST_F(OverlordTest, ARemovedGuestStaysAwayUntilARescan) {
  world.start({"vm1"});
  auto client = world.client();
  ASSERT_EQ(world.vm("vm1").state(), "ready");
  ASSERT_TRUE(client->vm_remove("vm1").ok());
  EXPECT_FALSE(client->vm_remove("vm1").ok());
  EXPECT_EQ(world.vm("vm1").name(), "");
  ASSERT_TRUE(client->vm_rescan().ok());
  EXPECT_EQ(world.vm("vm1").state(), "ready");
}

}  // namespace
}  // namespace ht::daemon::test
