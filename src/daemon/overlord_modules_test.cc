// Types of guests' modules: uploaded when a program needs them, and no others.
#include <gmock/gmock.h>

#include "daemon/test_world.h"
#include "types/btf_builder.h"

namespace ht::daemon::test {
namespace {

using channel::Client;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

class OverlordModules : public testing::Test {
 protected:
  OverlordModules() {
    number = kernel.integer("int", 4, true);
    kernel.integer("long unsigned int", 8, false);
    const auto declared = kernel.reference(types::Kind::kFwd, 0, "inner");
    task = kernel.structure("task_struct", 64, {{"pid", number, 64}, {"inner", kernel.pointer(declared), 128}});
    kernel.pointer(task);
  }
  types::BtfBuilder split() const { return types::BtfBuilder(kernel.next(), kernel.string_length()); }
  // struct NAME { int a; int b; } with b at `offset`
  Bytes module(const std::string& name, uint32_t offset) const {
    types::BtfBuilder b = split();
    b.structure(name, offset + 4, {{"a", number, 0}, {"b", number, offset * 8}});
    return b.build();
  }
  void start(const std::vector<std::string>& names) {
    const Bytes blob = kernel.build();
    for (const std::string& name : names) world.guest(name).agent->set_types(blob, sha256_hex(blob));
    world.start(names);
    client = world.client();
  }
  FakeAgent& agent(const std::string& name) { return *world.guest(name).agent; }
  // What the program that was linked for that guest has in place of the only symbol of `code`; the error if there is
  // none.
  std::string linked(const std::string& code, const std::string& target = "vm1") {
    auto session = client->submit(trace_request(desc(target, "syscall", "read", "entry"), code, dif::Type::unknown()),
                                  {}, nullptr);
    if (!session.ok()) return session.error().message;
    std::string numbers;
    for (const auto& variant : session->reply.variants()) {
      auto program = object::read(as_bytes(variant));
      const dif::Difo& difo = program->clauses[0].actions[0].args[0];
      numbers += (numbers.empty() ? "" : " ") + std::to_string(difo.ints.empty() ? 0 : difo.ints[0]);
    }
    EXPECT_TRUE(client->stop(session->reply.session()).ok());
    return numbers;
  }
  static std::string offset_of_b(const std::string& type) {
    return "usetx \"offsetof(" + type + ", b)\", %r1\nret %r1";
  }

