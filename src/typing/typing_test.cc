#include <fmt/format.h>
#include <gmock/gmock.h>

#include "dif/assembler.h"
#include "typing/infer.h"
#include "typing/sample_types.h"
#include "typing/suggest.h"

namespace ht::typing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

dif::Difo must(std::string_view text) {
  auto difo = dif::assemble(text);
  EXPECT_TRUE(difo.ok()) << (difo.ok() ? "" : difo.error().message);
  return difo.ok() ? *difo : dif::Difo{};
}

class Typing : public testing::Test {
 protected:
  TypedDifo typed(std::string_view text) {
    auto result = infer(must(text), {&program, types.get(), &variables});
    EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
    return result.ok() ? *result : TypedDifo{};
  }
  // The C spelling of what the code returns.
  std::string result(std::string_view text) {
    const TypedDifo t = typed(text);
    EXPECT_THAT(t.problems, IsEmpty()) << t.problems[0].message;
    return Lattice(types.get()).spell(t.result);
  }
  std::string problem(std::string_view text) {
    const TypedDifo t = typed(text);
    return t.problems.empty() ? "none" : t.problems[0].message;
  }

  std::shared_ptr<const types::TypeFile> types = sample_types();
  dif::Program program;
  VariableTypes variables;
};

constexpr std::string_view kComm = R"(
  ldgs 256, %r1
  usetx "comm", %r2
  add %r1, %r2, %r1
  uload [%r1], %r1
)";

// Types of a module: named as its own, found without being named, and where the kernel only declares them.
TEST_F(Typing, TypesOfModules) {
  const types::CombinedTypes with_module = sample_types_with_module();
  types = std::shared_ptr<const types::TypeFile>(std::shared_ptr<void>(), &with_module);
  EXPECT_EQ(result("ldgs 0x106, %r1\ntypecast \"struct ext`ext_inode *\", %r1\nusetx \"owner\", %r2\n"
                   "add %r1, %r2, %r1\nuload [%r1], %r1\nret %r1"),
            "struct task_struct *");
  EXPECT_EQ(result("ldgs 256, %r1\nusetx \"opaque\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nusetx \"left\", %r2\n"
                   "add %r1, %r2, %r1\nuload [%r1], %r1\nret %r1"),
            "unsigned int");
  EXPECT_EQ(typed("usetx \"sizeof(ext`ext_t)\", %r1\nret %r1").constants.at(0), 48u);
  EXPECT_EQ(typed("usetx \"enum(EXT_BUSY)\", %r1\nret %r1").constants.at(0), 7u);
  EXPECT_EQ(result("usetx \"sym(ext`ext_root)\", %r1\nuload [%r1], %r1\nret %r1"), "struct ext_inode *");
  EXPECT_EQ(result("usetx \"sym(ext`unknown)\", %r1\nuload [%r1], %r1\nret %r1"), "long unsigned int");
  // A symbol that is not said to be the module's is taken for vmlinux's.
  EXPECT_EQ(result("usetx \"sym(`ext_root)\", %r1\nuload [%r1], %r1\nret %r1"), "long unsigned int");
  EXPECT_EQ(result("usetx \"sym(ext`cpu_number)\", %r1\nuload [%r1], %r1\nret %r1"), "long unsigned int");
  EXPECT_EQ(problem("usetx \"sizeof(struct vmlinux`ext_inode)\", %r1\nret %r1"),
            "unknown type \"struct vmlinux`ext_inode\"");
}

