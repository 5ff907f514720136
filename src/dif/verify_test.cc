#include "dif/verify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dif/assembler.h"
#include "dif/layout.h"

namespace ht::dif {
namespace {

using ::testing::HasSubstr;

VariableDef variable(std::string name, uint16_t id, Scope scope, Type type, std::vector<Type> keys = {}) {
  VariableDef result;
  result.name = std::move(name);
  result.id = id;
  result.scope = scope;
  result.kind = keys.empty() ? VarKind::kScalar : VarKind::kArray;
  result.type = std::move(type);
  result.keys = std::move(keys);
  return result;
}

Type i64() {
  return Type::integer(8, true, "int64_t");
}

// A program with one clause without actions and a few variables.
Program base_program() {
  Program program;
  program.variables = {variable("g", 0x500, Scope::kGlobal, i64()), variable("t", 0x500, Scope::kThread, i64()),
                       variable("l", 0x500, Scope::kLocal, i64()),
                       variable("a", 0x501, Scope::kGlobal, i64(), {i64(), Type::string()})};
  program.clauses.resize(1);
  program.clauses[0].probes.resize(1);
  return program;
}

Difo code(std::string_view text) {
  Result<Difo> result = assemble(text);
  EXPECT_TRUE(result.ok()) << text << ": " << (result.ok() ? "" : result.error().message);
  return result.ok() ? result.value() : Difo{};
}

std::string judge(const Difo& difo, Stage stage = Stage::kLinked) {
  const Result<void> result = verify(difo, base_program(), stage);
  return result.ok() ? "" : result.error().message;
}
std::string judge(std::string_view text, Stage stage = Stage::kLinked) {
  return judge(code(text), stage);
}

std::string judge(const Program& program, Stage stage = Stage::kLinked) {
  const Result<void> result = verify(program, stage);
  return result.ok() ? "" : result.error().message;
}

// One instruction is assembled as given and followed by ret.
TEST(VerifyCode, RulesAndDiagnostics) {
  const struct {
    const char* text;
    const char* message;
  } kCases[] = {
      {"add %r1, %r2, %r3", ""},
      {"add %r8, %r2, %r3", "instruction 0: invalid register 8"},
      {"add %r1, %r2, %r9", "instruction 0: invalid register 9"},
      {"add %r1, %r2, %r0", "instruction 0: cannot write to %r0"},
      {"ldx [%r1], %r0", "instruction 0: cannot write to %r0"},
      {"stx %r1, [%r0]", "instruction 0: cannot write to 0 address"},
      {"stx %r0, [%r1]", ""},
      {"copys %r1, %r2, %r3", ""},
      {"cmp %r0, %r0", ""},
      {"ba 1", ""},
      {"ba 2", "instruction 0: invalid branch target 2"},
      {"ba 0", "instruction 0: backward branch to 0"},
      {"setx 1, %r1", ""},
      {"setx DT_INTEGER[0], %r1", "instruction 0: invalid integer ref 0"},
      {"sets \"x\", %r1", ""},
      {"sets DT_STRING[1], %r1", "instruction 0: invalid string ref 1"},
      {"ldga 0, %r1, %r2", ""},
      {"ldga 3, %r1, %r2", "instruction 0: invalid array 3"},
      {"ldta 0, %r1, %r2", ""},
      {"ldta 255, %r1, %r2", "instruction 0: invalid array 255"},
      {"ldgs 0x118, %r1", ""},
      {"ldgs 0x2ff, %r1", "instruction 0: invalid variable 767"},
      {"ldgs 0, %r1", "instruction 0: invalid variable 0"},
      {"ldts 0x118, %r1", "instruction 0: invalid variable 280"},
      {"stgs %r1, 0x118", "instruction 0: invalid variable 280"},
      {"ldgs 0x500, %r1", ""},
      {"ldgs 0x502, %r1", "instruction 0: invalid variable 1282"},
      {"ldgs 0x501, %r1", "instruction 0: invalid variable 1281"},
      {"ldgaa 0x500, %r1", "instruction 0: invalid variable 1280"},
      {"stts %r0, 0x500", ""},
      {"stls %r1, 0x500", ""},
      {"call rand, %r1", ""},
      {"call rand, %r0", "instruction 0: cannot write to %r0"},
      {"call 46, %r1", "instruction 0: invalid subr 46"},
      {"call 4000, %r1", "instruction 0: invalid subr 4000"},
      {"call strlen, %r1", "instruction 0: wrong number of arguments for strlen"},
      {"pushtr 2, %r1, %r2", "instruction 0: invalid ref type 2"},
      {"pushtv 1, %r2", "instruction 0: invalid val type 1"},
      {"pushtv 0, %r8", "instruction 0: invalid register 8"},
      {"ldgaa 0x501, %r1", "instruction 0: wrong number of keys for variable 1281"},
      {"xlate 0, %r1", "instruction 0: invalid opcode 78"},
      {"xlarg 0, %r1", "instruction 0: invalid opcode 79"},
  };
  for (const auto& one : kCases) {
    EXPECT_EQ(judge(std::string(one.text) + "\nret %r0"), one.message) << one.text;
  }
}

TEST(VerifyCode, RawInstructions) {
  const auto raw = [](Instr i) {
    Difo difo = code("ret %r0");
    difo.text.insert(difo.text.begin(), i);
    return judge(difo);
  };
  EXPECT_EQ(raw(0), "instruction 0: invalid opcode 0");
  EXPECT_EQ(raw(0x54000000), "instruction 0: invalid opcode 84");
  EXPECT_EQ(raw(make(Op::kMov, 1, 1, 1)), "instruction 0: non-zero reserved bits");
  EXPECT_EQ(raw(make(Op::kTst, 1, 0, 1)), "instruction 0: non-zero reserved bits");
  EXPECT_EQ(raw(make(Op::kNop, 0, 0, 1)), "instruction 0: non-zero reserved bits");
  EXPECT_EQ(raw(make(Op::kLdx, 1, 1, 1)), "instruction 0: non-zero reserved bits");
}

TEST(VerifyCode, EndsInRet) {
  EXPECT_EQ(judge("nop"), "instruction 0: expected 'ret' as last DIF instruction");
  EXPECT_EQ(judge(Difo{}), "expected 'ret' as last DIF instruction");
}

TEST(VerifyCode, RelocationsOnlyBeforeLinking) {
  for (const char* text :
       {"usetx cred, %r1", "uload [%r1], %r2", "uuload [%r1], %r2", "typecast \"struct cred *\", %r1"}) {
    const std::string whole = std::string(text) + "\nret %r0";
    EXPECT_EQ(judge(whole, Stage::kCompiled), "") << text;
    EXPECT_THAT(judge(whole, Stage::kLinked), HasSubstr("invalid opcode")) << text;
  }
  EXPECT_EQ(judge("usetx DT_STRING[0], %r1\nret %r0", Stage::kCompiled), "instruction 0: invalid symbol ref 0");
  EXPECT_EQ(judge("usetx cred, %r0\nret %r0", Stage::kCompiled), "instruction 0: cannot write to %r0");
}

TEST(VerifyCode, TupleStackAlongEveryPath) {
  std::string nine = "setx 1, %r1\n";
  for (int n = 0; n < 8; ++n) nine += "pushtv 0, %r1\n";
  EXPECT_EQ(judge(nine + "ret %r0"), "");
  EXPECT_EQ(judge(nine + "pushtv 0, %r1\nret %r0"), "");  // faults where it is pushed
  EXPECT_EQ(judge(nine + "flushts\npushtv 0, %r1\nret %r0"), "");
  EXPECT_EQ(judge(nine + "popts\npushtv 0, %r1\nret %r0"), "");
  // One path pushes, the other does not.
  EXPECT_EQ(judge("tst %r1\nbe 3\npushtv 0, %r1\ncall strlen, %r2\nret %r2"),
            "instruction 3: wrong number of arguments for strlen");
  EXPECT_EQ(judge("tst %r1\nbe 3\nnop\npushtv 0, %r1\ncall strlen, %r2\nret %r2"), "");
  EXPECT_EQ(judge("pushtv 0, %r1\npushtr 1, %r1, %r2\nldgaa 0x501, %r3\nret %r3"), "");
  EXPECT_EQ(judge("pushtv 0, %r1\nldgaa 0x501, %r3\nret %r3"), "instruction 1: wrong number of keys for variable 1281");
}

TEST(VerifyCode, Tables) {
  Difo difo = code("ret %r0");
  difo.strings = "abc";
  EXPECT_THAT(judge(difo), HasSubstr("does not end in a NUL"));
  difo = code("ret %r0");
  difo.lines = {{.index = 1, .line = 1, .column = 1}};
  EXPECT_THAT(judge(difo), HasSubstr("invalid instruction 1"));
  difo.lines = {{.index = 0, .line = 1, .column = 1, .file = 9}};
  EXPECT_THAT(judge(difo), HasSubstr("invalid file 9"));
  difo = code("ret %r0");
  difo.strings.resize(limits::kDifoBytes);
  EXPECT_THAT(judge(difo), HasSubstr("too large"));
}

TEST(VerifyCode, ReturnType) {
  Difo difo = code("ret %r0");
  for (uint32_t size : {0u, 1u, 2u, 4u, 8u}) {
    difo.rtype = Type::integer(size, true, "int");
    EXPECT_EQ(judge(difo), "");
  }
  difo.rtype = Type::integer(3, true, "int");
  EXPECT_EQ(judge(difo), "bad return size");
  difo.rtype = Type::unknown();
  EXPECT_EQ(judge(difo), "unresolved type");
  EXPECT_EQ(judge(difo, Stage::kCompiled), "");
  difo.rtype = {TypeKind::kD, CKind::kStruct, Type::kByRef, 16385, "struct big"};
  EXPECT_EQ(judge(difo), "oversized by-ref static");
  difo.rtype.kind = static_cast<TypeKind>(9);
  EXPECT_EQ(judge(difo), "unrecognized type kind");
}

TEST(VerifyCode, ErrorsPointIntoTheSource) {
  Program program = base_program();
  program.files = {"", "a.d"};
  Difo difo = code("nop\nadd %r1, %r1, %r9\nret %r0");
  difo.lines = {{.index = 0, .line = 3, .column = 4, .file = 1}, {.index = 1, .line = 5, .column = 6, .file = 1}};
  const Result<void> result = verify(difo, program, Stage::kLinked);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().pos.file, "a.d");
  EXPECT_EQ(result.error().pos.line, 5u);
  EXPECT_EQ(result.error().pos.column, 6u);
}

TEST(VerifyProgram, MessageNamesTheArgument) {
  Program program = base_program();
  Action printf;
  printf.kind = ActionKind::kPrintf;
  printf.has_format = true;
  printf.format = "%d";
  printf.args = {code("nop\nadd %r1, %r2, %r9\nret %r0")};
  printf.arg_kinds = {ActionKind::kDifexpr};
  printf.arg_params = {0};
  program.clauses[0].actions = {Action{}, printf};
  EXPECT_EQ(judge(program), "clause 0 action 1 argument 0: instruction 1: invalid register 9");
  program.clauses[0].actions = {};
  program.clauses[0].predicate = code("nop");
  EXPECT_EQ(judge(program), "clause 0 predicate: instruction 0: expected 'ret' as last DIF instruction");
}

TEST(VerifyProgram, Variables) {
  const auto with = [](VariableDef extra) {
    Program program = base_program();
    program.variables.push_back(std::move(extra));
    return judge(program);
  };
  EXPECT_EQ(with(variable("x", 0x502, Scope::kGlobal, Type::string())), "");
  EXPECT_THAT(with(variable("x", 0x500, Scope::kGlobal, i64())), HasSubstr("1280 is defined twice"));
  EXPECT_THAT(with(variable("x", 0x100, Scope::kGlobal, i64())), HasSubstr("invalid variable 256"));
  EXPECT_THAT(with(variable("x", 0x502, static_cast<Scope>(3), i64())), HasSubstr("unrecognized variable scope 3"));
  EXPECT_THAT(with(variable("x", 0x502, Scope::kLocal, i64(), {i64()})), HasSubstr("cannot be an array"));
  EXPECT_THAT(with(variable("x", 0x502, Scope::kGlobal, i64(), std::vector<Type>(9, i64()))),
              HasSubstr("too many keys"));
  EXPECT_THAT(with(variable("x", 0x502, Scope::kGlobal, Type::unknown())), HasSubstr("unresolved type"));
  EXPECT_THAT(with(variable("x", 0x502, Scope::kGlobal, {TypeKind::kD, CKind::kStruct, Type::kByRef, 0, "struct s"})),
              HasSubstr("zero-sized variable"));
  EXPECT_THAT(
      with(variable("x", 0x502, Scope::kGlobal, {TypeKind::kD, CKind::kStruct, Type::kByRef, 16385, "struct s"})),
      HasSubstr("oversized by-ref static"));
}

// One clause with one action of the given kind and plain arguments.
Program with_action(ActionKind kind, size_t arguments = 0) {
  Program program = base_program();
  Action action;
  action.kind = kind;
  action.args.assign(arguments, code("ret %r0"));
  action.arg_kinds.assign(arguments, ActionKind::kDifexpr);
  action.arg_params.assign(arguments, 0);
  program.clauses[0].actions = {action};
  return program;
}
Action& first_action(Program& program) {
  return program.clauses[0].actions[0];
}

TEST(VerifyProgram, ArgumentCounts) {
  EXPECT_EQ(judge(with_action(ActionKind::kExit, 1)), "");
  EXPECT_EQ(judge(with_action(ActionKind::kExit, 0)), "clause 0 action 0: wrong number of arguments");
  EXPECT_EQ(judge(with_action(ActionKind::kExit, 2)), "clause 0 action 0: wrong number of arguments");
  EXPECT_EQ(judge(with_action(static_cast<ActionKind>(0x999))), "clause 0 action 0: unknown action 2457");
  Program program = with_action(ActionKind::kExit, 1);
  first_action(program).arg_kinds.clear();
  EXPECT_THAT(judge(program), HasSubstr("argument kinds do not match"));
  program = with_action(ActionKind::kExit, 1);
  first_action(program).arg_kinds = {ActionKind::kPrintf};
  EXPECT_THAT(judge(program), HasSubstr("argument 0: invalid kind 3"));
  program = with_action(ActionKind::kExit, 1);
  first_action(program).args[0].rtype = Type::none();
  EXPECT_THAT(judge(program), HasSubstr("has no value"));
}

TEST(VerifyProgram, Branches) {
  Program program = with_action(ActionKind::kBranchFalse, 1);
  first_action(program).target = 1;
  EXPECT_EQ(judge(program), "");
  first_action(program).target = 0;
  EXPECT_EQ(judge(program), "clause 0 action 0: invalid branch target 0");
  first_action(program).target = 2;
  EXPECT_EQ(judge(program), "clause 0 action 0: invalid branch target 2");
}

TEST(VerifyProgram, Formats) {
  Program program = with_action(ActionKind::kPrintf, 1);
  EXPECT_THAT(judge(program), HasSubstr("no format"));
  Action& printf = first_action(program);
  printf.has_format = true;
  printf.format = "%d";
  EXPECT_EQ(judge(program), "");
  printf.format = "%*d";
  EXPECT_THAT(judge(program), HasSubstr("format needs 2 arguments"));
  printf.format = "%y";
  EXPECT_THAT(judge(program), HasSubstr("format conversion #1 is undefined: %y"));
  printf.format = "%@d";
  EXPECT_THAT(judge(program), HasSubstr("requires an aggregation"));
}

TEST(VerifyProgram, SizesAndFrames) {
  Program program = with_action(ActionKind::kTracemem, 1);
  for (uint64_t bad : {uint64_t{0}, uint64_t{65537}}) {
    first_action(program).param = bad;
    EXPECT_THAT(judge(program), HasSubstr("invalid size"));
  }
  first_action(program).param = 65536;
  EXPECT_EQ(judge(program), "");
  program = with_action(ActionKind::kUstack);
  EXPECT_THAT(judge(program), HasSubstr("invalid number of frames 0"));
  first_action(program).param = 1024 | uint64_t{65536} << 32;
  EXPECT_EQ(judge(program), "");
  first_action(program).param = 1025;
  EXPECT_THAT(judge(program), HasSubstr("invalid number of frames 1025"));
  first_action(program).param = 1 | uint64_t{65537} << 32;
  EXPECT_THAT(judge(program), HasSubstr("invalid string size"));
}

TEST(VerifyProgram, Strsize) {
  Program program = base_program();
  for (const char* good : {"1", "256", "64k", "0x100", "1K"}) {
    program.options["strsize"] = good;
    EXPECT_EQ(judge(program), "") << good;
  }
  for (const char* bad : {"", "0", "65537", "65k", "1t", "17592186044416t", "x", "-1", "12q", "1kk"}) {
    program.options["strsize"] = bad;
    EXPECT_THAT(judge(program), HasSubstr("strsize")) << bad;
  }
}

TEST(VerifyProgram, RecordsAreBounded) {
  Program program = with_action(ActionKind::kPrintf, 200);
  program.options["strsize"] = "64k";
  first_action(program).has_format = true;
  for (Difo& difo : first_action(program).args) difo.rtype = Type::string();
  EXPECT_EQ(judge(program), "clause 0: the record is too large");
}

Program with_aggregation(ActionKind function, size_t arguments, uint32_t keys) {
  Program program = with_action(function, arguments);
  AggregationDef def;
  def.id = 1;
  def.name = "a";
  def.function = function;
  def.keys.assign(keys, i64());
  program.aggregations = {def};
  first_action(program).aggs = {1};
  first_action(program).keys = keys;
  return program;
}

TEST(VerifyProgram, Aggregations) {
  EXPECT_EQ(judge(with_aggregation(ActionKind::kCount, 2, 2)), "");
  EXPECT_EQ(judge(with_aggregation(ActionKind::kQuantize, 3, 1)), "");
  EXPECT_THAT(judge(with_aggregation(ActionKind::kCount, 3, 2)), HasSubstr("wrong number of arguments"));
  EXPECT_THAT(judge(with_aggregation(ActionKind::kSum, 2, 2)), HasSubstr("wrong number of arguments"));
  EXPECT_THAT(judge(with_aggregation(ActionKind::kCount, 1, 2)), HasSubstr("invalid number of keys"));
  Program program = with_aggregation(ActionKind::kCount, 0, 0);
  first_action(program).aggs = {2};
  EXPECT_THAT(judge(program), HasSubstr("invalid aggregation 2"));
  program = with_aggregation(ActionKind::kCount, 0, 0);
  program.aggregations[0].function = ActionKind::kAvg;
  EXPECT_THAT(judge(program), HasSubstr("another function"));
  program = with_aggregation(ActionKind::kLquantize, 1, 0);
  EXPECT_THAT(judge(program), HasSubstr("lquantize without levels"));
  program.aggregations[0].param = encode_lquantize({.base = 0, .levels = 3, .step = 0});
  EXPECT_THAT(judge(program), HasSubstr("a step of 0"));
  program.aggregations[0].param = encode_lquantize({.base = 0, .levels = 3, .step = 1});
  EXPECT_EQ(judge(program), "");
  program = with_aggregation(ActionKind::kLlquantize, 1, 0);
  EXPECT_THAT(judge(program), HasSubstr("llquantize with invalid parameters"));
}

TEST(VerifyProgram, AllBinsOfAnAggregationHaveOneShape) {
  Program program = with_aggregation(ActionKind::kCount, 1, 1);
  program.clauses.push_back(program.clauses[0]);
  EXPECT_EQ(judge(program), "");
  program.clauses[1].actions[0].args[0].rtype = Type::integer(4, true, "int");
  EXPECT_EQ(judge(program), "clause 1 action 0: keys differ from earlier ones of the same aggregation");
}

TEST(VerifyProgram, DestructiveCodeMustBeDeclared) {
  Program program = with_action(ActionKind::kRaise, 1);
  EXPECT_THAT(judge(program), HasSubstr("not marked destructive"));
  program.destructive = true;
  EXPECT_EQ(judge(program), "");
  program = with_action(ActionKind::kDifexpr, 1);
  first_action(program).args[0] = code("pushtv 0, %r1\npushtv 0, %r1\npushtv 0, %r1\ncall copyout, %r1\nret %r1");
  EXPECT_THAT(judge(program), HasSubstr("not marked destructive"));
}

TEST(VerifyProgram, LinkedProgramsAreJudgedAsLinked) {
  Program program = with_action(ActionKind::kDifexpr, 1);
  first_action(program).args[0] = code("uload [%r1], %r2\nret %r2");
  EXPECT_EQ(judge(program, Stage::kCompiled), "");
  program.linked = true;
  EXPECT_THAT(judge(program, Stage::kCompiled), HasSubstr("invalid opcode"));
}

TEST(VerifyProgram, LibraryActions) {
  Program program = with_aggregation(ActionKind::kCount, 0, 0);
  Action trunc;
  trunc.kind = ActionKind::kLibact;
  trunc.libact = Libact::kTrunc;
  trunc.aggs = {1};
  program.clauses[0].actions.push_back(trunc);
  EXPECT_EQ(judge(program), "");
  program.clauses[0].actions[1].aggs.clear();
  EXPECT_THAT(judge(program), HasSubstr("wrong number of aggregations"));
  program.clauses[0].actions[1].libact = static_cast<Libact>(77);
  EXPECT_THAT(judge(program), HasSubstr("unknown library action 77"));
}

PrintType print_type(CKind kind, uint32_t size) {
  PrintType type;
  type.ckind = kind;
  type.size = size;
  type.name = "t";
  return type;
}

TEST(VerifyProgram, PrintTypes) {
  Program program = base_program();
  PrintType array = print_type(CKind::kArray, 8), record = print_type(CKind::kStruct, 16);
  array.element = 1;
  array.count = 2;
  record.members = {{"a", 1, 0, 0, 0}, {"b", 2, 8, 0, 0}, {"c", 1, 12, 5, 3}};
  const std::vector<PrintType> good = {print_type(CKind::kInteger, 4), array, record};
  program.print_types = good;
  EXPECT_EQ(judge(program), "");

  const auto spoiled = [&](auto&& spoil) {
    program.print_types = good;
    spoil(program.print_types);
    return judge(program);
  };
  EXPECT_THAT(spoiled([](auto& t) { t[2].members[1].type = 3; }), HasSubstr("refers to a later type"));
  EXPECT_THAT(spoiled([](auto& t) { t[2].members[1].type = 0; }), HasSubstr("refers to a later type"));
  EXPECT_THAT(spoiled([](auto& t) { t[1].element = 2; }), HasSubstr("refers to a later type"));
  EXPECT_THAT(spoiled([](auto& t) { t[2].members[1].offset = 9; }), HasSubstr("lies outside its type"));
  EXPECT_THAT(spoiled([](auto& t) { t[2].members[2].bits = 60; }), HasSubstr("lies outside its type"));
  EXPECT_THAT(spoiled([](auto& t) { t[1].count = 3; }), HasSubstr("elements lie outside"));
  EXPECT_THAT(spoiled([](auto& t) { t[0].size = 9; }), HasSubstr("invalid size"));
  program.print_types = good;
  Action action;
  action.kind = ActionKind::kPrint;
  action.args = {code("setx 1, %r1\nret %r1")};
  action.args[0].rtype = i64();
  action.arg_kinds = {ActionKind::kDifexpr};
  action.arg_params = {0};
  action.param = 4;
  program.clauses[0].actions = {action};
  EXPECT_THAT(judge(program), HasSubstr("invalid type 4"));
}

}  // namespace
}  // namespace ht::dif
