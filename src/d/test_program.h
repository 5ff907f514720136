// For the tests of this room: compile a text and look at what came out.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "d/compile.h"
#include "dif/assembler.h"

namespace ht::d::test {

// A command-line program under -E, or a script. With a kernel, it is without -E.
inline CompileResult compile_text(std::string_view text, bool is_file = false, CompileOptions options = {}) {
  options.hypertrace = options.kernel == nullptr;
  if (options.macro_values.empty()) options.macro_values = {{"pid", 4711}, {"target", 17}};
  return compile({{is_file ? "test.d" : std::string(text), std::string(text), is_file, DescContext::kName}}, options);
}

// "" or "TAG line:column message (hint)".
inline std::string error_of(std::string_view text, bool is_file = false, CompileOptions options = {}) {
  CompileResult result = compile_text(text, is_file, std::move(options));
  if (result.ok()) return "";
  const Error& error = result.errors[0].error;
  return fmt::format("{} {}:{} {}", error.tag, error.pos.line, error.pos.column, error.text());
}

// "TAG line:column".
inline std::string place_of(std::string_view text, bool is_file = false) {
  std::string error = error_of(text, is_file);
  return error.substr(0, error.find(' ', error.find(' ') + 1));
}

// One instruction, with what it refers to in the place of the reference: "setx 5, %r1", "usetx cred, %r2".
inline std::string instruction(dif::Instr instr, const dif::Difo& difo) {
  auto text_at = [&](unsigned offset) { return std::string(difo.strings.c_str() + offset); };
  switch (dif::op_of(instr)) {
    case dif::Op::kSetx:
      return fmt::format("setx {}, %r{}", static_cast<int64_t>(difo.ints[dif::index_of(instr)]), dif::rd_of(instr));
    case dif::Op::kSets:
      return fmt::format("sets \"{}\", %r{}", text_at(dif::index_of(instr)), dif::rd_of(instr));
    case dif::Op::kUsetx:
    case dif::Op::kTypecast:
      return fmt::format("{} {}, %r{}", dif::info_of(instr).mnemonic, text_at(dif::index_of(instr)), dif::rd_of(instr));
    default:
      break;
  }
  std::string text = dif::disassemble_instruction(instr, difo, nullptr);
  text = text.substr(0, text.find('\t'));
  std::string result;
  for (char c : text) {
    if (c != ' ' || (!result.empty() && result.back() != ' ')) result += c;
  }
  return result;
}

inline std::vector<std::string> code(const dif::Difo& difo) {
  std::vector<std::string> lines;
  for (dif::Instr instr : difo.text) lines.push_back(instruction(instr, difo));
  return lines;
}

// "1:33 2:40": the lines of the table, by instruction.
inline std::string line_table(const dif::Difo& difo) {
  std::string result;
  for (const dif::LineEntry& entry : difo.lines) {
    result += fmt::format("{}{}@{}:{}", result.empty() ? "" : " ", entry.index, entry.line, entry.column);
  }
  return result;
}

// The program "BEGIN { PREAMBLE trace(EXPRESSION); }".
inline CompileResult traced(std::string_view expression, std::string_view preamble = "") {
  return compile_text(fmt::format("BEGIN {{ {} trace({}); }}", preamble, expression));
}
inline std::string failure(const CompileResult& result) {
  return result.ok() ? "" : fmt::format("{} {}", result.errors[0].error.tag, result.errors[0].error.text());
}
inline std::vector<std::string> value_code(std::string_view expression, std::string_view preamble = "") {
  CompileResult result = traced(expression, preamble);
  if (!result.ok()) return {failure(result)};
  return code(result.program.clauses[0].actions.back().args[0]);
}
// The type that trace() of it records.
inline std::string type_of(std::string_view expression, std::string_view preamble = "") {
  CompileResult result = traced(expression, preamble);
  if (!result.ok()) return failure(result);
  const dif::Type& type = result.program.clauses[0].actions.back().args[0].rtype;
  return type.kind == dif::TypeKind::kUnknown ? "unknown " + type.name : type.name;
}
// "TYPE VALUE" if it is a constant.
inline std::string constant(std::string_view expression) {
  std::vector<std::string> lines = value_code(expression);
  if (lines.size() != 2 || !lines[0].starts_with("setx ")) return fmt::format("{}", fmt::join(lines, "; "));
  return type_of(expression) + " " + lines[0].substr(5, lines[0].find(',') - 5);
}

}  // namespace ht::d::test
