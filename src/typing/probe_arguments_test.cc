#include "typing/probe_arguments.h"

#include <gmock/gmock.h>

#include "types/btf_builder.h"
#include "typing/sample_types.h"

namespace ht::typing {
namespace {

using testing::HasSubstr;
using types::Kind;

// Functions and tracepoints in miniature:
//   ssize_t vfs_read(struct file *, char *, unsigned long)       also vfs_write
//   void vfs_close(struct file *)      int vfs_stat(const char *, ...)      bool vfs_none(void)
//   long by_value(struct pair, int, struct wide, int)
//   btf_trace_sched_switch: (void *, bool, struct task *, struct task *)    btf_trace_sched_wakeup: (void *, struct
//   task *) long __do_sys_read(unsigned int, char *, unsigned long)
std::shared_ptr<const types::TypeFile> functions() {
  types::BtfBuilder b;
  const auto int_id = b.integer("int", 4, true);
  const auto char_id = b.integer("char", 1, true);
  const auto long_id = b.integer("long int", 8, true);
  const auto ulong_id = b.integer("long unsigned int", 8, false);
  const auto uint_id = b.integer("unsigned int", 4, false);
  const auto bool_id = b.integer("_Bool", 1, false);
  const auto ssize_id = b.alias("ssize_t", long_id);
  const auto file = b.pointer(b.structure("file", 8, {{"pos", long_id, 0}}));
  const auto task = b.pointer(b.structure("task", 8, {{"pid", int_id, 0}}));
  const auto text = b.pointer(char_id);
  const auto nothing = b.pointer(0);
  const auto pair = b.structure("pair", 8, {{"a", int_id, 0}, {"b", int_id, 32}});
  const auto wide = b.structure("wide", 16, {{"a", long_id, 0}, {"b", long_id, 64}});
  const auto function = [&](std::string_view name, types::TypeId prototype) {
    b.reference(Kind::kFunc, prototype, name);
  };
  const auto reads = b.prototype(ssize_id, {{"file", file}, {"buf", text}, {"count", ulong_id}});
  function("vfs_read", reads);
  function("vfs_write", reads);
  function("vfs_close", b.prototype(0, {{"file", file}}));
  function("vfs_stat", b.prototype(int_id, {{"name", text}, {"", 0}}));
  function("vfs_none", b.prototype(bool_id, {}));
  function("by_value", b.prototype(long_id, {{"p", pair}, {"n", int_id}, {"w", wide}, {"m", int_id}}));
  function("__do_sys_read", b.prototype(long_id, {{"fd", uint_id}, {"buf", text}, {"count", ulong_id}}));
  b.alias("btf_trace_sched_switch",
          b.pointer(b.prototype(0, {{"__data", nothing}, {"preempt", bool_id}, {"prev", task}, {"next", task}})));
  b.alias("btf_trace_sched_wakeup", b.pointer(b.prototype(0, {{"__data", nothing}, {"p", task}})));
  b.alias("btf_trace_odd", int_id);
  return types::TypeFile::from_btf(b.build()).value();
}

dif::ProbeDesc probe(std::string_view text) {
  dif::ProbeDesc desc;
  std::string* const fields[] = {&desc.provider, &desc.module, &desc.function, &desc.name};
  for (std::string* field : fields) {
    const size_t colon = std::min(text.find(':'), text.size());
    *field = text.substr(0, colon);
    text.remove_prefix(std::min(colon + 1, text.size()));
  }
  return desc;
}

class Arguments : public testing::Test {
 protected:
  // The type of args[index], or "TAG message".
  std::string of(const std::vector<std::string_view>& descriptions, uint64_t index) {
    std::vector<dif::ProbeDesc> probes;
    for (std::string_view text : descriptions) probes.push_back(probe(text));
    const Result<Value> found = arguments.argument(probes, index);
    if (!found.ok()) return found.error().tag + " " + found.error().message;
    return Lattice(types.get()).spell(*found) + (found->user ? " (user)" : "");
  }

