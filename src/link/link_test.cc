#include "link/link.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "dif/assembler.h"
#include "dif/verify.h"
#include "typing/sample_types.h"

namespace ht::link {
namespace {

using dif::CKind;
using dif::Op;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

dif::Difo must(std::string_view text) {
  auto difo = dif::assemble(text);
  EXPECT_TRUE(difo.ok()) << (difo.ok() ? "" : difo.error().message) << "\n" << text;
  return difo.ok() ? *difo : dif::Difo{};
}

std::vector<Op> ops(const dif::Difo& difo) {
  std::vector<Op> result;
  for (dif::Instr i : difo.text) result.push_back(dif::op_of(i));
  return result;
}

// Loads task->MEMBER into %r1.
std::string member(std::string_view name) {
  return fmt::format("ldgs 256, %r1\nusetx \"{}\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\n", name);
}

class Link : public testing::Test {
 protected:
  Link() {
    program.files = {""};
    program.sources.push_back({"test", false, ""});
    program.clauses.resize(1);
    program.clauses[0].probes.resize(1);
  }
  dif::Difo& add(std::string_view text, dif::Type rtype = dif::Type::unknown()) {
    dif::Action a;
    a.kind = dif::ActionKind::kDifexpr;
    a.record = !rtype.is_void();
    a.args.push_back(must(text));
    a.args[0].rtype = std::move(rtype);
    a.arg_kinds = {dif::ActionKind::kDifexpr};
    a.arg_params = {0};
    program.clauses[0].actions.push_back(std::move(a));
    return program.clauses[0].actions.back().args[0];
  }
  LinkResult link_all() { return link(program, types.get(), {"vm1", "6.1.0-37-cloud-amd64"}); }
  // The DIFO of the n-th action, linked.
  dif::Difo linked(size_t n = 0) {
    LinkResult result = link_all();
    EXPECT_THAT(result.errors, IsEmpty()) << result.errors[0].message;
    if (!result.ok()) return {};
    EXPECT_TRUE(result.program.linked);
    const auto verified = dif::verify(result.program, dif::Stage::kLinked);
    EXPECT_TRUE(verified.ok()) << (verified.ok() ? "" : verified.error().message);
    return result.program.clauses[0].actions[n].args[0];
  }

