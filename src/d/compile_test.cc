// Whole programs: what becomes of clauses, variables, aggregations, actions, options.
#include "d/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "d/test_program.h"
#include "dif/layout.h"
#include "dif/verify.h"

namespace ht::d {
namespace {

using dif::ActionKind;
using test::code;
using test::compile_text;
using test::error_of;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

#define ASSERT_COMPILES(result) ASSERT_TRUE((result).ok()) << (result).errors[0].error.text()

TEST(Demo, CountsCallsByGuestAndProcess) {
  CompileResult result = compile_text("vm*:syscall:::entry { @[vmname, execname] = count(); }");
  ASSERT_COMPILES(result);
  ASSERT_EQ(result.program.clauses.size(), 1U);
  const dif::Clause& clause = result.program.clauses[0];
  ASSERT_EQ(clause.probes.size(), 1U);
  EXPECT_EQ(clause.probes[0].target, "vm*");
  EXPECT_EQ(clause.probes[0].provider, "syscall");
  EXPECT_EQ(clause.probes[0].module, "");
  EXPECT_EQ(clause.probes[0].function, "");
  EXPECT_EQ(clause.probes[0].name, "entry");
  EXPECT_EQ(clause.probes[0].pos.column, 1U);
  EXPECT_FALSE(clause.predicate.has_value());
  ASSERT_EQ(clause.actions.size(), 1U);
  const dif::Action& action = clause.actions[0];
  EXPECT_EQ(action.kind, ActionKind::kCount);
  EXPECT_EQ(action.keys, 2U);
  EXPECT_THAT(action.aggs, ElementsAre(1U));
  EXPECT_THAT(code(action.args[0]), ElementsAre("ldgs DT_VAR(768), %r1", "ret %r1"));
  EXPECT_THAT(code(action.args[1]), ElementsAre("ldgs DT_VAR(280), %r1", "ret %r1"));
  EXPECT_EQ(action.args[1].rtype, dif::Type::string());
  ASSERT_EQ(result.program.aggregations.size(), 1U);
  EXPECT_EQ(result.program.aggregations[0].name, "_");
  EXPECT_THAT(result.program.aggregations[0].keys, ElementsAre(dif::Type::string(), dif::Type::string()));
}

TEST(Demo, MembersOfKernelTypesAreSymbolic) {
  CompileResult result =
      compile_text("vm*:syscall:::entry { @[curthread->cred->uid.val, curthread->cred->gid.val] = count(); }");
  ASSERT_COMPILES(result);
  const dif::Action& action = result.program.clauses[0].actions[0];
  EXPECT_THAT(code(action.args[0]), ElementsAre("ldgs DT_VAR(256), %r1", "usetx cred, %r2", "add %r1, %r2, %r1",
                                                "uload [%r1], %r1", "usetx uid, %r2", "add %r1, %r2, %r1",
                                                "usetx val, %r2", "add %r1, %r2, %r1", "uload [%r1], %r1", "ret %r1"));
  EXPECT_EQ(action.args[0].rtype.kind, dif::TypeKind::kUnknown);
  // Column 25 is curthread, 36 cred, 42 uid, 46 val, 45 the last operator.
  EXPECT_EQ(test::line_table(action.args[0]), "0@1:25 1@1:36 4@1:42 6@1:46 9@1:45");
  EXPECT_EQ(result.program.aggregations[0].keys[1].kind, dif::TypeKind::kUnknown);
}

TEST(Demo, TimesCallsWithAThreadLocalVariable) {
  CompileResult result = compile_text(
      "vm*:syscall:::entry { self->ts = timestamp; } vm*:syscall:::return /self->ts/ { @[vmname, probefunc] = "
      "quantize(timestamp - self->ts); self->ts = 0; }");
  ASSERT_COMPILES(result);
  ASSERT_EQ(result.program.variables.size(), 1U);
  const dif::VariableDef& variable = result.program.variables[0];
  EXPECT_EQ(variable.name, "ts");
  EXPECT_EQ(variable.id, dif::kFirstUserVariable);
  EXPECT_EQ(variable.scope, dif::Scope::kThread);
  EXPECT_EQ(variable.kind, dif::VarKind::kScalar);
  EXPECT_EQ(variable.type, dif::Type::integer(8, false, "uint64_t"));
  EXPECT_EQ(variable.pos.column, 23U);

  const dif::Clause& entry = result.program.clauses[0];
  ASSERT_EQ(entry.actions.size(), 1U);
  EXPECT_EQ(entry.actions[0].kind, ActionKind::kDifexpr);
  EXPECT_FALSE(entry.actions[0].record);
  EXPECT_TRUE(entry.actions[0].args[0].rtype.is_void());
  EXPECT_THAT(code(entry.actions[0].args[0]),
              ElementsAre("ldgs DT_VAR(257), %r1", "stts %r1, DT_VAR(1280)", "ret %r0"));

  const dif::Clause& leave = result.program.clauses[1];
  ASSERT_TRUE(leave.predicate.has_value());
  EXPECT_THAT(code(*leave.predicate), ElementsAre("ldts DT_VAR(1280), %r1", "ret %r1"));
  ASSERT_EQ(leave.actions.size(), 2U);
  EXPECT_EQ(leave.actions[0].kind, ActionKind::kQuantize);
  EXPECT_EQ(leave.actions[0].keys, 2U);
  ASSERT_EQ(leave.actions[0].args.size(), 3U);
  EXPECT_THAT(code(leave.actions[0].args[2]),
              ElementsAre("ldgs DT_VAR(257), %r1", "ldts DT_VAR(1280), %r2", "sub %r1, %r2, %r1", "ret %r1"));
}

TEST(Clauses, ABareDescriptionIsAClauseOnTheCommandLineOnly) {
  CompileResult result = compile_text("syscall:::entry,BEGIN,tick-1s");
  ASSERT_COMPILES(result);
  EXPECT_EQ(result.program.clauses[0].probes.size(), 3U);
  EXPECT_EQ(result.program.clauses[0].probes[2].name, "tick-1s");
  EXPECT_THAT(result.program.clauses[0].actions, IsEmpty());
  EXPECT_EQ(error_of("BEGIN", true), "D_SYNTAX 1:1 expected predicate and/or actions following probe description");
  EXPECT_EQ(error_of("BEGIN /1/"), "D_SYNTAX 1:8 expected actions { } following probe description and predicate");
}

TEST(Clauses, TellTypesFromProbesInScripts) {
  CompileResult result = compile_text(
      "int x;\nuint64_t y;\npid_t*z;\nint*w;\nBEGIN { x = 1; y = 2; }\nmy-probe { }\n"
      "pid17:::entry { }\nprovider_t { }",
      true);
  ASSERT_COMPILES(result);
  EXPECT_EQ(result.program.variables.size(), 4U);
  EXPECT_EQ(result.program.variables[2].type.name, "pid_t *");
  EXPECT_EQ(result.program.clauses.size(), 4U);
  EXPECT_EQ(result.program.clauses[1].pos.line, 6U);
  EXPECT_EQ(result.program.clauses[1].pos.file, "test.d");
}

TEST(Clauses, PredicateMayUseWhatItsBodyAssigns) {
  EXPECT_EQ(error_of("BEGIN /self->x/ { self->x = 1; }"), "");
  EXPECT_EQ(error_of("BEGIN /(self->x = 1)/ { trace(self->x); }"), "");
  EXPECT_EQ(error_of("BEGIN /self->y/ { self->x = 1; }"),
            "D_VAR_UNDEF 1:8 self->y has not yet been declared or assigned");
  EXPECT_EQ(error_of("BEGIN /execname/ { }"),
            "D_PRED_SCALAR 1:8 predicate result must be of scalar type (compare a string with NULL or \"\")");
}

TEST(Clauses, SlashEndsAPredicateOrDivides) {
  EXPECT_EQ(error_of("BEGIN /6 / pid/ { }"), "");
  EXPECT_EQ(error_of("BEGIN /pid/ /* comment */ { }"), "");
  EXPECT_EQ(error_of("BEGIN /(pid/ { }"), "D_SYNTAX 1:12 closing ) expected in predicate before /");
  EXPECT_EQ(error_of("BEGIN / *(int *)arg0 / { }"), "");
}

TEST(Clauses, SeveralSourcesShareNames) {
  CompileOptions options;
  CompileResult result = compile({{"a", "BEGIN { x = 1; @a = count(); }", false, DescContext::kName},
                                  {"b", "END { trace(x); printa(@a); }", false, DescContext::kName}},
                                 options);
  ASSERT_COMPILES(result);
  EXPECT_EQ(result.program.sources.size(), 2U);
  EXPECT_EQ(result.program.clauses[1].source, 1U);
  EXPECT_EQ(result.program.files, std::vector<std::string>{""});
}

TEST(Clauses, ErrorsSayWhere) {
  EXPECT_EQ(compile_text("BEGIN { x }").errors[0].where, "in action list: ");
  EXPECT_EQ(compile_text("BEGIN /x/ { }").errors[0].where, "in predicate: ");
  EXPECT_EQ(compile_text("BEGIN { trace(1; }").errors[0].where, "");  // not yet understood
  EXPECT_EQ(compile_text("\nBEGIN { x }", true).errors[0].where, "line 2: ");
  EXPECT_EQ(compile_text("#line 7 \"inner.d\"\nBEGIN { x }", true).errors[0].where, "\"inner.d\", line 7: ");
  EXPECT_EQ(error_of(" "), "D_EMPTY 1:0 empty D program translation unit");
  CompileOptions options;
  options.empty = true;
  EXPECT_EQ(error_of(" ", false, options), "");
}

TEST(Control, IfAndElseBecomeBranchesAmongTheActions) {
  CompileResult result = compile_text(
      "BEGIN { if (pid == 1) { trace(1); } else if (pid) trace(2); else { trace(3); trace(4) } trace(5); }");
  ASSERT_COMPILES(result);
  std::vector<std::string> shape;
  for (const dif::Action& action : result.program.clauses[0].actions) {
    switch (action.kind) {
      case ActionKind::kBranchFalse:
        shape.push_back(fmt::format("if {}", action.target));
        break;
      case ActionKind::kJump:
        shape.push_back(fmt::format("jump {}", action.target));
        break;
      default:
        shape.emplace_back("trace");
        break;
    }
  }
  EXPECT_THAT(shape, ElementsAre("if 3", "trace", "jump 8", "if 6", "trace", "jump 8", "trace", "trace", "trace"));
  EXPECT_EQ(error_of("BEGIN { if (execname) { } }"), "D_OP_SCALAR 1:13 if condition must be of scalar type");
}

TEST(Aggregations, KeysAndFunctionAreThoseOfTheFirstUse) {
  EXPECT_EQ(error_of("BEGIN { @a[pid] = count(); @a[(short)1] = count(); }"), "");
  EXPECT_EQ(error_of("BEGIN { @a = count(); @a = sum(1); }"),
            "D_AGG_REDEF 1:23 aggregation redefined: @a\n\t current: @a = sum( )\n\tprevious: @a = count( ) : line 1");
  EXPECT_EQ(error_of("BEGIN { @a[1] = count(); @a[1, 2] = count(); }"),
            "D_PROTO_LEN 1:26 @a[ ] prototype mismatch: 2 keys passed, 1 expected");
  EXPECT_EQ(
      error_of("BEGIN { @a[1] = count(); @a[execname] = count(); }"),
      "D_PROTO_ARG 1:29 @a[ ] argument #1 is incompatible with prototype:\n\tprototype: int\n\t argument: string");
  EXPECT_EQ(error_of("BEGIN { @a = 5; }"), "D_AGG_FUNC 1:14 @a must be assigned the result of an aggregating function");
  EXPECT_EQ(error_of("BEGIN { @a = cuont(); }"),
            "D_AGG_FUNC 1:14 @a must be assigned the result of an aggregating function (did you mean \"count\"?)");
  EXPECT_EQ(error_of("BEGIN { @a; }"), "D_AGG_NULL 1:9 expression has null effect: @a");
  EXPECT_EQ(error_of("BEGIN { @a[1][2] = count(); }"),
            "D_AGG_MDIM 1:9 improper attempt to reference @a as a multi-dimensional array");
  EXPECT_EQ(error_of("BEGIN { (@a = count()) = count(); }"),
            "D_OP_LVAL 1:13 operator = requires modifiable lvalue as an operand");
  EXPECT_EQ(error_of("BEGIN { @a = sum(execname); }"), "D_AGG_SCALAR 1:18 sum( ) argument #1 must be of scalar type");
  EXPECT_EQ(error_of("BEGIN { @a = sum(); }"), "D_PROTO_LEN 1:14 sum( ) prototype mismatch: 0 args passed, 1 expected");
  EXPECT_EQ(error_of("BEGIN { @a = quantize(1, 2, 3); }"),
            "D_PROTO_LEN 1:14 quantize( ) prototype mismatch: 3 args passed, at most 2 expected");
  EXPECT_EQ(error_of("BEGIN { @a[printf(\"x\")] = count(); }").substr(0, 14), "D_CG_EXPR 1:12");
}

TEST(Aggregations, LquantizeAndLlquantizeCheckTheirConstants) {
  CompileResult result =
      compile_text("BEGIN { @a = lquantize(pid, -10, 100, 5, 2); @b = llquantize(pid, 10, 0, 6, 20); }");
  ASSERT_COMPILES(result);
  dif::LquantizeParam l = dif::decode_lquantize(result.program.aggregations[0].param);
  EXPECT_EQ(l.base, -10);
  EXPECT_EQ(l.levels, 22);
  EXPECT_EQ(l.step, 5);
  EXPECT_EQ(result.program.clauses[0].actions[0].args.size(), 2U);  // value, increment
  dif::LlquantizeParam ll = dif::decode_llquantize(result.program.aggregations[1].param);
  EXPECT_EQ(ll.factor, 10);
  EXPECT_EQ(ll.hmag, 6);
  EXPECT_EQ(ll.steps, 20);
  EXPECT_EQ(error_of("BEGIN { @a = lquantize(pid, pid, 10); }"),
            "D_LQUANT_BASETYPE 1:29 lquantize( ) argument #1 must be an integer constant");
  EXPECT_EQ(error_of("BEGIN { @a = lquantize(pid, 10, 10); }"),
            "D_LQUANT_MISMATCH 1:29 lquantize( ) base (argument #1) must be less than limit (argument #2)");
  EXPECT_EQ(error_of("BEGIN { @a = lquantize(1, 0, 10, 1); @a = lquantize(1, 0, 10, 2); }"),
            "D_LQUANT_MATCHSTEP 1:63 lquantize( ) step (argument #3) doesn't match previous declaration: expected 1, "
            "found 2");
  EXPECT_EQ(error_of("BEGIN { @a = lquantize(1, 0, 10); @a = lquantize(1, 0, 10, 1); }"), "");
  EXPECT_EQ(error_of("BEGIN { @a = llquantize(1, 1, 0, 6, 20); }").substr(0, 25), "D_LLQUANT_FACTORVAL 1:28 ");
  EXPECT_EQ(error_of("BEGIN { @a = llquantize(1, 10, 0, 6, 7); }").substr(0, 23), "D_LLQUANT_STEPVAL 1:38 ");
}

TEST(Actions, RecordWhatTheySay) {
  CompileResult result = compile_text(
      "BEGIN { trace(pid); printf(\"%d %s\\n\", 1, \"x\"); exit(3); tracemem(arg0, 16); stack(5); ustack(); sym(arg0); "
      "setopt(\"quiet\"); @a[1] = count(); printa(\"%d %@d\\n\", @a); trunc(@a, 5); clear(@a); print(pid); }");
  ASSERT_COMPILES(result);
  const std::vector<dif::Action>& actions = result.program.clauses[0].actions;
  ASSERT_EQ(actions.size(), 13U);
  EXPECT_TRUE(actions[0].record);
  EXPECT_EQ(actions[0].pos.column, 9U);
  EXPECT_EQ(actions[1].format, "%d %s\n");
  EXPECT_EQ(actions[1].args.size(), 2U);
  EXPECT_EQ(actions[2].kind, ActionKind::kExit);
  EXPECT_EQ(actions[3].param, 16U);
  EXPECT_EQ(actions[4].param, 5U);
  EXPECT_EQ(actions[5].param, 100U);
  EXPECT_EQ(actions[6].kind, ActionKind::kSym);
  EXPECT_EQ(actions[7].libact, dif::Libact::kSetopt);
  EXPECT_THAT(actions[9].aggs, ElementsAre(1U));
  EXPECT_EQ(actions[10].libact, dif::Libact::kTrunc);
  EXPECT_EQ(actions[10].args.size(), 1U);
  EXPECT_FALSE(result.program.destructive);
}

TEST(Actions, StacksAndSymbolsMayBeKeysAndArguments) {
  CompileResult result = compile_text(
      "BEGIN { @[stack(3), usym(arg0)] = count(); printf(\"%k %a %A\", stack(), sym(arg0), uaddr(arg1)); }");
  ASSERT_COMPILES(result);
  const dif::Action& action = result.program.clauses[0].actions[0];
  EXPECT_THAT(action.arg_kinds, ElementsAre(ActionKind::kStack, ActionKind::kUsym));
  EXPECT_THAT(action.arg_params, ElementsAre(3U, 0U));
  EXPECT_THAT(result.program.clauses[0].actions[1].arg_params, ElementsAre(20U, 0U, 0U));
}

TEST(Actions, MarkDestructivePrograms) {
  EXPECT_TRUE(compile_text("BEGIN { stop(); }").program.destructive);
  EXPECT_TRUE(compile_text("BEGIN { system(\"date\"); }").program.destructive);
  EXPECT_TRUE(compile_text("BEGIN { copyout(alloca(8), arg0, 8); }").program.destructive);
  EXPECT_FALSE(compile_text("BEGIN { ftruncate(); }").program.destructive);
}

TEST(Actions, ComplainInTheirOwnWords) {
  EXPECT_EQ(error_of("BEGIN { trace(1, 2); }"),
            "D_PROTO_LEN 1:9 trace( ) prototype mismatch: 2 args passed, 1 expected");
  EXPECT_EQ(error_of("BEGIN { trace((void)1); }"),
            "D_TRACE_VOID 1:15 trace( ) may not be applied to a void expression");
  EXPECT_EQ(error_of("BEGIN { @a = count(); trace(@a); }"),
            "D_TRACE_AGG 1:29 trace( ) may not be applied to an aggregation -- did you mean printa()?");
  EXPECT_EQ(error_of("BEGIN { tracemem(arg0, pid); }").substr(0, 20), "D_TRACEMEM_SIZE 1:24");
  EXPECT_EQ(error_of("BEGIN { exit(execname); }").substr(0, 16), "D_PROTO_ARG 1:14");
  EXPECT_EQ(error_of("BEGIN { stack(0); }").substr(0, 17), "D_STACK_SIZE 1:15");
  EXPECT_EQ(error_of("BEGIN { panic(); }"), "D_UNKNOWN 1:9 panic() is not implemented (yet)");
  EXPECT_EQ(
      error_of("BEGIN { x = trace(1); }"),
      "D_CG_EXPR 1:13 tracing function trace( ) may not be called from a D expression (D program context required)");
  EXPECT_EQ(error_of("BEGIN { pid ? trace(1) : trace(2); }"),
            "D_OP_ACT 1:15 action cannot be used in a conditional context");
  EXPECT_EQ(error_of("BEGIN { 1, trace(2); }"), "D_OP_ACT 1:12 operator , operands cannot be actions");
  EXPECT_EQ(error_of("BEGIN { clear(@a); }"), "D_CLEAR_AGGBAD 1:15 undefined aggregation: @a");
  EXPECT_EQ(error_of("BEGIN { @ab = count(); printa(@ba); }"),
            "D_PRINTA_AGGBAD 1:31 undefined aggregation: @ba (did you mean \"ab\"?)");
  EXPECT_EQ(error_of("BEGIN { trunc(1); }").substr(0, 19), "D_TRUNC_AGGARG 1:15");
  EXPECT_EQ(error_of("BEGIN { prinf(\"x\"); }"),
            "D_FUNC_UNDEF 1:9 undefined function name: prinf (did you mean \"print\"?)");
}

TEST(Actions, FollowTheRulesOfOrder) {
  EXPECT_EQ(error_of("BEGIN { speculate(1); printf(\"x\"); }"), "");
  EXPECT_EQ(error_of("BEGIN { printf(\"x\"); speculate(1); }"),
            "D_SPEC_DREC 1:22 speculate( ) may not follow data-recording action(s)");
  EXPECT_EQ(error_of("BEGIN { @a = count(); commit(1); }").substr(0, 16), "D_COMM_DREC 1:23");
  EXPECT_EQ(error_of("BEGIN { commit(1); trace(1); }").substr(0, 16), "D_DREC_COMM 1:20");
  EXPECT_EQ(error_of("BEGIN { speculate(1); @a = count(); }").substr(0, 15), "D_AGG_SPEC 1:26");
  EXPECT_EQ(error_of("BEGIN { speculate(1); exit(0); }").substr(0, 16), "D_EXIT_SPEC 1:23");
  EXPECT_EQ(error_of("BEGIN { speculate(1); stop(); }").substr(0, 15), "D_ACT_SPEC 1:23");
  EXPECT_EQ(error_of("BEGIN { speculate(1); speculate(2); }").substr(0, 16), "D_SPEC_SPEC 1:23");
  EXPECT_EQ(error_of("BEGIN { if (pid) { speculate(1); } else { stop(); } }"), "");
}

TEST(Printf, ChecksFormatsAgainstArguments) {
  EXPECT_EQ(error_of("BEGIN { printf(\"%d\"); }"),
            "D_PRINTF_ARG_PROTO 1:9 printf( ) prototype mismatch: conversion #1 (%d) is missing a corresponding value "
            "argument");
  EXPECT_EQ(error_of("BEGIN { printf(\"%d\", 1, 2); }"),
            "D_PRINTF_ARG_EXTRA 1:25 printf( ) prototype mismatch: only 2 arguments required by this format string");
  EXPECT_EQ(error_of("BEGIN { printf(\"%d\", execname); }"),
            "D_PRINTF_ARG_TYPE 1:22 printf( ) argument #2 is incompatible with conversion #1 prototype:\n\tconversion: "
            "%d\n\t prototype: char, short, int, long, or long long\n\t  argument: string");
  EXPECT_EQ(error_of("BEGIN { printf(\"%s\", (char *)arg0); }").substr(0, 22), "D_PRINTF_ARG_TYPE 1:22");
  EXPECT_EQ(error_of("BEGIN { printf(\"%lx\", pid); }").substr(0, 22), "D_PRINTF_ARG_TYPE 1:23");
  EXPECT_EQ(error_of("BEGIN { printf(\"%*d %-10s %Y %x %p %c\", 5, 1, execname, walltimestamp, pid, arg0, 'x'); }"),
            "");
  EXPECT_EQ(error_of("BEGIN { printf(\"%d %x %s\", curthread->pid, args[0], curthread->comm); }"), "");
  EXPECT_EQ(error_of("BEGIN { printf(execname); }").substr(0, 23), "D_PRINTF_ARG_FMT 1:16 p");
  EXPECT_EQ(error_of("BEGIN { printf(\"\"); }"), "D_PRINTF_FMT_EMPTY 1:16 printf( ) format string is empty");
  EXPECT_EQ(error_of("BEGIN { printf(\"%@d\", 1); }").substr(0, 22), "D_PRINTF_AGG_CONV 1:16");
  EXPECT_EQ(error_of("BEGIN { printf(\"%y\", 1); }"), "D_SYNTAX 1:16 format conversion #1 is undefined: %y");
  EXPECT_EQ(error_of("BEGIN { @a[1] = count(); @b = count(); printa(@a, @b); }").substr(0, 19), "D_PRINTA_AGGKEY 1:5");
  EXPECT_EQ(error_of("BEGIN { @a[1] = count(); printa(\"%s %@d\", @a); }").substr(0, 22), "D_PRINTF_ARG_TYPE 1:33");
  EXPECT_EQ(error_of("BEGIN { @a = count(); printa(\"%d\", @a); }").substr(0, 23), "D_PRINTF_ARG_PROTO 1:30");
}

TEST(Options, ComeFromTheCommandAndFromPragmas) {
  CompileOptions options;
  options.options = {{"bufsize", "1m"}};
  CompileResult result = compile_text(
      "#!/usr/sbin/dtrace -s\n#pragma D option quiet\n#pragma D option strsize=64\nBEGIN { trace(sizeof (string)); "
      "\n#pragma D option nspec=4\n }",
      true, options);
  ASSERT_COMPILES(result);
  EXPECT_THAT(result.program.options, ElementsAre(std::pair<const std::string, std::string>("bufsize", "1m"),
                                                  std::pair<const std::string, std::string>("nspec", "4"),
                                                  std::pair<const std::string, std::string>("quiet", ""),
                                                  std::pair<const std::string, std::string>("strsize", "64")));
  EXPECT_EQ(error_of("#pragma D option quite\nBEGIN", false),
            "D_PRAGMA_OPTSET 1:1 failed to set option 'quite': Invalid option name (did you mean \"quiet\"?)");
  EXPECT_EQ(error_of("#pragma D option a b\n"),
            "D_PRAGMA_MALFORM 1:1 superfluous arguments specified for #pragma option");
  EXPECT_EQ(error_of("#pragma D nonsense\n"), "D_PRAGMA_INVAL 1:1 invalid D pragma: nonsense");
  EXPECT_EQ(error_of("#include <x>\n").substr(0, 19), "D_PRAGCTL_INVAL 1:1");
  EXPECT_EQ(error_of("#error not here\n"), "D_PRAGERR 1:1 #error: not here ");
}

TEST(Macros, StandForValuesWordsAndStrings) {
  CompileOptions options;
  options.macro_arguments = {"test.d", "42", "execname", "hello world", "0x10"};
  CompileResult result = compile_text(
      "BEGIN { trace($1); trace($2); trace($3); trace($$4); trace($pid); trace($$target); trace($4) }", true, options);
  ASSERT_COMPILES(result);
  const std::vector<dif::Action>& actions = result.program.clauses[0].actions;
  EXPECT_EQ(code(actions[0].args[0])[0], "setx 42, %r1");
  EXPECT_EQ(code(actions[1].args[0])[0], "ldgs DT_VAR(280), %r1");
  EXPECT_EQ(code(actions[2].args[0])[0], "sets \"hello world\", %r1");
  EXPECT_EQ(code(actions[3].args[0])[0], "sets \"0x10\", %r1");
  EXPECT_EQ(code(actions[4].args[0])[0], "setx 4711, %r1");
  EXPECT_EQ(code(actions[5].args[0])[0], "sets \"17\", %r1");
  EXPECT_EQ(code(actions[6].args[0])[0], "setx 16, %r1");
  result = compile_text("pid$target:::entry,profile-$1 { trace($2); trace($3); trace($4); }", true, options);
  ASSERT_COMPILES(result);
  EXPECT_EQ(result.program.clauses[0].probes[0].provider, "pid17");
  EXPECT_EQ(result.program.clauses[0].probes[1].name, "profile-42");
  EXPECT_EQ(error_of("BEGIN { trace($1); }", true, options),
            "D_MACRO_UNUSED 1:0 extraneous argument 'execname' ($2 is not referenced)");
  EXPECT_EQ(error_of("BEGIN { trace($7); }").substr(0, 53), "D_MACRO_UNDEF 1:15 macro argument $7 is not defined (");
  EXPECT_EQ(error_of("BEGIN { trace($tagret); }"),
            "D_MACRO_UNDEF 1:15 macro variable $tagret is not defined (did you mean \"target\"?)");
  EXPECT_EQ(error_of("#pragma D option defaultargs\nBEGIN { trace($7); trace($$7); }"), "");
}

TEST(Descriptions, AreAssignedFromTheRight) {
  auto fields = [](std::string_view text, DescContext context, bool hypertrace) {
    Result<dif::ProbeDesc> desc = parse_description(text, context, hypertrace);
    if (!desc.ok()) return desc.error().tag + " " + desc.error().text();
    return fmt::format("{}|{}|{}|{}|{}", desc->target, desc->provider, desc->module, desc->function, desc->name);
  };
  EXPECT_EQ(fields("entry", DescContext::kName, false), "||||entry");
  EXPECT_EQ(fields("read:entry", DescContext::kName, false), "|||read|entry");
  EXPECT_EQ(fields("syscall:::", DescContext::kName, true), "|syscall|||");
  EXPECT_EQ(fields("vm*:syscall::re*:entry", DescContext::kName, true), "vm*|syscall||re*|entry");
  EXPECT_EQ(fields("::::", DescContext::kName, true), "||||");
  EXPECT_EQ(fields("m:f", DescContext::kFunction, false), "||m|f|");
  EXPECT_EQ(fields("p:m", DescContext::kModule, false), "|p|m||");
  EXPECT_EQ(fields("vm1:p", DescContext::kProvider, true), "vm1|p|||");
  EXPECT_EQ(fields("a:b:c:d:e", DescContext::kName, false),
            "D_PDESC_INVAL invalid probe description \"a:b:c:d:e\": Overspecified probe description (a target in front "
            "of the provider needs -E)");
  EXPECT_EQ(fields("a:b:c:d:e:f", DescContext::kName, true).substr(0, 13), "D_PDESC_INVAL");
  EXPECT_EQ(parse_description("123", DescContext::kName, false)->id, 123U);
  EXPECT_FALSE(parse_description("123", DescContext::kProvider, false).ok());
  EXPECT_FALSE(parse_description("a b", DescContext::kName, false).ok());
  EXPECT_FALSE(parse_description(std::string(64, 'x'), DescContext::kName, false).ok());
}

TEST(Caret, StandsUnderItsColumn) {
  EXPECT_EQ(caret("one\n\ttwo three\n", {"", 2, 6}), "    2 | \ttwo three\n      | \t    ^");
  EXPECT_EQ(caret("x", {"", 0, 0}), "");
  EXPECT_EQ(caret("x", {"", 9, 1}), "");
  EXPECT_EQ(caret("x", {"", 1, 99}), "    1 | x\n      |  ^");
}

}  // namespace
}  // namespace ht::d