  std::shared_ptr<const types::TypeFile> types = functions();
  ProbeArguments arguments{*types};
};

TEST_F(Arguments, OfFunctions) {
  EXPECT_EQ(of({"fbt:vmlinux:vfs_read:entry"}, 0), "struct file *");
  EXPECT_EQ(of({"fbt::vfs_read:entry"}, 1), "char *");
  EXPECT_EQ(of({"fbt::vfs_read:entry"}, 2), "long unsigned int");
  EXPECT_EQ(of({"fbt::vfs_read:return"}, 0), "int64_t");
  EXPECT_EQ(of({"fbt::vfs_read:return"}, 1), "ssize_t");
  EXPECT_EQ(of({"fbt::vfs_none:return"}, 1), "_Bool");
}

TEST_F(Arguments, ThatDoNotExist) {
  EXPECT_EQ(of({"fbt::vfs_read:entry"}, 3),
            "D_ARGS_IDX index 3 is out of range for fbt::vfs_read:entry args[ ]: vfs_read has 3 arguments");
  EXPECT_EQ(of({"fbt::vfs_close:entry"}, 1),
            "D_ARGS_IDX index 1 is out of range for fbt::vfs_close:entry args[ ]: vfs_close has 1 argument");
  EXPECT_EQ(of({"fbt::vfs_none:entry"}, 0),
            "D_ARGS_IDX index 0 is out of range for fbt::vfs_none:entry args[ ]: vfs_none has no arguments");
  EXPECT_EQ(of({"fbt::vfs_close:return"}, 1),
            "D_ARGS_IDX index 1 is out of range for fbt::vfs_close:return args[ ]: vfs_close:return has 1 argument");
  EXPECT_THAT(of({"fbt::vfs_read:return"}, 2), HasSubstr("vfs_read:return has 2 arguments"));
  EXPECT_THAT(of({"fbt::vfs_stat:entry"}, 1), HasSubstr("vfs_stat has 1 argument"));  // the dots are none
  EXPECT_THAT(of({"fbt::vfs_stat:entry"}, UINT64_MAX), HasSubstr("D_ARGS_IDX"));
  EXPECT_THAT(of({"syscall::openat:entry"}, 6), HasSubstr("openat has 6 arguments"));
  EXPECT_THAT(of({"syscall:::return"}, 2), HasSubstr("a system call:return has 2 arguments"));
}

TEST_F(Arguments, OfNoSuchProbe) {
  EXPECT_EQ(of({"fbt::vfs_reed:entry"}, 0),
            "D_ARGS_TYPE args[0] of fbt::vfs_reed:entry has no type: the kernel's types describe no such probe");
  EXPECT_THAT(of({"fbt:other:vfs_read:entry"}, 0), HasSubstr("D_ARGS_TYPE"));
  EXPECT_THAT(of({"fbt::vfs_read:begin"}, 0), HasSubstr("D_ARGS_TYPE"));
  EXPECT_THAT(of({"rawtp:sched::odd"}, 0), HasSubstr("D_ARGS_TYPE"));
}

TEST_F(Arguments, PatternsMustAgree) {
  EXPECT_EQ(of({"fbt::vfs_[rw]*:entry"}, 0), "struct file *");
  EXPECT_EQ(of({"fbt::vfs_read:entry", "fbt::vfs_close:entry"}, 0), "struct file *");
  EXPECT_EQ(of({"fbt::vfs_*:entry"}, 0),
            "D_ARGS_MULTI args[ ] may not be referenced because probe description fbt::vfs_*:entry matches an unstable "
            "set of probes: args[0] of vfs_read is \"struct file *\", of vfs_stat \"char *\"");
  EXPECT_THAT(of({"fbt::vfs_[rwc]*:entry"}, 1), HasSubstr("vfs_close has 1 argument"));
  EXPECT_THAT(of({"fbt::vfs_read:"}, 0), HasSubstr("D_ARGS_MULTI"));
  EXPECT_THAT(of({"fbt::vfs_read:entry", "rawtp:::sched_wakeup"}, 0),
              HasSubstr("args[0] of vfs_read is \"struct file *\", of sched_wakeup \"struct task *\""));
  // Whatever may be meant counts.
  EXPECT_EQ(of({":vmlinux:vfs_read:return"}, 0), "int64_t");
  EXPECT_THAT(of({"::vfs_read:entry"}, 0), HasSubstr("D_ARGS_MULTI"));  // a system call may have that name
}

TEST_F(Arguments, OfTracepoints) {
  EXPECT_EQ(of({"rawtp:sched::sched_switch"}, 0), "_Bool");
  EXPECT_EQ(of({"rawtp:sched::sched_switch"}, 2), "struct task *");
  EXPECT_EQ(of({"sdt:sched::sched_wakeup"}, 0), "struct task *");
  EXPECT_THAT(of({"rawtp:sched::sched_switch"}, 3), HasSubstr("sched_switch has 3 arguments"));
  EXPECT_THAT(of({"rawtp:sched::sched_*"}, 0), HasSubstr("D_ARGS_MULTI"));
  EXPECT_EQ(of({"rawtp:sched::sched_w*"}, 0), "struct task *");
}

TEST_F(Arguments, OfSystemCalls) {
  EXPECT_EQ(of({"syscall::read:entry"}, 0), "unsigned int");
  EXPECT_EQ(of({"syscall:vmlinux:read:entry"}, 1), "char * (user)");
  EXPECT_THAT(of({"syscall::read:entry"}, 3), HasSubstr("read has 3 arguments"));
  EXPECT_EQ(of({"syscall::write:entry"}, 1), "int64_t");
  EXPECT_EQ(of({"syscall::r*:entry"}, 1), "int64_t");
  EXPECT_EQ(of({"syscall:::entry"}, 5), "int64_t");
  EXPECT_EQ(of({"syscall::read:return"}, 1), "int64_t");
  EXPECT_EQ(of({"syscall:::"}, 0), "int64_t");
}

TEST_F(Arguments, OfOthers) {
  EXPECT_EQ(of({"profile:::tick-1s"}, 0), "int64_t");
  EXPECT_EQ(of({":::BEGIN"}, 9), "int64_t");
  EXPECT_EQ(of({}, 0), "int64_t");
  dif::ProbeDesc by_number;
  by_number.id = 17;
  EXPECT_EQ(Lattice(types.get()).spell(arguments.argument({by_number}, 0).value()), "int64_t");
}

TEST_F(Arguments, ByValue) {
  EXPECT_EQ(of({"fbt::by_value:entry"}, 0), "D_ARGS_TYPE args[0] of by_value is passed by value, as \"struct pair\"");
  EXPECT_EQ(of({"fbt::by_value:entry"}, 1), "int");  // a small struct takes one register
  EXPECT_THAT(of({"fbt::by_value:entry"}, 2), HasSubstr("passed by value"));
  EXPECT_EQ(of({"fbt::by_value:entry"}, 3),
            "D_ARGS_TYPE args[3] of by_value has no register of its own: args[2] before it is \"struct wide\"");
}

// A module's functions, and what a link says it wants of modules whose types it does not have.
TEST(ArgumentsOfModules, OfFunctions) {
  const types::CombinedTypes with_module = sample_types_with_module();
  std::set<types::TypeName> wanted;
  const types::CombinedTypes noting = with_module.noting(&wanted);
  ProbeArguments arguments(noting);
  const auto of = [&](std::string_view description) {
    const Result<Value> found = arguments.argument({probe(description)}, 0);
    return found.ok() ? Lattice(&noting).spell(*found) : found.error().tag;
  };
  EXPECT_EQ(of("fbt:ext:ext_open:entry"), "struct ext_inode *");
  EXPECT_EQ(of("fbt::ext_open:entry"), "struct ext_inode *");
  EXPECT_EQ(of("fbt:e?t:ext_*:entry"), "struct ext_inode *");
  EXPECT_EQ(of("fbt:ext:ext_*:entry"), "struct ext_inode *");
  EXPECT_EQ(of("fbt:vmlinux:ext_*:entry"), "D_ARGS_TYPE");
  EXPECT_EQ(of("fbt:vmlinux:ext_open:entry"), "D_ARGS_TYPE");
  wanted.clear();
  EXPECT_EQ(of("fbt:nfs:nfs_open:entry"), "D_ARGS_TYPE");
  EXPECT_EQ(of("rawtp:nfs::nfs_event"), "D_ARGS_TYPE");
  EXPECT_EQ(of("syscall::nfsservctl:entry"), "int64_t");  // which no module has
  EXPECT_THAT(wanted, testing::ElementsAre(types::TypeName{"", Kind::kTypedef, "btf_trace_nfs_event"},
                                           types::TypeName{"nfs", Kind::kFunc, "nfs_open"}));
}

TEST_F(Arguments, WhoMayHaveTypes) {
  EXPECT_TRUE(have_typed_arguments({probe("fbt::vfs_read:entry")}));
  EXPECT_TRUE(have_typed_arguments({probe("profile:::tick-1s"), probe(":::")}));
  EXPECT_FALSE(have_typed_arguments({probe("profile:::tick-1s")}));
  EXPECT_FALSE(have_typed_arguments({}));
}

}  // namespace
}  // namespace ht::typing