// defined(), sizeof and enumerators are numbers once a kernel is known, and what they decide is never typed.
TEST_F(Typing, NumbersDecideBranches) {
  const auto either = [](std::string_view condition) {
    return fmt::format(
        "{}be no\nldgs 256, %r1\nusetx \"comm\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nba end\n"
        "no:\nldgs 256, %r1\nusetx \"no_member\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\n"
        "end:\nret %r1",
        condition);
  };
  EXPECT_EQ(result(either("usetx \"defined(struct task_struct, comm)\", %r1\ntst %r1\n")), "char [16]");
  EXPECT_EQ(result(either("usetx \"sizeof(struct cred)\", %r1\nsetx 167, %r2\ncmp %r1, %r2\n")), "char [16]");
  EXPECT_EQ(problem(either("usetx \"defined(struct task_struct, none)\", %r1\ntst %r1\n")),
            "struct task_struct has no member \"no_member\"");
  EXPECT_EQ(result(either("usetx \"sizeof(struct cred)\", %r1\nadd %r1, %r1, %r1\nsetx 335, %r2\ncmp %r1, %r2\n")),
            "char [16]");
  // What may be either stays open: the number of a variable is not known.
  EXPECT_NE(problem(either("ldgs 0x106, %r1\ntst %r1\n")), "none");
  // A block that only a dead branch leads to says nothing to the join.
  const TypedDifo t = typed(either("usetx \"defined(struct cred)\", %r1\ntst %r1\n"));
  EXPECT_THAT(t.live, ElementsAre(true, true, false, true));
}

TEST_F(Typing, PathsOfSizes) {
  const auto number = [&](std::string_view symbol) {
    const TypedDifo t = typed(fmt::format("usetx \"{}\", %r1\nret %r1", symbol));
    return t.problems.empty() ? fmt::format("{}", t.result.number.value_or(0)) : t.problems[0].message;
  };
  EXPECT_EQ(number("sizeof(struct task_struct, cred.uid.val)"), "4");
  EXPECT_EQ(number("sizeof(struct task_struct, comm)"), "16");
  EXPECT_EQ(number("sizeof(struct task_struct, cred)"), "8");
  EXPECT_EQ(number("sizeof(struct task_struct *)"), "8");
  EXPECT_EQ(number("offsetof(struct task_struct, cred)"), "24");
  EXPECT_EQ(number("defined(struct task_struct, cred.uid)"), "1");
  EXPECT_EQ(number("defined(struct task_struct, cred.uid.x)"), "0");
  EXPECT_EQ(number("defined(struct opaque)"), "0");  // only declared
  EXPECT_EQ(number("defined(struct none)"), "0");
  EXPECT_EQ(number("defined(uid_t)"), "1");
  EXPECT_EQ(number("sizeof(struct task_struct, comm.x)"), "char [16] has no member \"x\"");
  EXPECT_EQ(number("sizeof(struct task_struct, policy)"), "cannot apply sizeof to a bit-field: policy");
  EXPECT_EQ(number("sizeof(struct none)"), "unknown type \"struct none\"");
  EXPECT_EQ(number("offsetof(struct cred)"), "\"offsetof(struct cred)\" names no member");
  EXPECT_EQ(number("nonsense(struct cred)"), "unknown symbol \"nonsense(struct cred)\"");
}

