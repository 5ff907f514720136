// Types as a hostile guest would send them: a good file in which one word is replaced, every word in turn, by every
// value that has ever been trouble; a kernel's, and a module's over it. Whatever is accepted meets programs; whatever
// links passes the verifier, needs no types any more, and has not grown beyond what an honest file makes of it by more
// than a few instructions.
#include <gtest/gtest.h>

#include <cstring>

#include "dif/assembler.h"
#include "dif/verify.h"
#include "link/link.h"
#include "types/every_query.h"
#include "typing/sample_types.h"

namespace ht::link {
namespace {

// Each is one expression that is recorded.
constexpr const char* kExpressions[] = {
    "ldgs 256, %r1\nusetx \"pid\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1",
    "ldgs 256, %r1\nusetx \"comm\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1",
    "ldgs 256, %r1\nusetx \"policy\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1",
    "ldgs 256, %r1\nusetx \"nice\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1",
    "ldgs 256, %r1\nusetx \"cred\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nusetx \"uid\", %r2\nadd %r1, %r2, %r1\n"
    "usetx \"val\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1",
    "ldgs 256, %r1\nusetx \"files\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nusetx \"f_name\", %r2\n"
    "add %r1, %r2, %r1\nuload [%r1], %r1\nret %r1",
    "ldgs 256, %r1\nusetx \"numbers\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nsetx 3, %r2\nusetx \"[]\", %r3\n"
    "mul %r2, %r3, %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1",
    "ldgs 256, %r1\nusetx \"state\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1",
    "usetx \"sizeof(struct task_struct)\", %r1\nret %r1",
    "usetx \"enum(DEAD)\", %r1\nret %r1",
    "ldgs 0x106, %r1\ntypecast \"struct cred *\", %r1\nuuload [%r1], %r1\nret %r1",
    "ldgs 0x106, %r1\ntypecast \"pid_t\", %r1\nret %r1",
    "ldga 0, %r0, %r1\nusetx \"f_mode\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1",
    "setx 1, %r1\nldga 0, %r1, %r1\nret %r1",
};

// And of those, which a module has or completes.
constexpr const char* kOfModule[] = {
    "ldgs 0x106, %r1\ntypecast \"struct ext_inode *\", %r1\nusetx \"number\", %r2\nadd %r1, %r2, %r1\nuload [%r1], "
    "%r1\n"
    "ret %r1",
    "ldgs 0x106, %r1\ntypecast \"ext`ext_t *\", %r1\nusetx \"owner\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\n"
    "usetx \"comm\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nret %r1",
    "ldgs 256, %r1\nusetx \"opaque\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nusetx \"right\", %r2\nadd %r1, %r2, "
    "%r1\n"
    "uload [%r1], %r1\nret %r1",
    "ldgs 256, %r1\nusetx \"opaque\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\nusetx \"marks\", %r2\nadd %r1, %r2, "
    "%r1\n"
    "uload [%r1], %r1\nret %r1",
    "ldgs 0x106, %r1\ntypecast \"struct ext_inode *\", %r1\nuuload [%r1], %r1\nret %r1",
    "usetx \"sizeof(struct ext`ext_inode)\", %r1\nret %r1",
    "usetx \"offsetof(struct opaque, marks)\", %r1\nret %r1",
    "usetx \"enum(EXT_BUSY)\", %r1\nret %r1",
    "usetx \"sym(ext`ext_root)\", %r1\nuload [%r1], %r1\nusetx \"state\", %r2\nadd %r1, %r2, %r1\nuload [%r1], %r1\n"
    "ret %r1",
    "usetx \"sym(ext`ext_open)\", %r1\nret %r1",
};

dif::Program program_of(const char* text) {
  dif::Program program;
  program.files = {""};
  program.sources.push_back({"test", false, ""});
  dif::Action action;
  action.kind = dif::ActionKind::kDifexpr;
  action.record = true;
  auto code = dif::assemble(text);
  EXPECT_TRUE(code.ok()) << text;
  action.args.push_back(std::move(code).value());
  action.args[0].rtype = dif::Type::unknown();
  action.arg_kinds = {dif::ActionKind::kDifexpr};
  action.arg_params = {0};
  dif::Clause& clause = program.clauses.emplace_back();
  clause.probes.resize(1);
  clause.probes[0].provider = "fbt";
  clause.probes[0].function = "do_*";
  clause.probes[0].name = "entry";
  clause.actions.push_back(std::move(action));
  return program;
}

class HostileTypes : public testing::Test {
 protected:
  HostileTypes() {
    for (const char* text : kExpressions) programs_.push_back(program_of(text));
    for (const char* text : kOfModule) with_module_.push_back(program_of(text));
  }

  void try_types(const Bytes& blob) {
    ++tried_;
    auto types = types::TypeFile::from_btf(blob);
    if (!types.ok()) {
      EXPECT_FALSE(types.error().message.empty());
      return;
    }
    ++accepted_;
    types::ask_everything(**types, 64);
    for (const dif::Program& program : programs_) try_program(program, **types);
  }

