// The files of cases for DIF (*.cases beside this one): what runs, from which state, and what must come of it. Nothing
// here knows who judges: the verifier and the interpreter do (judge.h), and whatever else runs DIF may.
//
// A file is lines; '#' begins a comment line. Three forms of a case:
//
//   sdiv -7, 2 = -3                 one instruction on registers: its operands, then the result. Loads: the address.
//                                   Conditional branches: two operands are compared; 1 if it is taken.
//   cmp -1, 1 taken bne bl ble bgu  one comparison, and which of the branches are taken after it
//   strjoin("a", "b") = "ab"        one call
//   case allocs: is zeroed          a case of several lines, named by the instruction or subroutine that it is about;
//     %r1 = 16                      indented: state before the text (numbers, "text" for a string's address)
//     push 5                        elements on the tuple stack
//     variable thread 0x500 int[int64_t,string]      (also: global, local; string; struct N, an object of N bytes)
//     | allocs %r1, %r2             the text; labels as in the assembler; `word N` is a raw instruction
//     | ret %r2
//     returns string                type of the result; int64_t if it does not say
//     = 0                           what must come of it
//
// What must come of it: "= NUMBER", "= "TEXT"", "= NULL"; "fault NAME [ADDRESS] [at N]", where N is the index of the
// faulting instruction in the case's own text and ADDRESS may be * for any; "refused DIAGNOSTIC" of the verifier.
//
// Between cases, "memory ADDRESS BYTES" and "user ADDRESS BYTES" put bytes ("text" or 01 02 ...; "* N" behind repeats
// them) into the kernel's and the process's memory for all cases below, and "option NAME VALUE" sets an option for
// them. In texts \n \t \" \\ and \xNN are known.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "dif/program.h"

namespace ht::dif::cases {

struct Operand {
  bool is_text = false;
  std::string text;  // a number as it is written, or the text
};

struct Expectation {
  enum class Kind { kNone, kNumber, kText, kNull, kFault, kRefused, kTaken } kind = Kind::kNone;
  uint64_t number = 0;
  std::string text;  // kText; kRefused: the diagnostic
  dif::Fault fault = dif::Fault::kNone;
  std::optional<uint64_t> address = 0;  // none: any
  std::optional<uint32_t> at;
  std::vector<std::string> taken;
};

struct MemoryBytes {
  bool user = false;
  uint64_t address = 0;
  std::string bytes;
};

struct Case {
  std::string file;
  unsigned line = 0;
  std::string name;   // as written
  std::string about;  // mnemonic or subroutine
  std::vector<std::pair<unsigned, Operand>> registers;
  std::vector<Operand> pushes;
  std::vector<VariableDef> variables;
  std::vector<std::string> text;
  Type type;
  Expectation expected;
  std::vector<MemoryBytes> memory;
  std::map<std::string, std::string> options;
};

Result<std::vector<Case>> read_cases(const std::string& path);

// The case's text behind the instructions that make its state. `prologue` is how many those are.
Result<Difo> assemble_case(const Case& c, uint32_t* prologue);
// The same, followed by a branch: 1 if it is taken, else 0.
Result<Difo> assemble_branch(const Case& c, const std::string& mnemonic);

}  // namespace ht::dif::cases
