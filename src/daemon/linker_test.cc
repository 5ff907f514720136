// What linking costs as guests come: one link for each kernel and program, whether it works out or not.
#include "daemon/linker.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dif/assembler.h"
#include "types/btf_builder.h"

namespace ht::daemon {
namespace {

// A kernel whose task_struct has pid at `offset`, under that name or another.
std::shared_ptr<const types::CombinedTypes> kernel(uint32_t offset, const char* name = "pid") {
  types::BtfBuilder b;
  const auto number = b.integer("int", 4, true);
  b.structure("task_struct", offset + 4, {{name, number, offset * 8}});
  return std::make_shared<const types::CombinedTypes>(types::TypeFile::from_btf(b.build()).value());
}

dif::Program reads_pid() {
  dif::Program program;
  program.files = {""};
  program.sources.push_back({"test", false, ""});
  dif::Clause& clause = program.clauses.emplace_back();
  clause.probes.resize(1);
  dif::Action& action = clause.actions.emplace_back();
  action.kind = dif::ActionKind::kDifexpr;
  action.record = true;
  action.args = {
      dif::assemble("ldgs 256, %r1\nusetx \"pid\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1").value()};
  action.args[0].rtype = dif::Type::unknown();
  action.arg_kinds = {dif::ActionKind::kDifexpr};
  action.arg_params = {0};
  return program;
}

uint64_t offset_in(const dif::Program& program) {
  return program.clauses[0].actions[0].args[0].ints.at(0);
}

TEST(Linker, AThousandGuestsWithThreeKernelsAreThreeLinks) {
  Linker linker;
  const dif::Program program = reads_pid();
  const std::shared_ptr<const types::CombinedTypes> kernels[] = {kernel(8), kernel(64), kernel(70000)};
  const uint64_t offsets[] = {8, 64, 70000};
  for (size_t guest = 0; guest < 1000; ++guest) {
    const size_t k = guest * 7 % 3;
    const Linked linked =
        linker.link("program", program, kernels[k].get(), {fmt::format("vm{}", guest), fmt::format("6.{}", k)}, {true});
    ASSERT_NE(linked.program, nullptr) << linked.errors[0].message;
    EXPECT_EQ(offset_in(*linked.program), offsets[k]);
    EXPECT_EQ(linked.program->kernel, fmt::format("6.{}", k));
  }
  EXPECT_EQ(linker.links(), 3u);
  // Another program is another link; the same types in another file are not.
  linker.link("other", program, kernels[0].get(), {"vm1", "6.0"}, {true});
  EXPECT_EQ(linker.links(), 4u);
  linker.link("other", program, kernel(8).get(), {"vm2", "6.0"}, {true});
  EXPECT_EQ(linker.links(), 4u);
}

TEST(Linker, WhatDoesNotFitIsFoundOnceAndSaidOfEachGuest) {
  Linker linker;
  const dif::Program program = reads_pid();
  const auto lacking = kernel(8, "number");
  for (size_t guest = 0; guest < 1000; ++guest) {
    const Linked linked = linker.link("program", program, lacking.get(), {fmt::format("vm{}", guest), "6.1"}, {true});
    ASSERT_EQ(linked.program, nullptr);
    ASSERT_EQ(linked.errors.size(), 1u);
    EXPECT_EQ(linked.errors[0].message,
              fmt::format("struct task_struct has no member \"pid\", on vm{} (kernel 6.1)", guest));
  }
  EXPECT_EQ(linker.links(), 1u);
}

TEST(Linker, WhatAGuestIsNotMeantForNeedNotFitIt) {
  Linker linker;
  dif::Program program = reads_pid();
  program.clauses.push_back(program.clauses[0]);
  const auto lacking = kernel(8, "number");
  for (size_t guest = 0; guest < 1000; ++guest) {
    const link::TargetName target{fmt::format("vm{}", guest), "6.1"};
    EXPECT_EQ(linker.link("program", program, lacking.get(), target, {true, false}).errors.size(), 1u);
    const Linked linked = linker.link("program", program, lacking.get(), target, {false, false});
    ASSERT_NE(linked.program, nullptr);
    ASSERT_EQ(linked.program->clauses.size(), 2u);
    EXPECT_TRUE(linked.program->clauses[0].actions.empty());
  }
  EXPECT_EQ(linker.links(), 3u);  // the whole, and each part
  // What fits is the same program for all.
  const auto having = kernel(8);
  const Linked whole = linker.link("program", program, having.get(), {"vm1", "6.2"}, {true, true});
  EXPECT_EQ(linker.link("program", program, having.get(), {"vm2", "6.2"}, {false, true}).program, whole.program);
  EXPECT_EQ(linker.links(), 4u);
}

// The types of modules are part of what a link is kept for, and so are the names that it could not find.
TEST(Linker, ModulesMakeAnotherLink) {
  Linker linker;
  dif::Program program = reads_pid();
  program.clauses[0].actions[0].args[0] = dif::assemble("usetx \"sizeof(struct own)\", %r1\nret %r1").value();
  program.clauses[0].actions[0].args[0].rtype = dif::Type::unknown();
  types::BtfBuilder b;
  b.integer("int", 4, true);
  const auto vmlinux = types::TypeFile::from_btf(b.build()).value();
  types::BtfBuilder split(b.next(), b.string_length());
  split.structure("own", 24, {{"n", 1, 0}});
  const auto module = types::TypeFile::from_btf(split.build(), vmlinux).value();
  const types::CombinedTypes without(vmlinux), with(vmlinux, {{"ext", module}});
  for (const char* guest : {"vm1", "vm2"}) {
    const Linked failed = linker.link("program", program, &without, {guest, "6.1"}, {true});
    EXPECT_EQ(failed.program, nullptr);
    EXPECT_EQ(failed.wanted, (std::set<types::TypeName>{{"", types::Kind::kStruct, "own"}}));
    const Linked linked = linker.link("program", program, &with, {guest, "6.1"}, {true});
    ASSERT_NE(linked.program, nullptr);
    EXPECT_EQ(offset_in(*linked.program), 24u);
    EXPECT_EQ(linked.program->types_hash, with.hash());
  }
  EXPECT_EQ(linker.links(), 2u);
}

}  // namespace
}  // namespace ht::daemon
