// The compiler's passes, for one source after the other: scan and parse it, taking its declarations as they come; then
// analyse each of its clauses and generate its code; then the tables of the program.
#include "d/compile.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/deep_stack.h"
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

// Trees are at most kMaxDepth deep; each level takes some functions of some kilobytes, twice that under a sanitizer.
constexpr size_t kCompilerStack = size_t{1} << 28;

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

ParserRules rules_for(Compilation& c, const SourceText& source);

Result<void> compile_external(Compilation& c, External& external, size_t source, Place& place) {
  c.types.set_string_size(dif::option_number(c.program.options, "strsize"));  // a pragma may have changed it
  if (auto* declaration = std::get_if<Declaration>(&external)) {
    for (const Declarator& declarator : declaration->declarators) c.interfaces.declared(declarator.name);
    if (declaration->specifiers.tagged.has_value()) c.interfaces.declared(declaration->specifiers.tag);
    return c.sema.declare(*declaration);
  }
  if (auto* definition = std::get_if<InlineDefinition>(&external)) return c.sema.define_inline(*definition);
  if (auto* definition = std::get_if<TranslatorDefinition>(&external)) {
    c.interfaces.declared("translator");  // what pragmas call the next one
    if (!c.interfaces.next_translator_is_visible()) return {};
    return c.sema.define_translator(*definition);
  }
  if (auto* definition = std::get_if<ProviderDefinition>(&external)) {
    c.interfaces.declared(definition->name);
    return c.sema.define_provider(*definition);
  }
  const auto& syntax = std::get<ClauseSyntax>(external);
  constexpr uint64_t kLeastRegisters = 8;  // what code is generated for
  if (dif::option_number(c.program.options, "iregs") < kLeastRegisters) {
    return fail(Tag::D_NOREG, Pos{}, "Insufficient registers to generate code");
  }
  place.region = Region::kNone;
  RETURN_IF_ERROR(c.interfaces.use(syntax.probes, syntax.pos));
  c.sema.set_probes(&syntax.probes);
  Result<dif::Clause> compiled = compile_clause(syntax, c.sema, c.program.options, c.program.files, place.region);
  c.sema.set_probes(nullptr);
  if (!compiled.ok()) return std::move(compiled).error();
  dif::Clause clause = std::move(*compiled);
  c.interfaces.clause_ended();
  clause.source = static_cast<uint32_t>(source);
  c.program.destructive = c.program.destructive || is_destructive(clause);
  c.program.clauses.push_back(std::move(clause));
  return {};
}

// Types, inlines, translators and providers of a library stay; clauses in it are compiled and come to nothing.
Result<void> compile_library(Compilation& c, const LibraryText& library) {
  c.sema.set_trusted(library.trusted);
  c.interfaces.begin_source(true);
  Lexer lexer(library.text, library.name, c.files, c.macros, Controls{c.program.options, c.interfaces});
  SourceText source{library.name, "", true, DescContext::kName};
  Parser parser(lexer, c.macros, rules_for(c, source));
  Result<void> result;
  size_t clauses = c.program.clauses.size();
  for (Place place; result.ok();) {
    Result<std::optional<External>> external = parser.next();
    if (!external.ok()) {
      result = std::move(external).error();
    } else if (!external->has_value()) {
      break;
    } else {
      result = compile_external(c, **external, 0, place);
    }
  }
  c.program.clauses.resize(clauses);
  c.sema.set_trusted(false);
  if (result.ok()) result = c.interfaces.end_source();
  return result;
}

// The error that compiling the libraries ends in, if it does.
std::optional<CompileError> compile_libraries(Compilation& c, const std::vector<SourceText>& sources) {
  if (option_set(c.options.options, "nolibs")) return std::nullopt;
  HasDependency has_dependency;
  if (c.options.has_provider && c.options.has_module) {
    has_dependency = [&c](std::string_view what, std::string_view name) {
      return what == "provider" ? c.options.has_provider(name) : c.options.has_module(name);
    };
  }
  std::vector<std::string_view> texts(c.options.macro_arguments.begin(), c.options.macro_arguments.end());
  for (const SourceText& source : sources) texts.push_back(source.text);
  Result<std::vector<LibraryText>> libraries =
      order_libraries(needed_libraries(c.options.libraries, texts), has_dependency);
  if (!libraries.ok()) return CompileError{std::move(libraries).error(), 0, "", ""};
  for (LibraryText& library : *libraries) {
    Result<void> compiled = compile_library(c, library);
    if (compiled.ok()) continue;
    Error error = std::move(compiled).error();
    std::string prefix = fmt::format("\"{}\", line {}: ", error.pos.file, error.pos.line);
    return CompileError{std::move(error), 0, std::move(prefix), std::move(library.text)};
  }
  return std::nullopt;
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

std::vector<ProbeInterface> probe_interfaces(const std::vector<Provider>& providers, size_t first) {
  std::vector<ProbeInterface> result;
  for (size_t i = first; i < providers.size(); i++) {
    for (const ProviderProbe& probe : providers[i].probes) {
      ProbeInterface& entry = result.emplace_back();
      entry.provider = providers[i].name;
      entry.name = probe.declared_name;
      for (const ProviderArgument& argument : probe.native) entry.arguments.push_back(spell(argument.type));
    }
  }
  return result;
}

dif::Source describe(const SourceText& source) {
  return {source.name, source.is_file, sha256_hex(as_bytes(source.text))};
}

CompileResult compile_here(const std::vector<SourceText>& sources, const CompileOptions& options) {
  CompileResult result;
  Compilation c(options);
  if (auto version = options.options.find("version"); version != options.options.end()) {
    Result<void> restricted = c.interfaces.restrict_version(version->second);
    if (!restricted.ok()) {
      result.errors.push_back({std::move(restricted).error(), 0, ""});
      return result;
    }
  }
  c.sema.set_probe_arguments(options.probe_arguments);
  if (std::optional<CompileError> error = compile_libraries(c, sources)) {
    result.errors.push_back(std::move(*error));
    result.program.options = std::move(c.program.options);
    return result;
  }
  size_t library_providers = c.sema.providers().size();
  for (size_t i = 0; i < sources.size(); i++) {
    c.program.sources.push_back(describe(sources[i]));
    Place place;
    Result<void> compiled = compile_source(c, sources[i], i, place);
    if (!compiled.ok()) {
      std::string prefix = where(sources[i], compiled.error(), place.region);
      result.errors.push_back({std::move(compiled).error(), i, std::move(prefix), ""});
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
  c.program.print_types = c.sema.print_types().take();
  // The verifier's limits are also the compiler's: a program that nobody would load is refused here, with its reason.
  Result<void> verified = dif::verify(c.program, dif::Stage::kCompiled);
  if (!verified.ok()) {
    Error error = std::move(verified).error();
    error.tag = tag_name(Tag::D_UNKNOWN);
    result.errors.push_back({std::move(error), sources.empty() ? 0 : sources.size() - 1, "", ""});
    result.program.options = std::move(c.program.options);
    return result;
  }
  result.stability = std::move(c.stability);
  result.stability.providers = c.interfaces.providers();
  result.probes = probe_interfaces(c.sema.providers(), library_providers);
  result.program = std::move(c.program);
  return result;
}

}  // namespace

CompileResult compile(const std::vector<SourceText>& sources, const CompileOptions& options) {
  CompileResult result;
  if (!on_deep_stack(kCompilerStack, [&] { result = compile_here(sources, options); })) {
    result.errors.push_back({fail(Tag::D_UNKNOWN, Pos{}, "no memory for the compiler's stack"), 0, "", ""});
  }
  return result;
}

}  // namespace ht::d