  void try_module(const Bytes& blob) {
    ++tried_;
    auto module = types::TypeFile::from_btf(blob, kernel_);
    types::defines(blob, *types::btf_strings(kernel_blob_), {{"", types::Kind::kStruct, "ext_inode"}});
    if (!module.ok()) {
      EXPECT_FALSE(module.error().message.empty());
      return;
    }
    ++accepted_;
    const types::CombinedTypes types(kernel_, {{"first", honest_module_}, {"ext", *module}});
    types::ask_everything(types, 100);
    for (const dif::Program& program : with_module_) try_program(program, types);
  }

  void try_program(const dif::Program& program, const types::TypeFile& types) {
    const LinkResult result = link(program, &types, {"vm1", "6.1"});
    if (!result.ok()) {
      for (const Error& error : result.errors) EXPECT_FALSE(error.message.empty());
      return;
    }
    ++linked_;
    const auto verified = dif::verify(result.program, dif::Stage::kLinked);
    ASSERT_TRUE(verified.ok()) << where_ << ": " << verified.error().message;
    ASSERT_FALSE(needs_types(result.program)) << where_;
    const dif::Difo& before = program.clauses[0].actions[0].args[0];
    const dif::Difo& after = result.program.clauses[0].actions[0].args[0];
    // A bit-field's load is six instructions instead of one, and nothing becomes more.
    ASSERT_LE(after.text.size(), before.text.size() * 6) << where_;
  }

  // try_one(blob) for every change of `good`.
  template <typename TryOne>
  void every_change(const Bytes& good, TryOne try_one) {
    constexpr uint32_t kEdges[] = {0,          1,          2,          3,          7,          8,          31,
                                   32,         63,         64,         127,        128,        255,        256,
                                   0xffff,     0x10000,    0xffffff,   0x1000000,  0x4000000,  0x7ffffff8, 0x7fffffff,
                                   0x80000000, 0x84000001, 0x9f00ffff, 0xff000000, 0xff000007, 0xfffffff8, 0xffffffff};
    for (size_t at = 0; at + 4 <= good.size(); at += 4) {
      uint32_t old = 0;
      std::memcpy(&old, good.data() + at, sizeof old);
      std::vector<uint32_t> values(std::begin(kEdges), std::end(kEdges));
      for (uint32_t near : {old - 8, old - 1, old + 1, old + 8, old ^ 0x80000000, ~old}) values.push_back(near);
      for (uint32_t kind = 1; kind < 32; ++kind) values.push_back((old & 0xe0ffffff) | kind << 24);
      for (uint32_t value : values) {
        if (value == old) continue;
        where_ = "byte " + std::to_string(at) + " = " + std::to_string(value);
        Bytes blob = good;
        std::memcpy(blob.data() + at, &value, sizeof value);
        try_one(blob);
        if (HasFatalFailure()) return;
      }
    }
  }

  const Bytes kernel_blob_ = typing::sample_btf();
  const std::shared_ptr<const types::TypeFile> kernel_ = types::TypeFile::from_btf(kernel_blob_).value();
  // In front of the module that lies: ids of different modules must not be mixed up.
  const std::shared_ptr<const types::TypeFile> honest_module_ = [this] {
    types::BtfBuilder split(static_cast<types::TypeId>(kernel_->count()),
                            static_cast<uint32_t>(types::btf_strings(kernel_blob_)->size()));
    split.structure("first", 8, {{"n", 1, 0}});
    return types::TypeFile::from_btf(split.build(), kernel_).value();
  }();
  std::vector<dif::Program> programs_, with_module_;
  std::string where_;
  size_t tried_ = 0, accepted_ = 0, linked_ = 0;
};

TEST_F(HostileTypes, TheHonestFileLinksEverything) {
  try_types(typing::sample_btf());
  EXPECT_EQ(linked_, std::size(kExpressions));
}

TEST_F(HostileTypes, TheHonestModuleLinksEverything) {
  try_module(typing::sample_module_btf());
  EXPECT_EQ(linked_, std::size(kOfModule));
}

TEST_F(HostileTypes, EveryWordWithEveryEdge) {
  every_change(typing::sample_btf(), [this](const Bytes& blob) { try_types(blob); });
  // Most are refused, many are not, and many of those link: else nothing has been tried.
  EXPECT_GT(tried_, 10'000u);
  EXPECT_GT(accepted_, tried_ / 50);
  EXPECT_LT(accepted_, tried_);
  EXPECT_GT(linked_, accepted_);
}

TEST_F(HostileTypes, EveryWordOfAModule) {
  every_change(typing::sample_module_btf(), [this](const Bytes& blob) { try_module(blob); });
  EXPECT_GT(tried_, 5'000u);
  EXPECT_GT(accepted_, tried_ / 50);
  EXPECT_LT(accepted_, tried_);
  EXPECT_GT(linked_, accepted_);
}

}  // namespace
}  // namespace ht::link