  std::shared_ptr<const types::TypeFile> types = typing::sample_types();
  dif::Program program;
};

TEST_F(Link, MemberChain) {
  add(R"(
    ldgs 256, %r1
    usetx "cred", %r2
    add %r1, %r2, %r1
    uload [%r1], %r1
    usetx "uid", %r2
    add %r1, %r2, %r1
    usetx "val", %r2
    add %r1, %r2, %r1
    uload [%r1], %r1
    ret %r1)");
  const dif::Difo difo = linked();
  EXPECT_THAT(ops(difo), ElementsAre(Op::kLdgs, Op::kSetx, Op::kAdd, Op::kLdx, Op::kSetx, Op::kAdd, Op::kSetx, Op::kAdd,
                                     Op::kLduw, Op::kRet));
  EXPECT_EQ(difo.ints[dif::index_of(difo.text[1])], 24u);
  EXPECT_EQ(difo.ints[dif::index_of(difo.text[4])], 8u);
  EXPECT_EQ(difo.rtype, dif::Type::integer(4, false, "uid_t"));
  const LinkResult result = link_all();
  EXPECT_EQ(result.program.kernel, "6.1.0-37-cloud-amd64");
  EXPECT_EQ(result.program.types_hash, types->hash());
}

// Addresses are not the link's matter: it leaves an element of the array that each boot fills anew.
TEST_F(Link, KernelVariables) {
  struct Case {
    std::string_view symbol;
    Op load;
    std::string_view name;
  };
  const Case cases[] = {
      {"vmlinux`cpu_number", Op::kLduh, "u16"},           // what BTF says
      {"`nr_threads", Op::kLdsw, "int"},                  // well known
      {"mod`nr_threads", Op::kLdx, "long unsigned int"},  // another one
      {"`who_knows", Op::kLdx, "long unsigned int"},
      {"`nr_threads", Op::kLdsw, "int"},  // again
  };
  for (const Case& c : cases) add(fmt::format("usetx \"sym({})\", %r1\nuload [%r1], %r1\nret %r1", c.symbol));
  add("usetx \"sym(`init_task)\", %r1\nusetx \"pid\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1");
  const LinkResult result = link_all();
  ASSERT_TRUE(result.ok()) << result.errors[0].message;
  const auto& actions = result.program.clauses[0].actions;
  for (size_t i = 0; i < std::size(cases); ++i) {
    const dif::Difo& difo = actions[i].args[0];
    EXPECT_THAT(ops(difo), ElementsAre(Op::kSetx, Op::kLdga, cases[i].load, Op::kRet)) << cases[i].symbol;
    EXPECT_EQ(difo.ints[dif::index_of(difo.text[0])], i == 4 ? 1u : i) << cases[i].symbol;
    EXPECT_EQ(dif::r1_of(difo.text[1]), dif::kVarSymbols);
    EXPECT_EQ(difo.rtype.name, cases[i].name) << cases[i].symbol;
  }
  EXPECT_EQ(dif::op_of(actions[5].args[0].text[4]), Op::kLdsw);
  EXPECT_THAT(result.program.symbols,
              ElementsAre(dif::KernelSymbol{"vmlinux", "cpu_number", {}}, dif::KernelSymbol{"", "nr_threads", {}},
                          dif::KernelSymbol{"mod", "nr_threads", {}}, dif::KernelSymbol{"", "who_knows", {}},
                          dif::KernelSymbol{"", "init_task", {}}));
}

TEST_F(Link, ANameThatIsNoSymbolsIsRefused) {
  add("usetx \"sym(a`b c)\", %r1\nuload [%r1], %r1\nret %r1");
  EXPECT_FALSE(link_all().ok());
}

TEST_F(Link, WidthSignAndKindOfLoads) {
  struct Case {
    std::string_view member;
    Op load;
    CKind ckind;
    uint32_t size;
    bool is_signed;
    std::string_view name;
  };
  const Case cases[] = {
      {"pid", Op::kLdsw, CKind::kInteger, 4, true, "pid_t"},
      {"jobctl", Op::kLdx, CKind::kInteger, 8, false, "long unsigned int"},
      {"parent", Op::kLdx, CKind::kPointer, 8, false, "struct task_struct *"},
      {"state", Op::kLdsw, CKind::kEnum, 4, true, "enum state"},
      {"comm", Op::kNop, CKind::kArray, 16, false, "char [16]"},
      {"numbers", Op::kNop, CKind::kArray, 32, false, "long unsigned int [4]"},
  };
  for (const Case& c : cases) add(member(c.member) + "ret %r1");
  const LinkResult result = link_all();
  ASSERT_TRUE(result.ok()) << result.errors[0].message;
  for (size_t i = 0; i < std::size(cases); ++i) {
    const dif::Difo& difo = result.program.clauses[0].actions[i].args[0];
    EXPECT_EQ(dif::op_of(difo.text[3]), cases[i].load) << cases[i].member;
    EXPECT_EQ(difo.rtype.ckind, cases[i].ckind) << cases[i].member;
    EXPECT_EQ(difo.rtype.size, cases[i].size) << cases[i].member;
    EXPECT_EQ(difo.rtype.is_signed(), cases[i].is_signed) << cases[i].member;
    EXPECT_EQ(difo.rtype.by_ref(), cases[i].ckind == CKind::kArray) << cases[i].member;
    EXPECT_EQ(difo.rtype.name, cases[i].name);
  }
}

TEST_F(Link, StringsStayStrings) {
  add(member("comm") + "ret %r1", dif::Type::string());
  EXPECT_EQ(linked().rtype, dif::Type::string());
}

TEST_F(Link, StructsByReferenceAndUserLoads) {
  add("ldgs 256, %r1\nuload [%r1], %r1\nret %r1");
  // The address is in another register: it is moved.
  add("ldgs 0x106, %r1\ntypecast \"struct cred *\", %r1\nuuload [%r1], %r3\nret %r3");
  add("ldgs 0x106, %r1\ntypecast \"struct file *\", %r1\nusetx \"f_mode\", %r2\nadd %r1, %r2, %r1\nuuload [%r1], %r1\n"
      "ret %r1");
  program.clauses[0].actions.erase(program.clauses[0].actions.begin());  // 70,000 bytes: too large to record
  EXPECT_EQ(ops(linked(0))[2], Op::kMov);
  EXPECT_EQ(linked(0).rtype.flags, dif::Type::kByUserRef);
  EXPECT_EQ(linked(0).rtype.size, 168u);
  EXPECT_EQ(ops(linked(1))[1], Op::kNop);
  EXPECT_EQ(ops(linked(1))[4], Op::kUlduh);
}

TEST_F(Link, BitFields) {
  add(member("policy") + "ret %r1");
  add(member("nice") + "ret %r1");
  const dif::Difo policy = linked(0);
  EXPECT_THAT(ops(policy), ElementsAre(Op::kLdgs, Op::kSetx, Op::kAdd, Op::kLdub, Op::kSetx, Op::kSll, Op::kSetx,
                                       Op::kSrl, Op::kRet));
  EXPECT_EQ(policy.ints[dif::index_of(policy.text[1])], 20u);          // the byte that holds it
  EXPECT_EQ(policy.ints[dif::index_of(policy.text[4])], 64u - 3 - 1);  // bits 1 to 3
  EXPECT_EQ(policy.ints[dif::index_of(policy.text[6])], 64u - 3);
  const dif::Difo nice = linked(1);  // bits 4 to 8: across a byte, signed
  EXPECT_EQ(ops(nice)[3], Op::kLduh);
  EXPECT_EQ(ops(nice)[7], Op::kSra);
  EXPECT_TRUE(nice.rtype.is_signed());
}

TEST_F(Link, BranchesAndLinesFollowExpansion) {
  dif::Difo& difo = add(member("policy") + R"(
    tst %r1
    be zero
    setx 1, %r1
    ba end
  zero:
    setx 2, %r1
  end:
    ret %r1)",
                        dif::Type::integer(4, true, "int"));
  difo.lines = {{0, 1, 1, 0}, {4, 2, 1, 0}, {8, 3, 7, 0}, {9, 4, 1, 0}};
  const dif::Difo out = linked();
  ASSERT_EQ(out.text.size(), difo.text.size() + 4);
  EXPECT_EQ(dif::label_of(out.text[5 + 4]), 8u + 4);
  EXPECT_EQ(dif::label_of(out.text[7 + 4]), 9u + 4);
  EXPECT_THAT(out.lines, ElementsAre(dif::LineEntry{0, 1, 1, 0}, dif::LineEntry{8, 2, 1, 0},
                                     dif::LineEntry{12, 3, 7, 0}, dif::LineEntry{13, 4, 1, 0}));
}

TEST_F(Link, SignsAreRepaired) {
  add(member("pid") + "setx 5, %r2\ncmp %r1, %r2\nblu end\nnop\nend:\nret %r1");
  add(member("jobctl") + "setx 5, %r2\ncmp %r1, %r2\nbge end\nnop\nend:\nret %r1");
  add(member("stime") + "setx 5, %r2\nudiv %r1, %r2, %r1\nurem %r1, %r2, %r1\nsrl %r1, %r2, %r1\nret %r1");
  add(member("jobctl") + "setx 5, %r2\nsdiv %r1, %r2, %r1\nsrem %r1, %r2, %r1\nsra %r1, %r2, %r1\nret %r1");
  // (unsigned)task->pid < 5: the cast decides.
  add(member("pid") +
      "setx 32, %r2\nsll %r1, %r2, %r1\nsrl %r1, %r2, %r1\nsetx 5, %r2\ncmp %r1, %r2\nblu end\nnop\nend:\nret %r1");
  // What the compiler knew is left alone.
  add("ldgs 0x116, %r1\nsetx 5, %r2\ncmp %r1, %r2\nblu end\nsrl %r1, %r2, %r1\nend:\nret %r1");
  EXPECT_EQ(ops(linked(0))[6], Op::kBl);
  EXPECT_EQ(ops(linked(1))[6], Op::kBgeu);
  EXPECT_THAT(ops(linked(2)), testing::IsSupersetOf({Op::kSdiv, Op::kSrem, Op::kSra}));
  EXPECT_THAT(ops(linked(3)), testing::IsSupersetOf({Op::kUdiv, Op::kUrem, Op::kSrl}));
  EXPECT_THAT(ops(linked(4)), testing::IsSupersetOf({Op::kSrl, Op::kBlu}));
  EXPECT_THAT(ops(linked(5)), testing::IsSupersetOf({Op::kBlu, Op::kSrl}));
}

TEST_F(Link, ElementsAndBytes) {
  add(member("numbers") +
      "setx 3, %r2\nusetx \"[]\", %r3\nmul %r2, %r3, %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1");
  // What the compiler adds itself is in bytes already.
  add(member("numbers") + "setx 3, %r2\nadd %r1, %r2, %r1\nldub [%r1], %r1\nret %r1",
      dif::Type::integer(1, false, "uint8_t"));
  const dif::Difo difo = linked(0);
  EXPECT_EQ(difo.ints[dif::index_of(difo.text[5])], 8u);
  EXPECT_EQ(difo.rtype.name, "long unsigned int");
  EXPECT_EQ(ops(linked(1)),
            (std::vector{Op::kLdgs, Op::kSetx, Op::kAdd, Op::kNop, Op::kSetx, Op::kAdd, Op::kLdub, Op::kRet}));
}

TEST_F(Link, SizesOffsetsAndEnumerators) {
  add("usetx \"sizeof(struct cred)\", %r1\nret %r1", dif::Type::integer(8, false, "size_t"));
  add("usetx \"offsetof(struct cred, gid)\", %r1\nret %r1", dif::Type::integer(4, true, "int"));
  add("usetx \"enum(DEAD)\", %r1\nret %r1", dif::Type::integer(4, true, "int"));
  const uint64_t wanted[] = {168, 12, static_cast<uint64_t>(-3)};
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(linked(i).ints[0], wanted[i]);
}

TEST_F(Link, OffsetsBeyond64K) {
  types::BtfBuilder b;
  const auto int_id = b.integer("int", 4, true);
  const auto big = b.structure("task_struct", 200004, {{"pad", b.array(int_id, 50000), 0}, {"last", int_id, 1600000}});
  b.pointer(big);
  types = types::TypeFile::from_btf(b.build()).value();
  add(member("last") + "ret %r1");
  const dif::Difo difo = linked();
  EXPECT_EQ(difo.ints[dif::index_of(difo.text[1])], 200000u);
}

TEST_F(Link, VariablesAndKeys) {
  using dif::Scope;
  using dif::Type;
  using dif::VarKind;
  program.variables.push_back({"p", 0x500, Scope::kThread, VarKind::kScalar, Type::unknown(), {}, {}});
  program.variables.push_back({"c", 0x500, Scope::kGlobal, VarKind::kScalar, Type::unknown(), {}, {}});
  program.variables.push_back({"a",
                               0x501,
                               Scope::kGlobal,
                               VarKind::kArray,
                               Type::integer(8, true, "int64_t"),
                               {Type::unknown(), Type::unknown()},
                               {}});
  add("ldts 0x500, %r1\nusetx \"pid\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1");
  add(member("parent") + "stts %r1, 0x500\nret %r0", Type::none());
  add(member("comm") + "stgs %r1, 0x500\nret %r0", Type::none());
  add("flushts\n" + member("comm") + "pushtv 0, %r1\n" + member("pid") +
          "pushtv 0, %r1\nsetx 1, %r1\nstgaa %r1, 0x501\nret %r0",
      Type::none());
  EXPECT_EQ(linked(0).rtype.name, "pid_t");
  const LinkResult result = link_all();
  EXPECT_EQ(result.program.variables[0].type.name, "struct task_struct *");
  EXPECT_EQ(result.program.variables[1].type, Type::string());
  EXPECT_EQ(result.program.variables[2].keys[0], Type::string());
  EXPECT_EQ(result.program.variables[2].keys[1].name, "pid_t");
  EXPECT_EQ(ops(linked(3))[5], Op::kPushtr);  // the array is pushed by reference
}

TEST_F(Link, AggregationKeys) {
  program.aggregations.push_back({"", 1, dif::ActionKind::kCount, 0, {dif::Type::unknown()}});
  program.aggregations[0].name = "_";
  dif::Action count;
  count.kind = dif::ActionKind::kCount;
  count.keys = 1;
  count.args.push_back(must(member("pid") + "ret %r1"));
  count.args[0].rtype = dif::Type::unknown();
  count.arg_kinds = {dif::ActionKind::kDifexpr};
  count.arg_params = {0};
  count.aggs = {1};
  program.clauses[0].actions.push_back(count);
  LinkResult result = link_all();
  ASSERT_TRUE(result.ok()) << result.errors[0].message;
  EXPECT_EQ(result.program.aggregations[0].keys[0].name, "pid_t");

  count.args[0] = must(member("jobctl") + "ret %r1");
  count.args[0].rtype = dif::Type::unknown();
  program.clauses[0].actions.push_back(count);
  result = link_all();
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_THAT(result.errors[0].message, HasSubstr("key 1 of @_ is \"pid_t\""));
}

TEST_F(Link, AggregatingFunctionsTakeNumbers) {
  program.aggregations.push_back({"_", 1, dif::ActionKind::kSum, 0, {}});
  dif::Action sum;
  sum.kind = dif::ActionKind::kSum;
  sum.args.push_back(must(member("comm") + "ret %r1"));
  sum.args[0].rtype = dif::Type::unknown();
  sum.args[0].lines = {{0, 5, 6, 0}};
  sum.arg_kinds = {dif::ActionKind::kDifexpr};
  sum.arg_params = {0};
  sum.aggs = {1};
  program.clauses[0].actions.push_back(sum);
  const LinkResult result = link_all();
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_EQ(result.errors[0].tag, "D_AGG_SCALAR");
  EXPECT_THAT(result.errors[0].message, HasSubstr("not \"char [16]\""));
  EXPECT_EQ(result.errors[0].pos.line, 5u);
}

TEST_F(Link, ErrorsPointAtTheSource) {
  add(member("credz") + "ret %r1").lines = {{0, 7, 1, 0}, {1, 7, 12, 0}, {2, 7, 3, 0}};
  add("ldgs 0x106, %r1\ntypecast \"struct foo *\", %r1\nret %r1").lines = {{0, 3, 4, 0}};
  add(member("comn") + "ret %r1").lines = {{0, 9, 2, 0}};
  const LinkResult result = link_all();
  ASSERT_EQ(result.errors.size(), 3u);
  EXPECT_FALSE(result.program.linked);
  EXPECT_EQ(result.errors[0].message, "unknown type \"struct foo\", on vm1 (kernel 6.1.0-37-cloud-amd64)");
  EXPECT_EQ(result.errors[0].tag, "D_TYPE_ERR");
  EXPECT_EQ(result.errors[0].pos.line, 3u);
  EXPECT_EQ(result.errors[1].message,
            "struct task_struct has no member \"credz\", on vm1 (kernel 6.1.0-37-cloud-amd64)");
  EXPECT_EQ(result.errors[1].hint, "did you mean \"cred\"?");
  EXPECT_EQ(result.errors[1].tag, "D_TYPE_MEMBER");
  EXPECT_EQ(result.errors[1].pos.line, 7u);
  EXPECT_EQ(result.errors[1].pos.column, 12u);
  EXPECT_EQ(result.errors[2].hint, "did you mean \"comm\"?");
}

TEST_F(Link, NoTypesNeededOrNoTypesGiven) {
  types = nullptr;
  add("ldgs 0x116, %r1\ntypecast \"pid_t\", %r1\nret %r1", dif::Type::integer(4, true, "pid_t"));
  EXPECT_FALSE(needs_types(program));
  EXPECT_THAT(ops(linked()), ElementsAre(Op::kLdgs, Op::kNop, Op::kRet));
  EXPECT_EQ(link_all().program.kernel, "");
  add(member("pid") + "ret %r1").lines = {{0, 4, 4, 0}};
  EXPECT_TRUE(needs_types(program));
  const LinkResult result = link_all();
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_THAT(result.errors[0].message, HasSubstr("types are needed"));
  EXPECT_EQ(result.errors[0].pos.line, 4u);
}

TEST_F(Link, CastsCutWhatTheCompilerCouldNot) {
  add(member("jobctl") + "typecast \"u16\", %r1\nret %r1");
  add(member("pid") + "typecast \"pid_t\", %r1\nret %r1");
  EXPECT_THAT(ops(linked(0)),
              ElementsAre(Op::kLdgs, Op::kSetx, Op::kAdd, Op::kLdx, Op::kSetx, Op::kSll, Op::kSrl, Op::kRet));
  EXPECT_EQ(linked(0).rtype.size, 2u);
  EXPECT_EQ(ops(linked(1))[4], Op::kNop);
}

// A register holds more than a narrow argument; what is above is cut off.
TEST_F(Link, ArgumentsHaveTheTypesOfTheProbe) {
  types::BtfBuilder b;
  const auto int_id = b.integer("int", 4, true);
  const auto bool_id = b.integer("_Bool", 1, false);
  const auto file = b.pointer(b.structure("file", 8, {{"mode", int_id, 32}}));
  b.reference(types::Kind::kFunc, b.prototype(int_id, {{"f", file}, {"n", int_id}, {"b", bool_id}}), "open_it");
  types = types::TypeFile::from_btf(b.build()).value();
  program.clauses[0].probes[0].provider = "fbt";
  program.clauses[0].probes[0].function = "open_it";
  program.clauses[0].probes[0].name = "entry";
  const auto argument = [](unsigned n) { return fmt::format("setx {}, %r1\nldga 0, %r1, %r1\n", n); };
  add(argument(0) + "usetx \"mode\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1");
  add(argument(1) + "ret %r1");
  add(argument(2) + "ret %r1");
  add(argument(1) + "ret %r1", dif::Type::integer(8, true, "int64_t"));
  EXPECT_THAT(ops(linked(0)), ElementsAre(Op::kSetx, Op::kLdga, Op::kSetx, Op::kAdd, Op::kLdsw, Op::kRet));
  EXPECT_THAT(ops(linked(1)), ElementsAre(Op::kSetx, Op::kLdga, Op::kSetx, Op::kSll, Op::kSra, Op::kRet));
  EXPECT_EQ(linked(1).rtype, dif::Type::integer(4, true, "int"));
  EXPECT_THAT(ops(linked(2)), ElementsAre(Op::kSetx, Op::kLdga, Op::kSetx, Op::kSll, Op::kSrl, Op::kRet));
  EXPECT_EQ(linked(2).ints[dif::index_of(linked(2).text[2])], 56u);
  EXPECT_EQ(ops(linked(3))[4], Op::kSra);
  EXPECT_TRUE(needs_types(program));

  const LinkResult once = link_all();
  EXPECT_EQ(link(once.program, types.get(), {"vm1", "6.1"}).program.clauses, once.program.clauses);

  add(argument(3) + "ret %r1").lines = {{0, 4, 9, 0}};
  const LinkResult result = link_all();
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_EQ(result.errors[0].tag, "D_ARGS_IDX");
  EXPECT_EQ(result.errors[0].message,
            "index 3 is out of range for fbt::open_it:entry args[ ]: open_it has 3 arguments, on vm1 (kernel "
            "6.1.0-37-cloud-amd64)");
  EXPECT_EQ(result.errors[0].pos.line, 4u);
}

// What only args[] asks for: a program whose results are known all the same, on a probe that has types or not.
TEST_F(Link, ArgumentsNeedTypes) {
  program.clauses[0].probes[0].provider = "profile";
  add("setx 1, %r1\nldga 0, %r1, %r1\nret %r1", dif::Type::integer(8, true, "int64_t"));
  EXPECT_FALSE(needs_types(program));
  program.clauses[0].probes[0].provider = "rawtp";
  EXPECT_TRUE(needs_types(program));
}

// Loads of fixed width say less of a value's type than the loads they were made of: the signs stay as they are.
TEST_F(Link, TwiceIsOnce) {
  add(member("parent") + "ldgs 256, %r2\nsub %r1, %r2, %r1\nusetx \"[]\", %r2\nsdiv %r1, %r2, %r1\nret %r1");
  EXPECT_EQ(ops(linked())[7], Op::kSdiv);
  const LinkResult once = link_all();
  EXPECT_EQ(link(once.program, types.get(), {"vm1", "6.1"}).program.clauses, once.program.clauses);
}

TEST_F(Link, NoRegisterLeft) {
  // Every register is used afterwards.
  std::string use;
  for (int r = 2; r < 8; ++r) use += fmt::format("add %r1, %r{}, %r1\n", r);
  std::string text = "ldgs 256, %r1\nusetx \"policy\", %r2\nadd %r1, %r2, %r1\n";
  for (int r = 2; r < 8; ++r) text += fmt::format("setx {}, %r{}\n", r, r);
  add(text + "uload [%r1], %r1\n" + use + "ret %r1").lines = {{0, 2, 2, 0}};
  const LinkResult result = link_all();
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_EQ(result.errors[0].tag, "D_NOREG");
}

// A second clause, for another guest: what this one lacks is its own business.
TEST_F(Link, ClausesThatAreNotNeededMayUseWhatTheKernelLacks) {
  add(member("pid") + "ret %r1");
  program.clauses.push_back(program.clauses[0]);
  program.clauses[0].actions[0].args[0] = must(member("nonesuch") + "ret %r1");
  program.clauses[0].actions[0].args[0].rtype = dif::Type::unknown();
  EXPECT_EQ(link_all().errors.size(), 1u);
  const LinkResult part = link_clauses(program, types.get(), {"vm1", "6.1"}, {false, true});
  ASSERT_THAT(part.errors, IsEmpty()) << part.errors[0].message;
  ASSERT_EQ(part.program.clauses.size(), 2u);
  EXPECT_TRUE(part.program.clauses[0].actions.empty());
  ASSERT_EQ(part.program.clauses[1].actions.size(), 1u);
  EXPECT_EQ(part.program.clauses[1].actions[0].args[0].rtype.name, "pid_t");
  EXPECT_EQ(link_clauses(program, types.get(), {"vm1", "6.1"}, {true, false}).errors.size(), 1u);
}

TEST_F(Link, AVariableKeepsTheTypeThatAClauseLeftOutGivesIt) {
  const auto global = [](const char* name, uint16_t id) {
    dif::VariableDef def;
    def.name = name;
    def.id = id;
    def.type = dif::Type::unknown();
    return def;
  };
  program.variables = {global("task", 0x500), global("other", 0x501)};
  add("ldgs 256, %r1\nstgs %r1, 1280\nret %r1");
  add(member("nonesuch") + "stgs %r1, 1281\nret %r1");
  program.clauses.resize(2);
  program.clauses[1].probes.resize(1);
  program.clauses[1].actions = {program.clauses[0].actions[0]};
  program.clauses[1].actions[0].args[0] =
      must("ldgs 1280, %r1\nusetx \"pid\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1");
  program.clauses[1].actions[0].args[0].rtype = dif::Type::unknown();
  const LinkResult part = link_clauses(program, types.get(), {"vm1", "6.1"}, {false, true});
  ASSERT_THAT(part.errors, IsEmpty()) << part.errors[0].message;
  EXPECT_EQ(part.program.variables[0].type.name, "struct task_struct *");
  EXPECT_EQ(part.program.variables[1].type.name, "int64_t");  // nothing here looks at it
  // What is looked at must have a type.
  program.clauses[1].actions[0].args[0] = must("ldgs 1281, %r1\nret %r1");
  program.clauses[1].actions[0].args[0].rtype = dif::Type::unknown();
  EXPECT_FALSE(link_clauses(program, types.get(), {"vm1", "6.1"}, {false, true}).ok());
}

}  // namespace
}  // namespace ht::link
