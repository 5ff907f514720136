// The compiler's passes, for one source after the other: scan and parse it, taking its declarations as they come; then
// analyse each of its clauses and generate its code; then the tables of the program.
#include "d/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/hash.h"
#include "d/clause.h"
#include "d/kernel_types.h"
#include "d/lexer.h"
#include "d/parser.h"
#include "d/pragma.h"
#include "d/sema.h"
#include "dif/verify.h"

namespace ht::d {
namespace {

std::string_view region_name(Region region) {
  switch (region) {
    case Region::kPredicate:
      return "in predicate: ";
    case Region::kActions:
      return "in action list: ";
    case Region::kNone:
      break;
  }
  return "";
}

std::string where(const SourceText& source, const Error& error, Region region) {
  if (!error.pos.known()) return "";
  if (!source.is_file && error.pos.file.empty()) return std::string(region_name(region));
  if (error.pos.file == source.name) return fmt::format("line {}: ", error.pos.line);
  return fmt::format("\"{}\", line {}: ", error.pos.file, error.pos.line);
}

std::vector<dif::VariableDef> variable_table(const SymbolTable& symbols) {
  std::vector<dif::VariableDef> table;
  for (const Variable& variable : symbols.variables()) {
    dif::VariableDef& entry = table.emplace_back();
    entry.name = variable.name;
    entry.id = variable.id;
    entry.scope = variable.scope;
    entry.kind = variable.is_array ? dif::VarKind::kArray : dif::VarKind::kScalar;
    entry.type = to_dif(variable.type);
    for (TypeRef key : variable.keys) entry.keys.push_back(to_dif(key));
    entry.pos = variable.pos.source();
  }
  return table;
}

std::vector<dif::AggregationDef> aggregation_table(const SymbolTable& symbols) {
  std::vector<dif::AggregationDef> table;
  for (const Aggregation& aggregation : symbols.aggregations()) {
    dif::AggregationDef& entry = table.emplace_back();
    entry.name = aggregation.name;
    entry.id = aggregation.id;
    entry.function = aggregation.function;
    entry.param = aggregation.param;
    for (TypeRef key : aggregation.keys) entry.keys.push_back(to_dif(key));
  }
  return table;
}

// What lives as long as one call of compile(): the names that later sources can use.
struct Compilation {
  explicit Compilation(const CompileOptions& given)
      : options(given),
        macros(given),
        types(dif::option_number(given.options, "strsize"), given.ilp32),
        interfaces(symbols, program.options, {given.providers_of, given.has_provider, given.has_module}),
        sema(types, symbols, program.options) {
    program.files.emplace_back();
    program.options = given.options;
    sema.set_interfaces(&interfaces);
    const auto target = given.macro_values.find("target");
    symbols.set_has_target(target != given.macro_values.end() && target->second != 0);
    if (given.kernel != nullptr) types.set_kernel(&kernel.emplace(types, *given.kernel));
  }

