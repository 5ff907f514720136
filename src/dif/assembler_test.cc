#include "dif/assembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ht::dif {
namespace {

using ::testing::HasSubstr;

Difo must(std::string_view text) {
  Result<Difo> result = assemble(text);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.error().message);
  return result.ok() ? result.value() : Difo{};
}

// The operands column of one assembled instruction.
std::string listed(std::string_view line, const Program* program = nullptr) {
  const Difo difo = must(line);
  return difo.text.empty() ? "" : disassemble_instruction(difo.text[0], difo, program);
}

TEST(Disassembler, EveryGroupOfTheReference) {
  EXPECT_EQ(listed("or %r1, %r2, %r3"), "or   %r1, %r2, %r3");
  EXPECT_EQ(listed("mov %r1, %r3"), "mov  %r1, %r3");
  EXPECT_EQ(listed("scmp %r1, %r2"), "scmp %r1, %r2");
  EXPECT_EQ(listed("tst %r1"), "tst  %r1");
  EXPECT_EQ(listed("bgeu 12"), "bgeu 12");
  EXPECT_EQ(listed("uldub [%r1], %r2"), "uldub [%r1], %r2");
  EXPECT_EQ(listed("stx %r1, [%r2]"), "stx  %r1, [%r2]");
  EXPECT_EQ(listed("ret %r1"), "ret  %r1");
  EXPECT_EQ(listed("flushts"), "flushts");
  EXPECT_EQ(listed("setx 0x2a, %r1"), "setx DT_INTEGER[0], %r1\t\t! 0x2a");
  EXPECT_EQ(listed("sets \"a\\nb\", %r1"), "sets DT_STRING[1], %r1\t\t! \"a\\nb\"");
  EXPECT_EQ(listed("ldga 0, %r2, %r1"), "ldga DT_VAR(0), %r2, %r1\t\t! DT_VAR(0) = \"args\"");
  EXPECT_EQ(listed("ldgs 256, %r1"), "ldgs DT_VAR(256), %r1\t\t! DT_VAR(256) = \"curthread\"");
  EXPECT_EQ(listed("stts %r1, 1280"), "stts %r1, DT_VAR(1280)");
  EXPECT_EQ(listed("call strlen, %r1"), "call DIF_SUBR(12), %r1\t\t! strlen");
  EXPECT_EQ(listed("pushtr 1, %r2, %r1"), "pushtr DT_TYPE(1), %r2, %r1\t! DT_TYPE(1) = string");
  EXPECT_EQ(listed("pushtv 0, %r1"), "pushtv DT_TYPE(0), %r1\t\t! DT_TYPE(0) = D type");
  EXPECT_EQ(listed("usetx cred, %r1"), "usetx DT_STRING[1], %r1\t\t! \"cred\"");
  EXPECT_EQ(disassemble_instruction(0xff000000, Difo{}, nullptr), "(illegal opcode)");
}

TEST(Disassembler, EveryInstructionReadsBackAsItself) {
  for (unsigned number = 1; number <= kMaxOp; ++number) {
    const OpInfo& info = kOpInfo[number];
    if (info.mnemonic.empty()) continue;
    Instr instruction = make(static_cast<Op>(number), 3, 5, 6);
    switch (info.format) {
      case Format::kR1Rd:
      case Format::kLoad:
      case Format::kStore:
        instruction = make(static_cast<Op>(number), 3, 0, 6);
        break;
      case Format::kR1R2:
        instruction = make(static_cast<Op>(number), 3, 5, 0);
        break;
      case Format::kR1:
        instruction = make(static_cast<Op>(number), 3, 0, 0);
        break;
      case Format::kRd:
        instruction = make(static_cast<Op>(number), 0, 0, 6);
        break;
      case Format::kNone:
        instruction = make(static_cast<Op>(number), 0, 0, 0);
        break;
      default:
        break;
    }
    const Difo back = must(disassemble_instruction(instruction, Difo{}, nullptr));
    ASSERT_EQ(back.text.size(), 1u) << info.mnemonic;
    EXPECT_EQ(back.text[0], instruction) << info.mnemonic;
  }
}

TEST(Disassembler, ListingNamesTypeAndVariables) {
  Program program;
  VariableDef variable;
  variable.name = "seen";
  variable.id = 0x500;
  variable.scope = Scope::kThread;
  variable.type = Type::integer(4, true, "int");
  program.variables.push_back(variable);
  Difo difo = must("ldts 0x500, %r1\nadd %r1, %r1, %r1\nstts %r1, 0x500\nldgs 0x118, %r1\nret %r1");
  difo.rtype = Type::string();
  const std::string text = disassemble(difo, &program);
  EXPECT_THAT(text, HasSubstr(" returns string (unknown) by ref (size 256)\nOFF OPCODE      INSTRUCTION\n"));
  EXPECT_THAT(text, HasSubstr("\n00: 2c050001    ldts DT_VAR(1280), %r1\t\t! DT_VAR(1280) = \"seen\"\n"));
  EXPECT_THAT(text, HasSubstr("\nNAME             ID   KND SCP FLAG TYPE\n"
                              "seen             1280 scl tls r/w  D type (integer) (size 4)\n"
                              "execname         280  scl glb r    string (unknown) by ref (size 256)\n"));
}

TEST(Disassembler, ProgramIsItsObjectsInOrder) {
  Program program;
  program.options["strsize"] = "1k";
  program.clauses.resize(2);
  program.clauses[1].predicate = must("nop\nret %r0");
  program.clauses[1].actions.resize(1);
  program.clauses[1].actions[0].args = {must("ret %r0"), Difo{}};  // a stack has no code
  program.clauses[1].actions[0].args[0].rtype = Type::string();
  const std::string text = disassemble(program);
  EXPECT_LT(text.find("00: 24000000    nop\n01: 23000000    ret  %r0\n"), text.find("00: 23000000    ret  %r0\n"));
  EXPECT_THAT(text, HasSubstr("returns string (unknown) by ref (size 1024)"));
  EXPECT_EQ(text.find("returns", text.find("(size 1024)")), std::string::npos);
}

TEST(Assembler, LabelsCommentsAndTables) {
  const Difo difo = must(R"(
    setx 1, %r1        ; a comment
    setx 1, %r2        ! another
    sets "a;b!", %r3
    tst %r1
    be done
    nop
  done:
    ret %r1
  )");
  ASSERT_EQ(difo.text.size(), 7u);
  EXPECT_EQ(label_of(difo.text[4]), 6u);
  EXPECT_EQ(difo.ints, std::vector<uint64_t>{1}) << "equal integers share an entry";
  EXPECT_EQ(difo.strings, std::string("\0a;b!\0", 6));
}

TEST(Assembler, ErrorsNameTheLine) {
  const auto refused = [](std::string_view text) {
    Result<Difo> result = assemble(text);
    return result.ok() ? "accepted" : std::to_string(result.error().pos.line) + " " + result.error().message;
  };
  EXPECT_EQ(refused("nop\nfrob %r1"), "2 unknown instruction frob");
  EXPECT_EQ(refused("add %r1, %r2"), "1 too few operands");
  EXPECT_EQ(refused("ret %r1, %r2"), "1 too many operands");
  EXPECT_EQ(refused("ldx %r1, %r2"), "1 bad address \"%r1\"");
  EXPECT_EQ(refused("\n\nba nowhere"), "3 bad label \"nowhere\"");
  EXPECT_EQ(refused("a:\na:\n"), "2 label a: is defined twice");
  EXPECT_EQ(refused("sets \"open, %r1"), "1 bad string \"\"open, %r1\"");
}

}  // namespace
}  // namespace ht::dif