TEST_F(Typing, MemberChain) {
  const TypedDifo t = typed(R"(
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
  EXPECT_THAT(t.problems, IsEmpty());
  const Lattice lattice(types.get());
  EXPECT_EQ(lattice.spell(t.of(0)), "struct task_struct *");
  EXPECT_EQ(lattice.spell(t.of(3)), "const struct cred *");
  EXPECT_EQ(lattice.spell(t.of(5)), "kuid_t *");
  EXPECT_EQ(lattice.spell(t.result), "uid_t");
  EXPECT_THAT(t.constants, ElementsAre(std::pair(1u, 24u), std::pair(4u, 8u), std::pair(6u, 0u)));
  EXPECT_EQ(t.accesses.at(8).width, 4);
  EXPECT_FALSE(t.accesses.at(8).is_signed);
}

TEST_F(Typing, ArraysDecayAndStructsStay) {
  const std::string comm(kComm);
  EXPECT_EQ(result(comm + "ret %r1"), "char [16]");
  EXPECT_EQ(result(comm + "setx 2, %r2\nadd %r1, %r2, %r1\nret %r1"), "char *");
  EXPECT_EQ(result(comm + "setx 2, %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1"), "char");
  EXPECT_EQ(result("ldgs 256, %r1\nuload [%r1], %r1\nret %r1"), "struct task_struct");
}

TEST_F(Typing, ElementsTakeTheSizeOfWhatIsIndexed) {
  const TypedDifo t = typed(R"(
    ldgs 256, %r1
    usetx "numbers", %r2
    add %r1, %r2, %r1
    uload [%r1], %r1
    setx 3, %r2
    usetx "[]", %r3
    mul %r2, %r3, %r2
    add %r1, %r2, %r1
    uload [%r1], %r1
    ret %r1)");
  EXPECT_THAT(t.problems, IsEmpty());
  EXPECT_EQ(t.constants.at(5), 8u);
  EXPECT_EQ(Lattice(types.get()).spell(t.result), "long unsigned int");
}

TEST_F(Typing, PromotionFollowsRank) {
  const std::string pid = "ldgs 256, %r1\nusetx \"pid\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\n";
  EXPECT_EQ(result(pid + "ret %r1"), "pid_t");
  EXPECT_EQ(result(pid + "setx 1, %r2\nadd %r1, %r2, %r1\nret %r1"), "pid_t");
  EXPECT_EQ(result(pid + "setx 0x100000000, %r2\nmul %r1, %r2, %r1\nret %r1"), "long");
  EXPECT_EQ(result(pid + "ldgs 257, %r2\nor %r1, %r2, %r1\nret %r1"), "uint64_t");
}

// (short)curthread->jobctl, as the compiler writes it.
TEST_F(Typing, ShiftsThatCutAreCasts) {
  EXPECT_EQ(result("ldgs 256, %r1\nusetx \"jobctl\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\n"
                   "setx 48, %r2\nsll %r1, %r2, %r1\nsra %r1, %r2, %r1\nret %r1"),
            "short");
}

TEST_F(Typing, PathsJoin) {
  // cond ? curthread->pid : 0, and a register that one path leaves a pointer in.
  EXPECT_EQ(result(R"(
    ldgs 257, %r3
    tst %r3
    be other
    ldgs 256, %r1
    ba end
  other:
    setx 0, %r1
  end:
    ret %r1)"),
            "struct task_struct *");
  EXPECT_THAT(problem(R"(
    ldgs 257, %r3
    tst %r3
    be other
    ldgs 256, %r1
    ba end
  other:
    sets "text", %r1
  end:
    usetx "pid", %r2
    add %r1, %r2, %r1
    ret %r1)"),
              HasSubstr("both \"struct task_struct *\" and \"string\""));
}

TEST_F(Typing, Builtins) {
  EXPECT_EQ(result("ldgs 0x116, %r1\nret %r1"), "pid_t");
  EXPECT_EQ(result("ldgs 0x118, %r1\nret %r1"), "string");
  EXPECT_EQ(result("flushts\nsets \"x\", %r1\npushtr 1, %r0, %r1\ncall strlen, %r1\nret %r1"), "size_t");
}

TEST_F(Typing, CastsStateTypes) {
  EXPECT_EQ(result("ldgs 0x106, %r1\ntypecast \"struct file *\", %r1\nusetx \"f_name\", %r2\nadd %r1, %r2, %r1\n"
                   "usetx \"name\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1"),
            "char *");
  EXPECT_EQ(problem("ldgs 0x106, %r1\ntypecast \"struct nothing *\", %r1\nret %r1"), "unknown type \"struct nothing\"");
}

TEST_F(Typing, ProblemsAreReportedOnce) {
  const TypedDifo t = typed(R"(
    ldgs 256, %r1
    usetx "credz", %r2
    add %r1, %r2, %r1
    uload [%r1], %r1
    usetx "uid", %r2
    add %r1, %r2, %r1
    uload [%r1], %r1
    ret %r1)");
  ASSERT_EQ(t.problems.size(), 1u);
  EXPECT_EQ(t.problems[0].instruction, 1u);
  EXPECT_EQ(t.problems[0].tag, "D_TYPE_MEMBER");
  EXPECT_EQ(t.problems[0].message, "struct task_struct has no member \"credz\"");
  EXPECT_EQ(t.problems[0].hint, "did you mean \"cred\"?");
}

TEST_F(Typing, WhatCannotBe) {
  const auto member_of = [](std::string_view load, std::string_view member) {
    return fmt::format("{}\nusetx \"{}\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1", load, member);
  };
  EXPECT_THAT(problem(member_of("ldgs 0x116, %r1", "x")), HasSubstr("it has type \"pid_t\""));
  EXPECT_THAT(problem(member_of("ldgs 256, %r1\nusetx \"opaque\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1", "x")),
              HasSubstr("only declared"));
  EXPECT_EQ(problem("ldgs 256, %r1\nusetx \"anything\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nuload [%r1], %r1\n"
                    "ret %r1"),
            "cannot dereference pointer to void");
  dif::Difo backwards = must("nop\nret %r1");
  backwards.text[0] = dif::make_label(dif::Op::kBa, 0);
  EXPECT_FALSE(infer(backwards, {}).ok());
  backwards.text[0] = dif::make(dif::Op::kMov, 9, 0, 1);
  EXPECT_FALSE(infer(backwards, {}).ok());
  backwards.text.clear();
  EXPECT_FALSE(infer(backwards, {}).ok());
}

TEST_F(Typing, VariablesTakeWhatIsAssigned) {
  program.variables.push_back({"f", 0x500, dif::Scope::kThread, dif::VarKind::kScalar, dif::Type::unknown(), {}, {}});
  program.variables.push_back({"g", 0x500, dif::Scope::kGlobal, dif::VarKind::kScalar, dif::Type::unknown(), {}, {}});
  program.clauses.resize(2);
  program.files = {""};
  const auto action = [&](size_t clause, std::string_view text, uint32_t line) {
    dif::Action a;
    a.kind = dif::ActionKind::kDifexpr;
    a.args.push_back(must(text));
    a.args[0].lines = {{0, line, 5, 0}};
    program.clauses[clause].actions.push_back(std::move(a));
  };
  // The use comes before the assignment, through a second variable.
  action(0, "ldgs 0x500, %r1\nstts %r1, 0x500\nret %r0", 1);
  action(1, "ldgs 256, %r1\nusetx \"files\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nstgs %r1, 0x500\nret %r0", 2);
  action(1, "setx 0, %r1\nstts %r1, 0x500\nret %r0", 3);
  VariablesResult found = infer_variables(program, types.get());
  EXPECT_THAT(found.errors, IsEmpty());
  const Lattice lattice(types.get());
  EXPECT_EQ(lattice.spell(found.variables.at({dif::Scope::kThread, 0x500}).value), "struct file *");

  action(1, "ldgs 256, %r1\nstts %r1, 0x500\nret %r0", 4);
  found = infer_variables(program, types.get());
  ASSERT_EQ(found.errors.size(), 1u);
  EXPECT_THAT(found.errors[0].message,
              testing::AllOf(HasSubstr("variable \"self->f\""), HasSubstr("struct file *"),
                             HasSubstr("struct task_struct *"), HasSubstr("line 4, column 5")));
}

TEST_F(Typing, ReachingDefinitionsAndLiveness) {
  const dif::Difo difo = must(R"(
    setx 1, %r1
    setx 2, %r2
    cmp %r1, %r2
    be end
    mov %r2, %r1
  end:
    ret %r1)");
  const Flow flow = analyse(difo).value();
  ASSERT_EQ(flow.blocks.size(), 3u);
  EXPECT_THAT(flow.blocks[2].predecessors, ElementsAre(0, 1));
  const Node& phi = flow.nodes[flow.uses[5].rd];
  EXPECT_EQ(phi.kind, Node::Kind::kPhi);
  EXPECT_THAT(phi.inputs, testing::UnorderedElementsAre(flow.uses[0].result, flow.uses[4].result));
  EXPECT_EQ(flow.uses[3].cc, flow.uses[2].result);
  EXPECT_THAT(live_after(difo, flow), ElementsAre(0b10, 0b110, 0b110, 0b110, 0b10, 0));
}

// A long chain of branches: work and memory stay linear.
TEST_F(Typing, ManyPaths) {
  dif::Difo difo;
  constexpr unsigned kCount = 20000;
  for (unsigned i = 0; i < kCount; ++i) {
    difo.text.push_back(dif::make_label(dif::Op::kBe, 3 * i + 3));
    difo.text.push_back(dif::make(dif::Op::kAdd, 1, 2, 1));
    difo.text.push_back(dif::make(dif::Op::kMov, 1, 0, 2));
  }
  difo.text.push_back(dif::make(dif::Op::kRet, 0, 0, 1));
  EXPECT_TRUE(infer(difo, {}).ok());
}

TEST_F(Typing, DifferencesOfPointersCountElements) {
  const auto of = [](std::string_view first, std::string_view second) {
    const auto load = [](std::string_view member, int reg) {
      return fmt::format("ldgs 256, %r{1}\nusetx \"{0}\", %r7\nadd %r{1}, %r7, %r{1}\nuload [%r{1}], %r{1}\n", member,
                         reg);
    };
    return load(first, 1) + load(second, 2) + "sub %r1, %r2, %r1\nusetx \"[]\", %r2\nsdiv %r1, %r2, %r1\nret %r1";
  };
  EXPECT_EQ(result(of("parent", "parent")), "ptrdiff_t");
  EXPECT_EQ(typed(of("parent", "parent")).constants.at(9), 70128u);
  EXPECT_EQ(result(of("numbers", "numbers")), "ptrdiff_t");
  EXPECT_EQ(typed(of("numbers", "numbers")).constants.at(9), 8u);
  EXPECT_EQ(result(of("pid", "jobctl")), "long unsigned int");
  EXPECT_EQ(typed(of("pid", "jobctl")).constants.at(9), 1u);
  EXPECT_EQ(problem(of("parent", "files")),
            "operands have incompatible types: \"struct task_struct *\" - \"struct file *\"");
  EXPECT_EQ(problem(of("parent", "pid")), "operands have incompatible types: \"struct task_struct *\" - \"pid_t\"");
  EXPECT_EQ(problem(of("anything", "anything")), "cannot subtract \"void *\": its elements have no known size");
  EXPECT_EQ(problem(of("opaque", "opaque")), "cannot subtract \"struct opaque *\": its elements have no known size");
}

TEST_F(Typing, EnumeratorsNearby) {
  const auto hint = [&](std::string_view name) {
    const TypedDifo t = typed(fmt::format("usetx \"enum({})\", %r1\nret %r1", name));
    return t.problems.empty() ? "none" : t.problems[0].hint;
  };
  EXPECT_EQ(hint("DAED"), "did you mean \"DEAD\"?");
  EXPECT_EQ(hint("RUNING"), "did you mean \"RUNNING\"?");
  EXPECT_EQ(hint("cmom"), "");  // a member's name
  EXPECT_EQ(hint("DEAD"), "none");
}

TEST(Suggest, Near) {
  EXPECT_EQ(nearest("credz", {"pid", "cred", "comm"}), "cred");
  EXPECT_EQ(nearest("cmom", {"pid", "cred", "comm"}), "comm");
  EXPECT_EQ(nearest("zzzz", {"pid", "cred", "comm"}), "");
}

}  // namespace
}  // namespace ht::typing
