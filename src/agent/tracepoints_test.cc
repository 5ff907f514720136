// Tracepoints from types made for the test, and those of this machine's kernel.
#include "agent/tracepoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/probe_patch.h"
#include "types/btf_builder.h"

namespace ht::agent {
namespace {

using types::BtfBuilder;
using types::Kind;
using types::TypeFile;

// btf_trace_NAME, a typedef of void (*)(void *, parameters ...).
void add_tracepoint(BtfBuilder& b, std::string_view name, std::vector<BtfBuilder::Field> parameters) {
  parameters.insert(parameters.begin(), {"", b.pointer(0)});
  b.alias(name, b.pointer(b.prototype(0, parameters)));
}

std::vector<Tracepoint> tracepoints_in(const BtfBuilder& builder) {
  auto file = TypeFile::from_btf(builder.build());
  EXPECT_TRUE(file.ok());
  return tracepoints_of(**file, 1);
}

TEST(Tracepoints, NamesAndArguments) {
  BtfBuilder b;
  const auto integer = b.integer("int", 4, true);
  const auto character = b.integer("unsigned char", 1, false);
  const auto wide = b.integer("unsigned long", 8, false);
  const auto state = b.enumeration("state", {{"A", 0}, {"B", 1}});
  add_tracepoint(b, "btf_trace_one",
                 {{"a", integer},
                  {"b", b.pointer(integer)},
                  {"c", character},
                  {"d", wide},
                  {"e", b.alias("pid_t", integer)},
                  {"f", state}});
  add_tracepoint(b, "btf_trace_none", {});
  const auto found = tracepoints_in(b);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "one");
  const uint64_t widths = HT_S32 | HT_U8 << 6 | HT_S32 << 12 | HT_U32 << 15;
  EXPECT_EQ(found[0].arguments, (ProbeArguments{6, widths}));
  EXPECT_EQ(found[1].name, "none");
  EXPECT_EQ(found[1].arguments, ProbeArguments{});
}

TEST(Tracepoints, NoMoreArgumentsThanACallCarries) {
  BtfBuilder b;
  const auto integer = b.integer("int", 4, true);
  add_tracepoint(b, "btf_trace_long", std::vector<BtfBuilder::Field>(12, {"a", integer}));
  const auto found = tracepoints_in(b);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].arguments.count, 10u);
  EXPECT_EQ(found[0].arguments.widths, 01111111111u);
}

TEST(Tracepoints, WhatOnlyLooksLikeOneIsLeftOut) {
  BtfBuilder b;
  const auto integer = b.integer("int", 4, true);
  b.alias("btf_trace_number", integer);
  b.alias("btf_trace_pointer", b.pointer(integer));
  b.alias("btf_trace_bare", b.pointer(b.prototype(0, {})));
  b.alias("btf_trace_", b.pointer(b.prototype(0, {{"", b.pointer(0)}})));
  b.structure("btf_trace_struct", 4, {{"a", integer}});
  add_tracepoint(b, "other_trace_x", {});
  EXPECT_TRUE(tracepoints_in(b).empty());
}

TEST(Tracepoints, ThoseOfAModuleOnly) {
  BtfBuilder base;
  add_tracepoint(base, "btf_trace_of_the_kernel", {});
  auto kernel = TypeFile::from_btf(base.build());
  ASSERT_TRUE(kernel.ok());
  BtfBuilder split(base.next(), base.string_length());
  add_tracepoint(split, "btf_trace_of_the_module", {});
  auto module = TypeFile::from_btf(split.build(), *kernel);
  ASSERT_TRUE(module.ok()) << module.error().message;
  const auto found = tracepoints_of(**module, static_cast<types::TypeId>((*kernel)->count()));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "of_the_module");
}

TEST(Tracepoints, ThisKernels) {
  auto types = std::make_shared<KernelTypes>();
  if (auto vmlinux = types->vmlinux(); !vmlinux) GTEST_SKIP() << vmlinux.error().text();
  TracepointTable table(types);
  table.refresh();
  const auto found = std::find_if(table.all().begin(), table.all().end(),
                                  [](const Tracepoint& point) { return point.name == "sched_process_exec"; });
  ASSERT_NE(found, table.all().end());
  EXPECT_EQ(found->module, "vmlinux");
  EXPECT_TRUE(found->present);
  // (struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
  EXPECT_EQ(found->arguments, (ProbeArguments{3, HT_S32 << 3}));
  const size_t before = table.all().size();
  table.refresh();
  EXPECT_EQ(table.all().size(), before);
}

}  // namespace
}  // namespace ht::agent
