// Programs without -E on a small kernel made for the test.
#include "d/kernel_types.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "d/test_program.h"
#include "types/btf_builder.h"

namespace ht::d {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using types::Kind;
using types::TypeId;

// A directory as /sys/kernel/btf is, and a file as /proc/kallsyms is.
class KernelTypes : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "ht_kernel_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    types::BtfBuilder b;
    const TypeId integer = b.integer("int", 4, true), long_int = b.integer("long int", 8, true);
    const TypeId character = b.integer("char", 1, true), word = b.integer("unsigned int", 4, false);
    const TypeId pid = b.alias("pid_t", integer), special = b.alias("special_t", long_int);
    const TypeId state = b.enumeration("state", {{"IDLE", 0}, {"BUSY", 3}, {"GONE", -1}});
    const TypeId name = b.array(character, 16);
    const TypeId cred = b.structure("cred", 8, {{"uid", word, 0}, {"bits", word, 32, 3}, {"more", word, 35, 7}});
    const TypeId to_cred = b.pointer(b.reference(Kind::kConst, cred));
    const TypeId inner = b.composite(Kind::kUnion, "", 8, {{"flags", long_int, 0}, {"low", integer, 0}});
    const TypeId task = b.next();
    b.structure("task_struct", 64,
                {{"pid", pid, 0},
                 {"comm", name, 32},
                 {"cred", to_cred, 192},
                 {"", inner, 256},
                 {"state", state, 320},
                 {"parent", b.next() + 1, 384}});
    b.pointer(task);
    b.with_word(Kind::kVar, "counter", long_int, 1);
    const TypeId proto = b.prototype(integer, {{"a", integer}});
    b.reference(Kind::kFunc, proto, "schedule");
    b.structure("cell", 4, {{"v", special, 0}});
    write("vmlinux", b.build());
    types::BtfBuilder split(b.next(), b.string_length());
    split.structure("ext_inode", 72, {{"task", task, 0}, {"n", integer, 512}});
    split.alias("ext_t", integer);
    write("ext", split.build());
    std::ofstream(directory_ + "/kallsyms") << "ffffffff81000000 T schedule\n"
                                               "ffffffff82000000 D counter\n"
                                               "ffffffff82000010 b untyped\n"
                                               "ffffffffc0000000 t ext_helper\t[ext]\n";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void write(const std::string& name, const Bytes& bytes) {
    std::ofstream(directory_ + "/" + name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }

  CompileResult compile_here(std::string_view text, bool is_file = true) {
    types::RunningKernel kernel(directory_, directory_ + "/kallsyms");
    CompileOptions options;
    options.kernel = &kernel;
    return test::compile_text(text, is_file, options);
  }
  std::string error(std::string_view text) {
    CompileResult result = compile_here(text);
    if (result.ok()) return "";
    return result.errors[0].error.tag + " " + result.errors[0].error.text();
  }
  // What trace() of the expression is made of.
  std::vector<std::string> code(std::string_view expression, std::string_view before = "") {
    CompileResult result = compile_here(std::string(before) + " BEGIN { trace(" + std::string(expression) + "); }");
    if (!result.ok()) return {result.errors[0].error.tag + " " + result.errors[0].error.text()};
    return test::code(result.program.clauses[0].actions.back().args[0]);
  }

  std::string directory_;
};

TEST_F(KernelTypes, AreKnownWhenTheProgramIsCompiled) {
  EXPECT_THAT(code("sizeof (struct task_struct)"), ElementsAre("setx 64, %r1", "ret %r1"));
  EXPECT_THAT(code("offsetof(struct task_struct, low)"), ElementsAre("setx 32, %r1", "ret %r1"));
  EXPECT_THAT(code("sizeof (special_t)"), ElementsAre("setx 8, %r1", "ret %r1"));
  EXPECT_THAT(code("sizeof (vmlinux`special_t)"), ElementsAre("setx 8, %r1", "ret %r1"));
  EXPECT_THAT(code("sizeof (struct kernel`cred)"), ElementsAre("setx 8, %r1", "ret %r1"));
  EXPECT_THAT(code("((struct task_struct *)arg0)->pid"),
              ElementsAre("ldgs DT_VAR(262), %r1", "ldsw [%r1], %r1", "ret %r1"));
  EXPECT_THAT(code("curthread->cred->uid"), ElementsAre("ldgs DT_VAR(256), %r1", "setx 24, %r2", "add %r1, %r2, %r1",
                                                        "ldx [%r1], %r1", "lduw [%r1], %r1", "ret %r1"));
  EXPECT_EQ(error("BEGIN { trace((special_t)1); }"), "");
}

TEST_F(KernelTypes, BitFieldsAreReadFromTheSmallestUnit) {
  EXPECT_THAT(code("curthread->cred->bits"),
              ElementsAre("ldgs DT_VAR(256), %r1", "setx 24, %r2", "add %r1, %r2, %r1", "ldx [%r1], %r1", "setx 4, %r2",
                          "add %r1, %r2, %r1", "ldub [%r1], %r1", "setx 61, %r2", "sll %r1, %r2, %r1", "setx 61, %r2",
                          "srl %r1, %r2, %r1", "ret %r1"));
  // Bits 3 to 9: over the border of a byte.
  EXPECT_THAT(code("curthread->cred->more"), testing::Contains("lduh [%r1], %r1"));
}

TEST_F(KernelTypes, ErrorsAreThoseOfTypesThatAreKnown) {
  EXPECT_EQ(error("BEGIN { trace(curthread->pidd); }"),
            "D_TYPE_MEMBER pidd is not a member of struct task_struct (did you mean \"pid\"?)");
  EXPECT_EQ(error("BEGIN { trace(((struct none *)arg0)->x); }"),
            "D_OP_INCOMPLETE operator -> cannot be applied to a forward declaration: no struct none definition is "
            "available");
  EXPECT_EQ(error("BEGIN { trace(sizeof (struct none)); }"),
            "D_SIZEOF_TYPE cannot apply sizeof to an operand of unknown size");
  EXPECT_EQ(error("struct none x;"), "D_DECL_INCOMPLETE incomplete struct/union/enum struct none: x");
  EXPECT_THAT(error("self none_t x;"), HasSubstr("D_DECL_IDENT old-style declaration or incorrect type specified"));
  EXPECT_THAT(error("BEGIN { trace((none_t *)arg0); }"), HasSubstr("D_SYNTAX syntax error near \")\""));
  EXPECT_EQ(error("BEGIN { trace(&curthread->cred->bits); }"), "D_ADDROF_BITFIELD cannot take address of bit-field");
}

TEST_F(KernelTypes, TheProgramsOwnComeFirst) {
  EXPECT_THAT(code("sizeof (struct cred)", "struct cred { char c[3]; };"), ElementsAre("setx 3, %r1", "ret %r1"));
  EXPECT_THAT(code("sizeof (struct vmlinux`cred)", "struct cred { char c[3]; };"),
              ElementsAre("setx 8, %r1", "ret %r1"));
  EXPECT_THAT(code("sizeof (special_t)", "typedef char special_t;"), ElementsAre("setx 1, %r1", "ret %r1"));
  EXPECT_THAT(code("sizeof (D`special_t)", "typedef char special_t;"), ElementsAre("setx 1, %r1", "ret %r1"));
}

TEST_F(KernelTypes, ModulesAreAskedByNameOrWhenTheKernelHasNone) {
  EXPECT_THAT(code("sizeof (struct ext_inode)"), ElementsAre("setx 72, %r1", "ret %r1"));
  EXPECT_THAT(code("sizeof (struct ext`ext_inode)"), ElementsAre("setx 72, %r1", "ret %r1"));
  EXPECT_THAT(code("sizeof (ext`ext_t)"), ElementsAre("setx 4, %r1", "ret %r1"));
  EXPECT_THAT(error("BEGIN { trace(sizeof (struct vmlinux`ext_inode)); }"), HasSubstr("D_SIZEOF_TYPE"));
  EXPECT_THAT(error("BEGIN { trace(sizeof (struct nomodule`cred)); }"), HasSubstr("D_SIZEOF_TYPE"));
  // The kernel's struct, reached through the module's, is the kernel's.
  EXPECT_EQ(error("struct task_struct *p; BEGIN { p = &((struct ext_inode *)arg0)->task; }"), "");
}

TEST_F(KernelTypes, EnumeratorsAreKnownBesideTheirEnum) {
  EXPECT_THAT(code("curthread->state == BUSY"), testing::Contains("setx 3, %r2"));
  EXPECT_THAT(error("BEGIN { trace(BUSY); }"),
              HasSubstr("D_IDENT_UNDEF failed to resolve BUSY: Unknown variable name"));
  EXPECT_THAT(error("BEGIN { trace(3 == BUSY); }"), HasSubstr("D_IDENT_UNDEF"));
  EXPECT_EQ(error("int BUSY; BEGIN { trace(curthread->state == BUSY); }"),
            "D_IDENT_AMBIG ambiguous use of operator ==: BUSY is both a enum state enum tag and a global scalar");
  EXPECT_EQ(error("enum mine { BUSY = 4 }; BEGIN { trace(curthread->state != BUSY); }"), "");
}

TEST_F(KernelTypes, SymbolsHaveAddressesAndTypes) {
  EXPECT_THAT(code("`counter"), ElementsAre("setx -2113929216, %r1", "ldx [%r1], %r1", "ret %r1"));
  EXPECT_THAT(code("vmlinux`counter"), ElementsAre("setx -2113929216, %r1", "ldx [%r1], %r1", "ret %r1"));
  EXPECT_THAT(code("&`counter"), ElementsAre("setx -2113929216, %r1", "ret %r1"));
  EXPECT_THAT(code("sizeof (`counter)"), ElementsAre("setx 8, %r1", "ret %r1"));
  EXPECT_THAT(code("(uintptr_t)&`schedule"), ElementsAre("setx -2130706432, %r1", "ret %r1"));
  EXPECT_EQ(error("BEGIN { `counter = 1; }"), "D_OP_WRITE operator = can only be applied to a writable variable");
  EXPECT_THAT(error("BEGIN { trace(`none); }"),
              HasSubstr("D_IDENT_UNDEF failed to resolve `none: Unknown symbol name"));
  EXPECT_THAT(error("BEGIN { trace(ext`counter); }"),
              HasSubstr("D_IDENT_UNDEF failed to resolve ext`counter: Unknown symbol name"));
  EXPECT_THAT(error("BEGIN { trace(`untyped); }"),
              HasSubstr("D_SYM_NOTYPES no symbolic type information is available for vmlinux`untyped: "));
  EXPECT_THAT(code("`untyped", "extern short untyped;"),
              ElementsAre("setx -2113929200, %r1", "ldsh [%r1], %r1", "ret %r1"));
  EXPECT_THAT(
      error("BEGIN { trace(``vmlinux`counter); }"),
      HasSubstr("D_SYM_BADREF kernel module 'vmlinux' symbol 'counter' may not be referenced as a user symbol"));
  EXPECT_THAT(error("extern int nowhere; BEGIN { trace(nowhere); }"), HasSubstr("D_ASRELO"));
}

TEST_F(KernelTypes, AreNotThoseOf32BitPrograms) {
  types::RunningKernel kernel(directory_, directory_ + "/kallsyms");
  CompileOptions options;
  options.kernel = &kernel;
  options.ilp32 = true;
  EXPECT_EQ(test::error_of("BEGIN { trace(`counter); }", true, options),
            "D_SYM_MODEL 1:15 cannot use 64-bit symbol vmlinux`counter in a 32-bit D program");
}

TEST_F(KernelTypes, NothingIsOpenedForProgramsThatNameNothingOfTheKernels) {
  // With files that cannot be read, these would say so.
  write("vmlinux", Bytes{1, 2, 3});
  for (const char* text : {
           "BEGIN { exit(0); }",
           "int x; BEGIN /x == (x + 1)/ { trace(strlen(execname) > (timestamp - 1)); }",
           "struct node { struct node *next; uint64_t n; } v; BEGIN { v.n = sizeof (struct node); }",
           "inline int twice[int a] = (a) * 2; BEGIN { @[(pid)] = count(); self->x = (twice[2]); }",
       }) {
    types::RunningKernel kernel(directory_, directory_ + "/nowhere");
    CompileOptions options;
    options.kernel = &kernel;
    EXPECT_TRUE(test::compile_text(text, true, options).ok()) << text;
    EXPECT_FALSE(kernel.opened()) << text;
  }
}

TEST_F(KernelTypes, WithoutTypesTheMessageSaysWhy) {
  std::filesystem::remove(directory_ + "/vmlinux");
  EXPECT_THAT(error("BEGIN { trace(curthread->pid); }"), HasSubstr("D_OP_INCOMPLETE"));
  EXPECT_THAT(error("BEGIN { trace(curthread->pid); }"), HasSubstr("the kernel's types are not known: "));
  EXPECT_THAT(error("BEGIN { trace(`counter); }"), HasSubstr("D_SYM_NOTYPES"));
  EXPECT_THAT(error("self special_t x;"), HasSubstr("the kernel's types are not known: "));
}

}  // namespace
}  // namespace ht::d
