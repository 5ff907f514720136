// Expressions: types, constants, instructions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "d/test_program.h"

namespace ht::d {
namespace {

using test::constant;
using test::error_of;
using test::place_of;
using test::type_of;
using test::value_code;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Constants, HaveTheSmallestTypeThatHoldsThem) {
  EXPECT_EQ(constant("1"), "int 1");
  EXPECT_EQ(constant("2147483648"), "long 2147483648");
  EXPECT_EQ(constant("0xffffffff"), "unsigned int 4294967295");
  EXPECT_EQ(constant("0x7fffffffffffffff"), "long 9223372036854775807");
  EXPECT_EQ(constant("0xffffffffffffffff"), "unsigned long -1");
  EXPECT_EQ(constant("017"), "int 15");
  EXPECT_EQ(constant("5u"), "unsigned int 5");
  EXPECT_EQ(constant("5UL"), "unsigned long 5");
  EXPECT_EQ(constant("5LL"), "long long 5");
  EXPECT_EQ(constant("'a'"), "int 97");
  EXPECT_EQ(constant("'ab'"), "int 24930");
  EXPECT_EQ(constant("'\\''"), "int 39");
  EXPECT_EQ(error_of("BEGIN { trace(18446744073709551616); }").substr(0, 16), "D_INT_OFLOW 1:15");
  EXPECT_EQ(error_of("BEGIN { trace(9223372036854775808); }").substr(0, 16), "D_INT_OFLOW 1:15");
  EXPECT_EQ(error_of("BEGIN { trace(089); }"), "D_INT_DIGIT 1:15 constant 089 contains invalid digit 8");
  EXPECT_EQ(error_of("BEGIN { trace(1.5); }"), "D_SYNTAX 1:15 floating-point constants are not permitted");
}

TEST(Constants, FoldByTheUsualPrecedence) {
  EXPECT_EQ(constant("1 + 2 * 3"), "int 7");
  EXPECT_EQ(constant("(1 + 2) * 3"), "int 9");
  EXPECT_EQ(constant("20 - 5 - 3"), "int 12");
  EXPECT_EQ(constant("1 << 2 + 1"), "int 8");
  EXPECT_EQ(constant("7 & 3 == 3"), "int 1");
  EXPECT_EQ(constant("1 | 6 ^ 2 & 3"), "int 5");
  EXPECT_EQ(constant("1 || 0 && 0"), "int 1");
  EXPECT_EQ(constant("1 ^^ 1 || 0"), "int 0");
  EXPECT_EQ(constant("0 ? 1 : 0 ? 2 : 3"), "int 3");
  EXPECT_EQ(constant("-7 / 2"), "int -3");
  EXPECT_EQ(constant("-7 % 3"), "int -1");
  EXPECT_EQ(constant("-1 < 1"), "int 1");
  EXPECT_EQ(constant("-1 < 1ul"), "int 0");
  EXPECT_EQ(constant("!5 + ~0"), "int -1");
  EXPECT_EQ(constant("(char)300"), "char 44");
  EXPECT_EQ(constant("(uint8_t)-1"), "uint8_t 255");
  EXPECT_EQ(constant("(short)0x18000"), "short -32768");
  EXPECT_EQ(constant("sizeof (int) + sizeof \"abc\""), "size_t 8");
  EXPECT_EQ(constant("sizeof (char *)"), "size_t 8");
  EXPECT_EQ(error_of("BEGIN { trace(1 / (2 - 2)); }"), "D_DIV_ZERO 1:20 expression contains division by zero");
  EXPECT_EQ(error_of("BEGIN { trace(pid % 0); }"), "D_DIV_ZERO 1:21 expression contains division by zero");
}

TEST(Types, FollowTheArithmeticConversions) {
  EXPECT_EQ(type_of("pid + 1"), "pid_t");
  EXPECT_EQ(type_of("pid + 1L"), "long");
  EXPECT_EQ(type_of("timestamp + 1"), "uint64_t");
  EXPECT_EQ(type_of("timestamp - arg0"), "uint64_t");
  EXPECT_EQ(type_of("uid + pid"), "uid_t");
  EXPECT_EQ(type_of("(char)pid + (char)pid"), "char");
  EXPECT_EQ(type_of("pid < 3"), "int");
  EXPECT_EQ(type_of("(char)1 << 5L"), "char");
  EXPECT_EQ(type_of("pid ? 1 : 2L"), "long");
  EXPECT_EQ(type_of("(char *)arg0 + 1"), "char *");
  EXPECT_EQ(type_of("(int *)arg0 - (int *)arg1"), "ptrdiff_t");
  EXPECT_EQ(type_of("*(uint16_t *)arg0"), "uint16_t");
  EXPECT_EQ(type_of("execname[0]"), "char");
  EXPECT_EQ(type_of("(pid, execname)"), "string");
}

TEST(Types, OfKernelValuesStayOpen) {
  EXPECT_EQ(type_of("curthread"), "struct task_struct *");
  EXPECT_EQ(type_of("curthread->pid"), "unknown ");
  EXPECT_EQ(type_of("curthread->pid + 1"), "int64_t");
  EXPECT_EQ(type_of("curthread->pid + curthread->tgid"), "unknown ");
  EXPECT_EQ(type_of("args[0]"), "unknown ");
  EXPECT_EQ(type_of("(struct file *)arg0"), "struct file *");
  EXPECT_EQ(type_of("((struct file *)arg0)->f_path.dentry"), "unknown ");
  EXPECT_EQ(type_of("(file_t)arg0"), "unknown file_t");
  EXPECT_EQ(type_of("(int)curthread->pid"), "int");
  EXPECT_EQ(type_of("stringof(curthread->comm)"), "string");
  EXPECT_EQ(type_of("x", "x = curthread->pid;"), "unknown ");
  EXPECT_EQ(type_of("x->pid", "x = curthread;"), "unknown ");
  EXPECT_EQ(type_of("self->a[1]->pid", "self->a[1] = curthread->parent;"), "unknown ");
}

TEST(Code, OfAGuestsKernelVariables) {
  EXPECT_THAT(value_code("`jiffies"), ElementsAre("usetx sym(`jiffies), %r1", "uload [%r1], %r1", "ret %r1"));
  EXPECT_THAT(value_code("genunix`jiffies")[0], "usetx sym(vmlinux`jiffies), %r1");
  EXPECT_THAT(value_code("&8021q`vlan_net_id"), ElementsAre("usetx sym(8021q`vlan_net_id), %r1", "ret %r1"));
  EXPECT_THAT(value_code("`init_task.comm"), ElementsAre("usetx sym(`init_task), %r1", "usetx comm, %r2",
                                                         "add %r1, %r2, %r1", "uload [%r1], %r1", "ret %r1"));
}

TEST(Code, OfTypesOfAGuestsModules) {
  EXPECT_EQ(value_code("(struct ext`inode *)arg0")[1], "typecast struct ext`inode *, %r1");
  EXPECT_EQ(value_code("(struct genunix`inode *)arg0")[1], "typecast struct vmlinux`inode *, %r1");
  EXPECT_EQ(value_code("(8021q`vlan_t *)arg0")[1], "typecast 8021q`vlan_t *, %r1");
  EXPECT_THAT(value_code("sizeof (struct ext`inode)"), ElementsAre("usetx sizeof(struct ext`inode), %r1", "ret %r1"));
  EXPECT_EQ(value_code("offsetof(union ext`key, b)")[0], "usetx offsetof(union ext`key, b), %r1");
  // A module's type is not the program's own of that name.
  const auto with_own = [](const std::string& expression) {
    const CompileResult result =
        test::compile_text("struct inode { char c[3]; }; BEGIN { trace(" + expression + "); }");
    return result.ok() ? test::code(result.program.clauses[0].actions[0].args[0])[0] : test::failure(result);
  };
  EXPECT_EQ(with_own("sizeof (struct inode)"), "setx 3, %r1");
  EXPECT_EQ(with_own("sizeof (struct D`inode)"), "setx 3, %r1");
  EXPECT_EQ(with_own("sizeof (struct ext`inode)"), "usetx sizeof(struct ext`inode), %r1");
  // Pointers with and without the module may be to one type: the linker knows.
  EXPECT_EQ(type_of("(struct ext`inode *)arg0 == (struct inode *)arg1"), "int");
}

TEST(Code, OfKernelValues) {
  EXPECT_THAT(value_code("stringof(curthread->comm)"),
              ElementsAre("ldgs DT_VAR(256), %r1", "usetx comm, %r2", "add %r1, %r2, %r1", "uload [%r1], %r1",
                          "typecast string, %r1", "ret %r1"));
  // Casts to types of D tell the linker what the value counts as from there on.
  EXPECT_EQ(value_code("(int64_t)curthread->utime")[4], "typecast int64_t, %r1");
  EXPECT_EQ(value_code("(char *)curthread->mm")[4], "typecast char *, %r1");
  EXPECT_EQ(value_code("(int *)(curthread->mm + 8)")[6], "typecast void *, %r1");
  EXPECT_EQ(value_code("(int64_t)arg0")[1], "ret %r1");
  EXPECT_THAT(value_code("((struct file *)arg0)->f_flags"),
              ElementsAre("ldgs DT_VAR(262), %r1", "typecast struct file *, %r1", "usetx f_flags, %r2",
                          "add %r1, %r2, %r1", "uload [%r1], %r1", "ret %r1"));
  EXPECT_THAT(value_code("(const struct inode **)arg0")[1], "typecast struct inode **, %r1");
  EXPECT_THAT(value_code("&curthread->comm"),
              ElementsAre("ldgs DT_VAR(256), %r1", "usetx comm, %r2", "add %r1, %r2, %r1", "ret %r1"));
  EXPECT_THAT(value_code("*curthread->files->fd"),
              ElementsAre("ldgs DT_VAR(256), %r1", "usetx files, %r2", "add %r1, %r2, %r1", "uload [%r1], %r1",
                          "usetx fd, %r2", "add %r1, %r2, %r1", "uload [%r1], %r1", "uload [%r1], %r1", "ret %r1"));
  EXPECT_THAT(value_code("args[1]->f_flags"),
              ElementsAre("setx 1, %r1", "ldga DT_VAR(0), %r1, %r1", "usetx f_flags, %r2", "add %r1, %r2, %r1",
                          "uload [%r1], %r1", "ret %r1"));
  EXPECT_THAT(value_code("((userland struct iovec *)arg1)->iov_len"),
              ElementsAre("ldgs DT_VAR(263), %r1", "typecast struct iovec *, %r1", "usetx iov_len, %r2",
                          "add %r1, %r2, %r1", "uuload [%r1], %r1", "ret %r1"));
  EXPECT_THAT(
      value_code("curthread->comm == \"bash\""),
      ElementsAre("ldgs DT_VAR(256), %r1", "usetx comm, %r2", "add %r1, %r2, %r1", "uload [%r1], %r1",
                  "sets \"bash\", %r2", "scmp %r1, %r2", "be 9", "mov %r0, %r1", "ba 10", "setx 1, %r1", "ret %r1"));
  EXPECT_THAT(
      value_code("curthread->fd[3]"),
      ElementsAre("ldgs DT_VAR(256), %r1", "usetx fd, %r2", "add %r1, %r2, %r1", "uload [%r1], %r1", "setx 3, %r2",
                  "usetx [], %r3", "mul %r2, %r3, %r2", "add %r1, %r2, %r1", "uload [%r1], %r1", "ret %r1"));
  EXPECT_THAT(value_code("sizeof (struct file)"), ElementsAre("usetx sizeof(struct file), %r1", "ret %r1"));
  EXPECT_THAT(value_code("sizeof (curthread->a.b->c)"),
              ElementsAre("usetx sizeof(struct task_struct, a.b.c), %r1", "ret %r1"));
  EXPECT_THAT(value_code("offsetof(struct file, f_pos)"),
              ElementsAre("usetx offsetof(struct file, f_pos), %r1", "ret %r1"));
  EXPECT_THAT(value_code("defined(struct file, f_pos)"),
              ElementsAre("usetx defined(struct file, f_pos), %r1", "ret %r1"));
  EXPECT_THAT(value_code("(enum pid_type)PIDTYPE_PGID"), ElementsAre("usetx enum(PIDTYPE_PGID), %r1", "ret %r1"));
  EXPECT_THAT(value_code("curthread + 1"), ElementsAre("ldgs DT_VAR(256), %r1", "setx 1, %r2", "usetx [], %r3",
                                                       "mul %r2, %r3, %r2", "add %r1, %r2, %r1", "ret %r1"));
  EXPECT_THAT(value_code("curthread - curthread"),
              ElementsAre("ldgs DT_VAR(256), %r1", "ldgs DT_VAR(256), %r2", "sub %r1, %r2, %r1", "usetx [], %r2",
                          "sdiv %r1, %r2, %r1", "ret %r1"));
  EXPECT_EQ(error_of("BEGIN { curthread->pid = 1; }"),
            "D_OP_WRITE 1:18 operator = can only be applied to a writable variable");
}

TEST(Code, ChoosesByType) {
  EXPECT_EQ(value_code("arg0 / arg1")[2], "sdiv %r1, %r2, %r1");
  EXPECT_EQ(value_code("timestamp / arg1")[2], "udiv %r1, %r2, %r1");
  EXPECT_EQ(value_code("timestamp % 3")[2], "urem %r1, %r2, %r1");
  EXPECT_EQ(value_code("arg0 >> 3")[2], "sra %r1, %r2, %r1");
  EXPECT_EQ(value_code("timestamp >> 3")[2], "srl %r1, %r2, %r1");
  EXPECT_EQ(value_code("arg0 < 3")[3], "bl 6");
  EXPECT_EQ(value_code("timestamp < 3")[3], "blu 6");
  EXPECT_EQ(value_code("(char *)arg0 >= (char *)arg1")[3], "bgeu 6");
  EXPECT_EQ(value_code("curthread->prio < 100")[6], "bl 9");
  EXPECT_EQ(value_code("*(short *)arg0")[1], "ldsh [%r1], %r1");
  EXPECT_EQ(value_code("*(uint32_t *)arg0")[1], "lduw [%r1], %r1");
  EXPECT_EQ(value_code("*(userland int *)arg0")[1], "uldsw [%r1], %r1");
}

TEST(Code, CutsValuesToTheirTypes) {
  EXPECT_THAT(value_code("(uint8_t)arg0"), ElementsAre("ldgs DT_VAR(262), %r1", "setx 56, %r2", "sll %r1, %r2, %r1",
                                                       "srl %r1, %r2, %r1", "ret %r1"));
  EXPECT_THAT(value_code("(short)pid")[3], "sra %r1, %r2, %r1");
  EXPECT_THAT(value_code("(long)pid"), ElementsAre("ldgs DT_VAR(278), %r1", "ret %r1"));
  EXPECT_THAT(value_code("pid + 1"), ElementsAre("ldgs DT_VAR(278), %r1", "setx 1, %r2", "add %r1, %r2, %r1",
                                                 "setx 32, %r2", "sll %r1, %r2, %r1", "sra %r1, %r2, %r1", "ret %r1"));
  EXPECT_THAT(value_code("x = arg0", "x = 1;"),
              ElementsAre("ldgs DT_VAR(262), %r1", "setx 32, %r2", "sll %r1, %r2, %r1", "sra %r1, %r2, %r1",
                          "stgs %r1, DT_VAR(1280)", "ret %r1"));
}

TEST(Code, ShortCircuits) {
  EXPECT_THAT(value_code("pid && tid"),
              ElementsAre("ldgs DT_VAR(278), %r1", "tst %r1", "be 8", "ldgs DT_VAR(279), %r1", "tst %r1", "be 8",
                          "setx 1, %r1", "ba 9", "setx 0, %r1", "ret %r1"));
  EXPECT_THAT(value_code("pid || tid"),
              ElementsAre("ldgs DT_VAR(278), %r1", "tst %r1", "bne 8", "ldgs DT_VAR(279), %r1", "tst %r1", "bne 8",
                          "setx 0, %r1", "ba 9", "setx 1, %r1", "ret %r1"));
  EXPECT_THAT(value_code("pid ? 1 : 2"),
              ElementsAre("ldgs DT_VAR(278), %r1", "tst %r1", "be 5", "setx 1, %r1", "ba 6", "setx 2, %r1", "ret %r1"));
}

TEST(Code, ScalesPointers) {
  EXPECT_THAT(value_code("(int *)arg0 + arg1"),
              ElementsAre("ldgs DT_VAR(262), %r1", "ldgs DT_VAR(263), %r2", "setx 4, %r3", "mul %r2, %r3, %r2",
                          "add %r1, %r2, %r1", "ret %r1"));
  EXPECT_THAT(value_code("((int *)arg0)[2]"),
              ElementsAre("ldgs DT_VAR(262), %r1", "setx 2, %r2", "setx 4, %r3", "mul %r2, %r3, %r2",
                          "add %r1, %r2, %r1", "ldsw [%r1], %r1", "ret %r1"));
  EXPECT_EQ(place_of("BEGIN { trace((void *)arg0 + 1); }"), "D_OP_INCOMPAT 1:28");
}

TEST(Code, PushesArgumentsAndKeys) {
  EXPECT_THAT(value_code("strlen(execname)"),
              ElementsAre("flushts", "ldgs DT_VAR(280), %r1", "pushtr DT_TYPE(1), %r0, %r1", "call DIF_SUBR(12), %r1",
                          "ret %r1"));
  EXPECT_THAT(value_code("strjoin(basename(execname), \"x\")"),
              ElementsAre("flushts", "ldgs DT_VAR(280), %r1", "pushtr DT_TYPE(1), %r0, %r1", "call DIF_SUBR(25), %r1",
                          "sets \"x\", %r2", "flushts", "pushtr DT_TYPE(1), %r0, %r1", "pushtr DT_TYPE(1), %r0, %r2",
                          "call DIF_SUBR(23), %r1", "ret %r1"));
  EXPECT_THAT(value_code("a[pid, \"k\"] = 5"),
              ElementsAre("setx 5, %r1", "flushts", "ldgs DT_VAR(278), %r2", "pushtv DT_TYPE(0), %r2",
                          "sets \"k\", %r2", "pushtr DT_TYPE(1), %r0, %r2", "stgaa %r1, DT_VAR(1280)", "ret %r1"));
  EXPECT_THAT(value_code("self->a[1]++", "self->a[1] = 1L;"),
              ElementsAre("setx 1, %r1", "flushts", "setx 1, %r2", "pushtv DT_TYPE(0), %r2", "ldtaa DT_VAR(1280), %r2",
                          "add %r2, %r1, %r3", "flushts", "setx 1, %r1", "pushtv DT_TYPE(0), %r1",
                          "sttaa %r3, DT_VAR(1280)", "ret %r2"));
}

TEST(Code, EightKeysNeedOneRegister) {
  EXPECT_EQ(error_of("BEGIN { a[1, 2, 3, 4, 5, 6, 7, 8] = 1; }"), "");
  EXPECT_EQ(place_of("BEGIN { a[1, 2, 3, 4, 5, 6, 7, 8, 9] = 1; }"), "D_NOREG 1:9");
}

// "pid + (pid + (... + last))": every level keeps a register while the next is computed.
std::string nested(int levels, std::string last) {
  for (int i = 0; i < levels; i++) last = "pid + (" + last + ")";
  return last;
}

TEST(Code, SpillsWhenRegistersRunOut) {
  // Seven registers are enough for the first, not for the second; then all from the fifth on are in variables, because
  // three registers only carry operands.
  EXPECT_THAT(test::traced(nested(6, "pid")).program.variables, IsEmpty());
  CompileResult result = test::traced(nested(7, "pid"));
  ASSERT_TRUE(result.ok());
  ASSERT_EQ(result.program.variables.size(), 4U);
  EXPECT_EQ(result.program.variables[3].name, "%spill3");
  EXPECT_EQ(result.program.variables[3].scope, dif::Scope::kLocal);
  std::vector<std::string> lines = test::code(result.program.clauses[0].actions[0].args[0]);
  ASSERT_EQ(lines.size(), 33U);
  EXPECT_THAT(std::vector<std::string>(lines.begin() + 10, lines.begin() + 16),
              ElementsAre("ldgs DT_VAR(278), %r5", "stls %r5, DT_VAR(1283)", "ldls DT_VAR(1282), %r5",
                          "ldls DT_VAR(1283), %r6", "add %r5, %r6, %r5", "stls %r5, DT_VAR(1282)"));
  std::string left = "pid";
  for (int i = 0; i < 200; i++) left += " + pid";
  EXPECT_THAT(test::traced(left).program.variables, IsEmpty());
}

TEST(Code, SymbolicValuesAreNotSpilled) {
  EXPECT_EQ(error_of("BEGIN { trace(" + nested(7, "curthread->pid") + "); }").substr(0, 7), "D_NOREG");
  EXPECT_EQ(error_of("BEGIN { trace(" + nested(5, "curthread->pid") + "); }"), "");
}

TEST(Depth, IsBounded) {
  for (std::string_view piece : {"(", "!", "- ", "1 ? ", "sizeof ", "x[", "x = ", "(int)", "stringof "}) {
    std::string text = "BEGIN { ";
    for (int i = 0; i < 5000; i++) text += piece;
    EXPECT_EQ(error_of(text).substr(0, 8), "D_SYNTAX") << piece;
  }
  for (std::string_view piece : {" + 1", "->x", ", 1", " || 1"}) {
    std::string text = "BEGIN { curthread";
    for (int i = 0; i < 5000; i++) text += piece;
    EXPECT_EQ(error_of(text + "; }").substr(0, 8), "D_SYNTAX") << piece;
  }
  std::string text = "BEGIN { ";
  for (int i = 0; i < 5000; i++) text += "if (pid) { ";
  EXPECT_EQ(error_of(text).substr(0, 8), "D_SYNTAX");
  text = "int ";
  for (int i = 0; i < 5000; i++) text += "(";
  EXPECT_EQ(error_of(text).substr(0, 8), "D_SYNTAX");
}

TEST(Inlines, AreSubstituted) {
  auto trace_of = [](std::string_view definitions, std::string_view expression) {
    CompileResult result = test::compile_text(fmt::format("{} BEGIN {{ trace({}); }}", definitions, expression));
    if (!result.ok()) return test::failure(result);
    const dif::Difo& difo = result.program.clauses[0].actions[0].args[0];
    return fmt::format("{} {}", difo.rtype.name, fmt::join(test::code(difo), "; "));
  };
  EXPECT_EQ(trace_of("inline int TWO = 1 + 1;", "TWO * 3"), "int setx 6, %r1; ret %r1");
  EXPECT_EQ(trace_of("inline long me = pid;", "me"), "long ldgs DT_VAR(278), %r1; ret %r1");
  EXPECT_EQ(trace_of("inline int add[int a, int b] = a + b;", "add[1, 2]"), "int setx 3, %r1; ret %r1");
  EXPECT_EQ(trace_of("inline int x = y;", "1").substr(0, 13), "D_IDENT_UNDEF");
  EXPECT_EQ(trace_of("inline int x = x;", "1").substr(0, 13), "D_IDENT_UNDEF");
  EXPECT_EQ(trace_of("inline int pid = 1;", "1").substr(0, 12), "D_DECL_IDRED");
  EXPECT_EQ(trace_of("inline int a = 1; inline int a = 2;", "1").substr(0, 12), "D_DECL_IDRED");
  EXPECT_EQ(error_of("inline int x = 1; BEGIN { x = 2; }"),
            "D_OP_LVAL 1:27 operator = requires modifiable lvalue as an operand");
  // Doubling forty times over: refused, not endless.
  std::string text = "inline long a0 = pid;";
  for (int i = 1; i <= 40; i++) text += fmt::format("inline long a{} = a{} + a{};", i, i - 1, i - 1);
  EXPECT_EQ(error_of(text + " BEGIN { trace(a40); }").substr(0, 8), "D_SYNTAX");
}

TEST(Declarations, MakeTypesAndVariables) {
  CompileResult result = test::compile_text(
      "typedef struct point { char tag; int x; unsigned int lo:4, hi:4; union { long l; char c[3]; }; } point_t;\n"
      "enum color { RED, GREEN = 5, BLUE };\n"
      "self point_t p;\nint a[string, int];\nthis char *s;\nint numbers[4];\n"
      "BEGIN { self->p.x = BLUE; a[execname, 1] = 2; trace(((point_t *)arg0)->hi); trace(((struct point *)arg0)->l); "
      "trace(sizeof (point_t)); trace(offsetof(point_t, c)); trace(RED); numbers[2] = 7; }",
      true);
  ASSERT_TRUE(result.ok()) << result.errors[0].error.text();
  const std::vector<dif::VariableDef>& variables = result.program.variables;
  ASSERT_EQ(variables.size(), 4U);
  EXPECT_EQ(variables[0].type.size, 24U);
  EXPECT_TRUE(variables[0].type.by_ref());
  EXPECT_EQ(variables[1].kind, dif::VarKind::kArray);
  EXPECT_THAT(variables[1].keys, ElementsAre(dif::Type::string(), dif::Type::integer(4, true, "int")));
  EXPECT_EQ(variables[3].type.name, "int [4]");
  const std::vector<dif::Action>& actions = result.program.clauses[0].actions;
  EXPECT_THAT(test::code(actions[0].args[0]), ElementsAre("setx 6, %r1", "ldts DT_VAR(1280), %r2", "setx 4, %r3",
                                                          "add %r2, %r3, %r2", "stw %r1, [%r2]", "ret %r0"));
  EXPECT_THAT(test::code(actions[2].args[0]),
              ElementsAre("ldgs DT_VAR(262), %r1", "setx 9, %r2", "add %r1, %r2, %r1", "ldub [%r1], %r1",
                          "setx 60, %r2", "sll %r1, %r2, %r1", "setx 60, %r2", "srl %r1, %r2, %r1", "ret %r1"));
  EXPECT_EQ(test::code(actions[3].args[0])[1], "setx 16, %r2");
  EXPECT_EQ(test::code(actions[4].args[0])[0], "setx 24, %r1");
  EXPECT_EQ(test::code(actions[5].args[0])[0], "setx 16, %r1");
  EXPECT_EQ(test::code(actions[7].args[0])[6], "stw %r1, [%r2]");
}

TEST(Declarations, AreChecked) {
  EXPECT_EQ(error_of("int x; long x;", true),
            "D_DECL_IDRED 1:13 identifier redeclared: x\n\t current: scalar long\n\tprevious: scalar int");
  EXPECT_EQ(error_of("int x; int x;", true), "");
  EXPECT_EQ(error_of("int pid;", true), "D_DECL_IDRED 1:5 built-in identifier redeclared: pid");
  EXPECT_EQ(error_of("this int a[int];", true),
            "D_DECL_LOCASSC 1:10 associative arrays may not be declared as local variables: a");
  EXPECT_EQ(place_of("static int x;", true), "D_DECL_BADCLASS 1:1");
  EXPECT_EQ(place_of("unsigned void x;", true), "D_DECL_VOIDATTR 1:1");
  EXPECT_EQ(place_of("int char x;", true), "D_DECL_COMBO 1:1");
  EXPECT_EQ(place_of("void x;", true), "D_DECL_VOIDOBJ 1:6");
  EXPECT_EQ(place_of("int x[0];", true), "D_DECL_ARRSUB 1:6");
  EXPECT_EQ(place_of("struct s { int a; int a; };", true), "D_DECL_IDRED 1:23");
  EXPECT_EQ(place_of("struct s { int a; }; struct s { int b; };", true), "D_DECL_TYPERED 1:22");
  EXPECT_EQ(place_of("struct s { struct s inner; };", true), "D_DECL_INCOMPLETE 1:21");
  EXPECT_EQ(error_of("struct s { struct s *next; int v; }; BEGIN { trace(((struct s *)arg0)->next->v); }", true), "");
  EXPECT_EQ(place_of("int x = 1;", true), "D_SYNTAX 1:7");
  EXPECT_EQ(place_of("int x[1 << 30, 1];", true), "D_SYNTAX 1:14");
  EXPECT_EQ(place_of("struct s { int x[1 << 30]; };", true), "D_DECL_ARRBIG 1:17");
  EXPECT_EQ(error_of("BEGIN { trace(((struct p *)arg0)->q); } struct p { int q; };", true), "");
}

TEST(Names, ThatAreNotKnownGetAHint) {
  EXPECT_EQ(error_of("BEGIN { trace(execnam); }"),
            "D_IDENT_UNDEF 1:15 failed to resolve execnam: Unknown variable name (did you mean \"execname\"?)");
  EXPECT_EQ(error_of("BEGIN { trace(this->x); }"), "D_VAR_UNDEF 1:15 this->x has not yet been declared or assigned");
  EXPECT_EQ(error_of("BEGIN { trace(strln(execname)); }"),
            "D_FUNC_UNDEF 1:15 undefined function name: strln (did you mean \"strlen\"?)");
  EXPECT_EQ(error_of("BEGIN { x = x; }").substr(0, 18), "D_VAR_UNDEF 1:13 x");
  EXPECT_EQ(error_of("BEGIN { pid(); }"), "D_FUNC_IDKIND 1:9 built-in 'pid' may not be referenced as a function");
  EXPECT_EQ(error_of("BEGIN { trace(``jiffies); }").substr(0, 18), "D_IDENT_UNDEF 1:15");
}

TEST(Operators, CheckTheirOperands) {
  EXPECT_EQ(error_of("BEGIN { trace(pid + execname == 1); }"),
            "D_OP_INCOMPAT 1:30 operands have incompatible types: \"string\" == \"int\"");
  EXPECT_EQ(error_of("BEGIN { trace(execname * 2); }"),
            "D_OP_ARITH 1:24 operator * requires operands of arithmetic type");
  EXPECT_EQ(error_of("BEGIN { trace(execname & 2); }"), "D_OP_INT 1:24 operator & requires operands of integral type");
  EXPECT_EQ(place_of("BEGIN { trace(execname && 2); }"), "D_OP_SCALAR 1:24");
  EXPECT_EQ(place_of("BEGIN { trace(!execname); }"), "D_OP_SCALAR 1:15");
  EXPECT_EQ(place_of("BEGIN { trace(execname == 5); }"), "D_OP_INCOMPAT 1:24");
  EXPECT_EQ(error_of("BEGIN { trace(execname == NULL); }"), "");
  EXPECT_EQ(place_of("BEGIN { trace(*pid); }"), "D_DEREF_NONPTR 1:15");
  EXPECT_EQ(place_of("BEGIN { trace(*(void *)arg0); }"), "D_DEREF_VOID 1:15");
  EXPECT_EQ(place_of("BEGIN { x = 1; trace(&x); }"), "D_ADDROF_VAR 1:22");
  EXPECT_EQ(place_of("BEGIN { trace(pid->x); }"), "D_OP_PTR 1:18");
  EXPECT_EQ(place_of("BEGIN { trace(pid.x); }"), "D_OP_SOU 1:18");
  EXPECT_EQ(place_of("BEGIN { pid = 1; }"), "D_OP_WRITE 1:9");
  EXPECT_EQ(place_of("BEGIN { 5 = 1; }"), "D_OP_LVAL 1:9");
  EXPECT_EQ(error_of("BEGIN { x = 1; x = execname; }"),
            "D_OP_INCOMPAT 1:20 operands have incompatible types: \"int\" = \"string\"");
  EXPECT_EQ(error_of("BEGIN { self->s = execname; self->s = 0; }"), "");
  EXPECT_EQ(place_of("BEGIN { x[1] = 1; x[1, 2] = 1; }"), "D_PROTO_LEN 1:19");
  EXPECT_EQ(place_of("BEGIN { x[1] = 1; x[execname] = 1; }"), "D_PROTO_ARG 1:21");
  EXPECT_EQ(place_of("BEGIN { this->x[1] = 1; }"), "D_ARR_LOCAL 1:9");
  EXPECT_EQ(place_of("BEGIN { x = 1; trace(x[1]); }"), "D_ARR_BADREF 1:22");
  EXPECT_EQ(place_of("BEGIN { trace(strlen(1)); }"), "D_PROTO_ARG 1:22");
  EXPECT_EQ(error_of("BEGIN { trace(substr(execname)); }"),
            "D_PROTO_LEN 1:15 substr( ) prototype mismatch: 1 arg passed, at least 2 expected");
  EXPECT_EQ(place_of("BEGIN { trace((int)execname); }"), "D_CAST_INVAL 1:15");
  EXPECT_EQ(place_of("BEGIN { trace(args[pid]); }"), "D_PROTO_ARG 1:20");
  EXPECT_EQ(place_of("BEGIN { trace(args[-1]); }"), "D_ARGS_IDX 1:20");
  EXPECT_EQ(place_of("BEGIN { trace(sizeof (void)); }"), "D_SIZEOF_TYPE 1:15");
  EXPECT_EQ(error_of("BEGIN { x++; y += 2; trace(x + y); }"), "");
}

TEST(Syntax, ErrorsPoint) {
  EXPECT_EQ(error_of("BEGIN { trace(1)\n trace(2); }"), "D_SYNTAX 2:2 syntax error near \"trace\" (expected ; or })");
  EXPECT_EQ(error_of("BEGIN { trace(1)); }"), "D_SYNTAX 1:17 extra ) in input stream");
  EXPECT_EQ(error_of("BEGIN { 1 + ; }"), "D_SYNTAX 1:13 syntax error near \";\"");
  EXPECT_EQ(error_of("BEGIN { trace(1);"), "D_SYNTAX 1:18 syntax error near end of input (expected ; or })");
  EXPECT_EQ(error_of("BEGIN { while (1) { } }"), "D_SYNTAX 1:9 syntax error near \"while\"");
  EXPECT_EQ(error_of("BEGIN { /* x"),
            "D_SYNTAX 1:13 end-of-file encountered before matching */ (the comment begins in line 1)");
  EXPECT_EQ(place_of("BEGIN { /* /* */ }"), "D_SYNTAX 1:12");
  EXPECT_EQ(error_of("BEGIN { trace(\"a\nb\"); }"), "D_STR_NL 1:15 newline encountered in string literal");
  EXPECT_EQ(error_of("BEGIN { trace(''); }"), "D_CHR_NULL 1:15 empty character constant");
  EXPECT_EQ(error_of("BEGIN { trace('123456789'); }"), "D_CHR_OFLOW 1:15 character constant is too long");
  EXPECT_EQ(error_of("BEGIN { trace(1 ~ 2 \x01); }").substr(0, 8), "D_SYNTAX");
  EXPECT_EQ(error_of("BEGIN { curthread->5; }"), "D_OP_IDENT 1:20 operator -> must be followed by an identifier");
  EXPECT_EQ(error_of("BEGIN { trace(curthread->string); trace(curthread->probe); }"), "");
  EXPECT_EQ(error_of("BEGIN { } }"), "D_SYNTAX 1:11 extra } in input stream");
  EXPECT_EQ(place_of(std::string_view("BEGIN { \0 }", 11)), "D_SYNTAX 1:9");
}

TEST(Strings, HaveTheEscapesOfC) {
  EXPECT_EQ(value_code(R"("a\tb\x41\101\q\"")")[0], "sets \"a\tbAA\\q\"\", %r1");
  EXPECT_EQ(value_code(R"("ab\0cd")")[0], "sets \"ab\", %r1");
  EXPECT_EQ(value_code("\"\"")[0], "sets \"\", %r1");
}

}  // namespace
}  // namespace ht::d