  World world;
  types::BtfBuilder kernel;
  types::TypeId number = 0, task = 0;
  std::unique_ptr<Client> client;
};

TEST_F(OverlordModules, OnlyTheModuleThatHasTheTypeIsUploadedAndOnce) {
  for (const char* name : {"vm1", "vm2"}) {
    agent(name).load_module("ext", module("own", 12));
    agent(name).load_module("other", module("different", 16));
  }
  start({"vm1", "vm2"});
  EXPECT_EQ(linked(offset_of_b("struct own"), "vm*"), "12");  // one variant: all types are the same
  EXPECT_EQ(linked(offset_of_b("struct own"), "vm*"), "12");
  EXPECT_EQ(linked(offset_of_b("struct ext`own"), "vm2"), "12");
  const auto first = agent("vm1").uploaded, second = agent("vm2").uploaded;
  EXPECT_EQ(first.size() + second.size(), 1u);
  EXPECT_EQ((first.empty() ? second : first).at("ext"), 1u);
}

TEST_F(OverlordModules, AProgramThatNeedsNoneAsksForNone) {
  agent("vm1").load_module("ext", module("own", 12));
  start({"vm1"});
  EXPECT_EQ(linked("usetx \"offsetof(struct task_struct, pid)\", %r1\nret %r1"), "8");
  EXPECT_EQ(agent("vm1").asked_for_modules, 0u);
}

TEST_F(OverlordModules, AModuleIsNamedOrTheFirstThatHasIt) {
  agent("vm1").load_module("b_first", module("own", 8));
  agent("vm1").load_module("c_second", module("own", 24));
  agent("vm1").load_module("a_none", module("none", 40));
  start({"vm1"});
  EXPECT_EQ(linked(offset_of_b("struct own")), "8");
  EXPECT_EQ(linked(offset_of_b("struct c_second`own")), "24");
  // What is at hand does not decide: the second module's types are in the store by now.
  EXPECT_EQ(linked(offset_of_b("struct own")), "8");
  EXPECT_THAT(linked(offset_of_b("struct a_none`own")), HasSubstr("unknown type \"struct a_none`own\", on vm1"));
  EXPECT_THAT(linked(offset_of_b("struct vmlinux`own")), HasSubstr("unknown type \"struct vmlinux`own\""));
  EXPECT_THAT(linked(offset_of_b("struct nobodys")), HasSubstr("unknown type \"struct nobodys\""));
}

TEST_F(OverlordModules, AModuleMayCompleteWhatTheKernelDeclaresAndNeedAnother) {
  types::BtfBuilder b = split();
  const auto later = b.reference(types::Kind::kFwd, 0, "later");
  b.structure("inner", 24, {{"n", number, 0}, {"later", b.pointer(later), 64}});
  agent("vm1").load_module("one", b.build());
  agent("vm1").load_module("two", module("later", 20));
  start({"vm1"});
  // curthread->inner->later->b
  const std::string code =
      "ldgs 256, %r1\nusetx \"inner\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nusetx \"later\", %r2\n"
      "add %r1, %r2, %r1\nuload [%r1], %r1\nusetx \"b\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1";
  EXPECT_EQ(linked(code), "16");  // of `inner`, and the rest linked too
  EXPECT_EQ(agent("vm1").asked_for_modules, 2u);
  EXPECT_THAT(agent("vm1").uploaded, UnorderedElementsAre(Pair("one", 1u), Pair("two", 1u)));
}

TEST_F(OverlordModules, AModuleThatIsLoadedLaterIsFoundAndAnotherVersionOfIt) {
  start({"vm1"});
  EXPECT_THAT(linked(offset_of_b("struct own")), HasSubstr("unknown type \"struct own\""));
  agent("vm1").load_module("ext", module("own", 12));
  EXPECT_EQ(linked(offset_of_b("struct own")), "12");
  agent("vm1").load_module("ext", module("own", 32));
  EXPECT_EQ(linked(offset_of_b("struct own")), "32");
}

TEST_F(OverlordModules, GuestsWithDifferentModulesAreLinkedApart) {
  agent("vm1").load_module("ext", module("own", 12));
  agent("vm2").load_module("ext", module("own", 44));
  start({"vm1", "vm2"});
  EXPECT_EQ(linked(offset_of_b("struct own"), "vm*"), "12 44");
}

TEST_F(OverlordModules, DefinedAsksModulesToo) {
  agent("vm1").load_module("ext", module("own", 12));
  start({"vm1"});
  EXPECT_EQ(linked("usetx \"defined(struct own, b)\", %r1\nret %r1"), "1");
  EXPECT_EQ(linked("usetx \"defined(struct own, c)\", %r1\nret %r1"), "0");
  EXPECT_EQ(linked("usetx \"defined(struct nobodys)\", %r1\nret %r1"), "0");
}

TEST_F(OverlordModules, VariablesOfModulesHaveTheTypesThatTheirBtfSays) {
  types::BtfBuilder b = split();
  b.with_word(types::Kind::kVar, "level", b.integer("short int", 2, true), 1);
  agent("vm1").load_module("ext", b.build());
  agent("vm1").kernel_symbols["ext`level"] = {true, 0xffffffffc0001000, false};
  agent("vm1").kernel_symbols["ext`plain"] = {true, 0xffffffffc0001008, false};
  start({"vm1"});
  for (const auto& [name, op] : std::map<std::string, dif::Op>{{"level", dif::Op::kLdsh}, {"plain", dif::Op::kLdx}}) {
    const std::string code = "usetx \"sym(ext`" + name + ")\", %r1\nuload [%r1], %r1\nret %r1";
    auto session =
        client->submit(trace_request(desc("vm1", "syscall", "read", "entry"), code, dif::Type::unknown()), {}, nullptr);
    ASSERT_TRUE(session.ok()) << session.error().message;
    auto program = object::read(as_bytes(session->reply.variants(0)));
    const dif::Difo& difo = program->clauses[0].actions[0].args[0];
    EXPECT_EQ(dif::op_of(difo.text[difo.text.size() - 2]), op) << name;
    EXPECT_TRUE(client->stop(session->reply.session()).ok());
  }
}

// args[] of a module's function and tracepoint, named and by a pattern in a module that is named.
TEST_F(OverlordModules, ArgumentsOfProbesInModules) {
  types::BtfBuilder b = split();
  const auto own = b.structure("own", 16, {{"a", number, 0}, {"b", number, 96}});
  const auto takes_own = b.prototype(number, {{"own", b.pointer(own)}});
  b.reference(types::Kind::kFunc, takes_own, "ext_open");
  b.reference(types::Kind::kFunc, takes_own, "ext_close");
  b.alias("btf_trace_ext_event", b.pointer(b.prototype(0, {{"", b.pointer(0)}, {"own", b.pointer(own)}})));
  agent("vm1").load_module("ext", b.build());
  start({"vm1"});
  // args[0]->b
  const std::string code =
      "setx 0, %r1\nldga 0, %r1, %r1\nusetx \"b\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1";
  const auto offset = [&](const std::vector<std::string>& fields) -> std::string {
    dif::ProbeDesc description = desc("vm1", fields[0], fields[2], fields[3]);
    description.module = fields[1];
    channel::SubmitRequest submit = trace_request(description, code, dif::Type::unknown());
    submit.set_allow_no_match(true);
    auto session = client->submit(submit, {}, nullptr);
    if (!session.ok()) return session.error().message;
    auto program = object::read(as_bytes(session->reply.variants(0)));
    EXPECT_TRUE(client->stop(session->reply.session()).ok());
    return std::to_string(program->clauses[0].actions[0].args[0].ints.back());
  };
  EXPECT_EQ(offset({"fbt", "ext", "ext_open", "entry"}), "12");
  EXPECT_EQ(offset({"fbt", "", "ext_open", "entry"}), "12");
  EXPECT_EQ(offset({"fbt", "ext", "ext_*", "entry"}), "12");
  EXPECT_EQ(offset({"fbt", "ext", "", "entry"}), "12");
  EXPECT_EQ(offset({"rawtp", "", "", "ext_event"}), "12");
  EXPECT_THAT(offset({"fbt", "vmlinux", "ext_open", "entry"}), HasSubstr("describe no such probe"));
  EXPECT_THAT(offset({"fbt", "other", "ext_open", "entry"}), HasSubstr("describe no such probe"));
}

TEST_F(OverlordModules, AreListedShownAndDropped) {
  const Bytes blob = module("own", 12);
  agent("vm1").load_module("ext", blob);
  start({"vm1"});
  EXPECT_EQ(linked(offset_of_b("struct own")), "12");
  auto list = client->types_list();
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->types_size(), 2);
  const channel::TypesInfo& vmlinux = list->types(0);
  const channel::TypesInfo& ext = list->types(1);
  EXPECT_EQ(vmlinux.module(), "vmlinux");
  EXPECT_EQ(ext.module(), "ext");
  EXPECT_EQ(ext.hash(), sha256_hex(blob));
  EXPECT_EQ(ext.base(), vmlinux.hash());
  EXPECT_EQ(ext.size(), blob.size());
  ASSERT_EQ(ext.guests_size(), 1);
  EXPECT_EQ(ext.guests(0), "vm1");
  EXPECT_EQ(ext.kernels(0), "6.1.0-test");
  auto shown = client->types_show(ext.hash(), "");
  ASSERT_TRUE(shown.ok());
  EXPECT_EQ(shown->text(), "hash " + ext.hash() + "\nmodule ext of " + vmlinux.hash() + "\n       1 structs\n");
  EXPECT_THAT(client->types_show(ext.hash(), "struct own")->text(), HasSubstr("12      4  int b"));
  ASSERT_TRUE(client->types_drop(ext.hash()).ok());
  EXPECT_EQ(client->types_list()->types_size(), 1);
  EXPECT_EQ(linked(offset_of_b("struct own")), "12");  // uploaded again
  ASSERT_TRUE(client->types_drop(vmlinux.hash()).ok());
  EXPECT_EQ(client->types_list()->types_size(), 0);
}

// What a guest says of its modules is its word only, and bounded.
TEST_F(OverlordModules, AnswersThatMakeNoSenseLeaveTheGuestOut) {
  const std::string hash(64, 'a');
  start({"vm1"});
  const std::vector<std::pair<agent::ModuleTypes, std::string>> cases = {
      {{"../ext", 10, hash}, "makes no sense"},
      {{"", 10, hash}, "makes no sense"},
      {{"vmlinux", 10, hash}, "makes no sense"},
      {{"ext", 10, "short"}, "makes no sense"},
      {{"ext", uint64_t{1} << 40, hash}, "too many of its modules"},
      {{"ext", 10, hash}, "there is no such module"},
  };
  for (const auto& [answer, error] : cases) {
    agent("vm1").answer_modules = {answer};
    EXPECT_THAT(linked(offset_of_b("struct own")), HasSubstr(error)) << answer.module;
  }
  // More modules than names.
  agent("vm1").answer_modules = {{"x", 10, hash}, {"y", 10, hash}};
  EXPECT_THAT(linked(offset_of_b("struct own")), HasSubstr("makes no sense"));
}

TEST_F(OverlordModules, TypesThatAreNotWhatWasAnnouncedAreRefused) {
  const Bytes blob = module("own", 12);
  agent("vm1").load_module("ext", blob);
  start({"vm1"});
  agent("vm1").answer_modules = {{"ext", blob.size() - 1, sha256_hex(blob)}};
  EXPECT_THAT(linked(offset_of_b("struct own")), HasSubstr("makes no sense"));
  agent("vm1").answer_modules = {{"ext", blob.size(), std::string(64, 'a')}};
  EXPECT_THAT(linked(offset_of_b("struct own")), HasSubstr("are others by now"));
  const Bytes garbage(500, 7);
  agent("vm1").load_module("ext", garbage);
  agent("vm1").answer_modules = {{"ext", garbage.size(), sha256_hex(garbage)}};
  EXPECT_THAT(linked(offset_of_b("struct own")), HasSubstr("the type information of module ext cannot be read"));
  EXPECT_EQ(client->types_list()->types_size(), 1);
  agent("vm1").load_module("ext", blob);
  agent("vm1").answer_modules.clear();
  EXPECT_EQ(linked(offset_of_b("struct own")), "12");
}

// A chain of modules each of which needs the next one ends somewhere.
TEST_F(OverlordModules, TheNumberOfQuestionsIsBounded) {
  std::string path = "inner";
  for (int i = 0; i < 20; ++i) {
    types::BtfBuilder b = split();
    const std::string name = i == 0 ? "inner" : "s" + std::to_string(i), next = "s" + std::to_string(i + 1);
    const auto declared = b.reference(types::Kind::kFwd, 0, next);
    b.structure(name, 8, {{"next", b.pointer(declared), 0}});
    agent("vm1").load_module("m" + std::to_string(i), b.build());
  }
  start({"vm1"});
  std::string code = "ldgs 256, %r1\nusetx \"inner\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\n";
  for (int i = 0; i < 15; ++i) code += "usetx \"next\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\n";
  EXPECT_THAT(linked(code + "ret %r1"), HasSubstr("is only declared, not defined"));
  EXPECT_EQ(agent("vm1").asked_for_modules, world.limits.module_rounds);
}

TEST_F(OverlordModules, AGuestThatDoesNotAnswerIsLeftOut) {
  agent("vm1").load_module("ext", module("own", 12));
  world.limits.which_modules = milliseconds(200);
  start({"vm1"});
  EXPECT_EQ(linked("usetx \"offsetof(struct task_struct, pid)\", %r1\nret %r1"), "8");
  world.guest("vm1").port().mute = true;
  EXPECT_THAT(linked(offset_of_b("struct own")), HasSubstr("the guest does not answer"));
  world.guest("vm1").port().mute = false;
  EXPECT_EQ(linked(offset_of_b("struct own")), "12");
}

}  // namespace
}  // namespace ht::daemon::test