  const CompileOptions& options;
  FileNames files;
  MacroTable macros;
  TypeTable types;
  std::optional<KernelTypes> kernel;
  SymbolTable symbols;
  dif::Program program;
  Interfaces interfaces;
  Sema sema;
  StabilityReport stability;
  Pos end;  // of the source that was read last
};

struct Place {
  Region region = Region::kNone;
};

Result<void> compile_external(Compilation& c, External& external, size_t source, Place& place) {
  c.types.set_string_size(dif::option_number(c.program.options, "strsize"));  // a pragma may have changed it
  if (auto* declaration = std::get_if<Declaration>(&external)) {
    for (const Declarator& declarator : declaration->declarators) c.interfaces.declared(declarator.name);
    if (declaration->specifiers.tagged.has_value()) c.interfaces.declared(declaration->specifiers.tag);
    return c.sema.declare(*declaration);
  }
  if (auto* definition = std::get_if<InlineDefinition>(&external)) return c.sema.define_inline(*definition);
  const auto& syntax = std::get<ClauseSyntax>(external);
  constexpr uint64_t kLeastRegisters = 8;  // what code is generated for
  if (dif::option_number(c.program.options, "iregs") < kLeastRegisters) {
    return fail(Tag::D_NOREG, Pos{}, "Insufficient registers to generate code");
  }
  place.region = Region::kNone;
  RETURN_IF_ERROR(c.interfaces.use(syntax.probes, syntax.pos));
  ASSIGN_OR_RETURN(dif::Clause clause,
                   compile_clause(syntax, c.sema, c.program.options, c.program.files, place.region));
  c.interfaces.clause_ended();
  clause.source = static_cast<uint32_t>(source);
  c.program.destructive = c.program.destructive || is_destructive(clause);
  c.program.clauses.push_back(std::move(clause));
  return {};
}

ParserRules rules_for(Compilation& c, const SourceText& source) {
  ParserRules rules;
  rules.is_file = source.is_file;
  rules.hypertrace = c.options.hypertrace;
  rules.pspec = option_set(c.program.options, "pspec");
  rules.context = source.context;
  rules.is_variable = [&c](std::string_view name) { return !c.symbols.kind_of(name).empty(); };
  // What is not a type of the program is asked of the kernel, which takes time, only if it can be nothing else.
  rules.is_type = [&c](std::string_view name) {
    if (c.symbols.variable(dif::Scope::kGlobal, name) != nullptr) return false;
    if (c.types.find_declared(name) != nullptr) return true;
    return c.sema.taken_by(name).empty() && c.types.find(name) != nullptr;
  };
  rules.unknown_types = c.types.kernel() == nullptr;
  rules.default_arguments = [&c] { return c.options.defaultargs || option_set(c.program.options, "defaultargs"); };
  return rules;
}

// What the parser finds although it is no matter of syntax: DTrace finds it later, when it knows the region.
bool is_of_meaning(const Error& error) {
  return error.tag == tag_name(Tag::D_AGG_MDIM) || error.tag == tag_name(Tag::D_OP_IDENT);
}

// Declarations count as they are read, because how the rest is read depends on them; clauses are understood when all
// has been read, so they may use what is declared below them.
Result<void> compile_source(Compilation& c, const SourceText& source, size_t index, Place& place) {
  Lexer lexer(source.text, source.is_file ? std::string_view(source.name) : std::string_view(), c.files, c.macros,
              Controls{c.program.options, c.interfaces});
  Parser parser(lexer, c.macros, rules_for(c, source));
  bool empty = true;
  c.interfaces.begin_source(false);
  std::vector<External> clauses;
  for (;;) {
    Result<std::optional<External>> external = parser.next();
    if (!external.ok()) {
      if (is_of_meaning(external.error())) place.region = parser.region();
      return std::move(external).error();
    }
    if (!external->has_value()) break;
    empty = false;
    if (std::holds_alternative<ClauseSyntax>(**external)) {
      clauses.push_back(std::move(**external));
    } else {
      RETURN_IF_ERROR(compile_external(c, **external, index, place));
    }
  }
  for (External& clause : clauses) RETURN_IF_ERROR(compile_external(c, clause, index, place));
  c.end = lexer.pos();
  c.end.column = 0;
  if (empty && !c.options.empty && !option_set(c.program.options, "empty")) {
    return fail(Tag::D_EMPTY, c.end, "empty D program translation unit");
  }
  RETURN_IF_ERROR(c.interfaces.end_source());
  c.stability.statements.push_back(c.interfaces.source().statements);
  return {};
}

dif::Source describe(const SourceText& source) {
  return {source.name, source.is_file, sha256_hex(as_bytes(source.text))};
}

}  // namespace

CompileResult compile(const std::vector<SourceText>& sources, const CompileOptions& options) {
  CompileResult result;
  Compilation c(options);
  if (auto version = options.options.find("version"); version != options.options.end()) {
    Result<void> restricted = c.interfaces.restrict_version(version->second);
    if (!restricted.ok()) {
      result.errors.push_back({std::move(restricted).error(), 0, ""});
      return result;
    }
  }
  for (size_t i = 0; i < sources.size(); i++) {
    c.program.sources.push_back(describe(sources[i]));
    Place place;
    Result<void> compiled = compile_source(c, sources[i], i, place);
    if (!compiled.ok()) {
      std::string prefix = where(sources[i], compiled.error(), place.region);
      result.errors.push_back({std::move(compiled).error(), i, std::move(prefix)});
      result.program.options = std::move(c.program.options);
      return result;
    }
  }
  if (!options.argref && !option_set(c.program.options, "argref")) {
    Result<void> used = c.macros.check_all_referenced(c.end);
    if (!used.ok()) {
      size_t last = sources.empty() ? 0 : sources.size() - 1;
      std::string prefix = sources.empty() ? "" : where(sources[last], used.error(), Region::kNone);
      result.errors.push_back({std::move(used).error(), last, std::move(prefix)});
      result.program.options = std::move(c.program.options);
      return result;
    }
  }
  c.program.variables = variable_table(c.symbols);
  c.program.aggregations = aggregation_table(c.symbols);
  // The verifier's limits are also the compiler's: a program that nobody would load is refused here, with its reason.
  Result<void> verified = dif::verify(c.program, dif::Stage::kCompiled);
  if (!verified.ok()) {
    Error error = std::move(verified).error();
    error.tag = tag_name(Tag::D_UNKNOWN);
    result.errors.push_back({std::move(error), sources.empty() ? 0 : sources.size() - 1, ""});
    result.program.options = std::move(c.program.options);
    return result;
  }
  result.stability = std::move(c.stability);
  result.stability.providers = c.interfaces.providers();
  result.program = std::move(c.program);
  return result;
}

}  // namespace ht::d
