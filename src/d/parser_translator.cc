// The grammar of translators and providers (reference, sections 2.1, 2.6, 2.7).
#include <fmt/format.h>

#include "d/parser.h"

namespace ht::d {

// "} ;", after which the outer level begins again.
Result<void> Parser::end_of_definition() {
  RETURN_IF_ERROR(expect(Tok::kRBrace));
  if (!token_.is(Tok::kSemicolon)) return syntax_error("syntax error", "expected ;");
  context_ = Context::kOuter;
  return advance();
}

Result<External> Parser::translator_definition() {
  TranslatorDefinition result;
  RETURN_IF_ERROR(advance());
  result.pos = token_.pos;
  ASSIGN_OR_RETURN(result.output, type_name());
  RETURN_IF_ERROR(expect(Tok::kLt));
  ASSIGN_OR_RETURN(result.input.specifiers, specifiers(StorageRule::kParameter));
  if (!result.input.specifiers.has_type()) return syntax_error("syntax error", "expected a type");
  ASSIGN_OR_RETURN(result.input.declarator, declarator(false));
  RETURN_IF_ERROR(expect(Tok::kGt));
  RETURN_IF_ERROR(expect(Tok::kLBrace));
  parameters_.push_back(result.input.declarator.name);
  while (!token_.is(Tok::kRBrace)) {
    if (!token_.is(Tok::kIdent)) return syntax_error("syntax error", "expected a member's name or }");
    TranslatorDefinition::Item item;
    item.member = token_.text;
    item.pos = token_.pos;
    RETURN_IF_ERROR(advance());
    RETURN_IF_ERROR(expect(Tok::kAssign));
    ASSIGN_OR_RETURN(item.value, assignment());
    RETURN_IF_ERROR(expect(Tok::kSemicolon));
    result.items.push_back(std::move(item));
  }
  parameters_.clear();
  RETURN_IF_ERROR(end_of_definition());
  return External(std::move(result));
}

Result<TypeStep> Parser::probe_arguments() {
  if (!token_.is(Tok::kLParen)) return syntax_error("syntax error", "expected the probe's arguments");
  RETURN_IF_ERROR(advance());
  return parameter_step(TypeStep::kFunction, Tok::kRParen);
}

Result<External> Parser::provider_definition() {
  ProviderDefinition result;
  RETURN_IF_ERROR(advance());
  if (!token_.is(Tok::kIdent)) return syntax_error("syntax error", "expected the provider's name");
  result.name = token_.text;
  result.pos = token_.pos;
  RETURN_IF_ERROR(advance());
  RETURN_IF_ERROR(expect(Tok::kLBrace));
  while (!token_.is(Tok::kRBrace)) {
    if (!token_.is(Kw::kProbe)) return syntax_error("syntax error", "expected probe or }");
    RETURN_IF_ERROR(advance());
    if (!token_.is(Tok::kIdent)) return syntax_error("syntax error", "expected the probe's name");
    ProviderDefinition::Probe probe;
    probe.name = token_.text;
    probe.pos = token_.pos;
    RETURN_IF_ERROR(advance());
    ASSIGN_OR_RETURN(probe.native, probe_arguments());
    if (token_.is(Tok::kColon)) {
      RETURN_IF_ERROR(advance());
      ASSIGN_OR_RETURN(TypeStep translated, probe_arguments());
      probe.translated = std::move(translated);
    }
    RETURN_IF_ERROR(expect(Tok::kSemicolon));
    result.probes.push_back(std::move(probe));
  }
  RETURN_IF_ERROR(end_of_definition());
  return External(std::move(result));
}

}  // namespace ht::d
