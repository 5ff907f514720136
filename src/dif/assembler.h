// Text and back. The disassembly is DTrace's own listing format (reference, sections 8.7 and 12.9); the assembler reads
// the same mnemonics and operands, for data-driven tests.
#pragma once

#include <string>

#include "dif/program.h"

namespace ht::dif {

std::string disassemble_instruction(Instr instruction, const Difo& difo, const Program* program);
// One DIFO as `dtrace -S` prints it.
std::string disassemble(const Difo& difo, const Program* program);
// Every DIFO of the program, in order: each clause's predicate, then its actions' arguments.
std::string disassemble(const Program& program);

// Lines of "mnemonic operands" with labels as "name:" lines and as branch operands; ';' starts a comment.
// `setx VALUE, %r1` and `sets "text", %r1` fill the tables; variables as numbers or `DT_VAR(N)`; call by name or
// number. Also read: what the disassembler prints for operands (DT_INTEGER[N] and DT_STRING[N] are indices taken as
// they are), '!' comments, and a bare name as the symbol of usetx and typecast. The result type is int64_t: the caller
// changes it. The error's pos.line is the offending line.
Result<Difo> assemble(std::string_view text);

}  // namespace ht::dif
