// The interfaces that a program uses, how stable they are, and what #pragma D attributes, binding and depends_on say
// about them (reference, sections 1.12 and 8.6).
//
// Stability is of names, so it is taken from checked expressions: use() walks one, finds the least stable part, and
// holds it against the option amin. What an inline is made of does not count, only what the inline itself is.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "d/ast.h"
#include "d/diagnostics.h"
#include "d/symbols.h"
#include "dif/stability.h"

namespace ht::d {

// The least stable of everything that one source uses.
struct SourceStability {
  dif::Attributes statements = dif::kMostStable;
  bool any = false;  // there was a clause
};

class Interfaces {
 public:
  // Finds out about probes and modules; a function that is empty knows nothing, and then everything is believed.
  struct World {
    std::function<std::vector<std::string>(const dif::ProbeDesc&)> providers_of;  // of the probes that match
    std::function<bool(std::string_view)> has_provider, has_module;
  };

  Interfaces(const SymbolTable& symbols, const std::map<std::string, std::string>& options, World world)
      : symbols_(symbols), options_(options), world_(std::move(world)) {}

  // Sources, one after the other. What was declared in an earlier one is not this one's to change.
  void begin_source(bool is_library);
  Result<void> end_source() const;  // a pragma that nothing answers to

  // The pragmas, after their arguments have been told apart.
  Result<void> pragma_attributes(std::string_view attributes, std::string_view name, const Pos& pos);
  Result<void> pragma_provider_attributes(std::string_view attributes, std::string_view provider,
                                          std::string_view component, const Pos& pos);
  Result<void> pragma_binding(std::string_view version, std::string_view name, const Pos& pos);
  // Whether the version that is asked for has the translator that comes now. What bound it is used up.
  bool next_translator_is_visible();
  Result<void> pragma_depends_on(std::string_view kind, std::string_view name, const Pos& pos) const;
  // A new value of the option version. The error's message is DTrace's text without more.
  Result<void> restrict_version(std::string_view version);

  // Whether the option version, or a binding above it, keeps `name` from being seen. Asking is using.
  bool hidden(std::string_view name);
  // A typedef, tag, translator or provider was declared: symbols that SymbolTable does not know.
  void declared(std::string_view name) { declared_.emplace(name); }

  // A clause begins: its descriptions are used.
  Result<void> use(const std::vector<dif::ProbeDesc>& probes, const Pos& pos);
  // A checked expression of the clause is used.
  Result<void> use(const Expr& checked);
  void clause_ended();

  dif::Attributes description(const dif::ProbeDesc& probe) const;
  dif::ProviderAttributes provider(const dif::ProbeDesc& probe) const;
  const SourceStability& source() const { return source_; }
  const dif::Providers& providers() const { return providers_; }

 private:
  struct Pending {
    std::string_view pragma;
    Pos pos;
  };
  std::optional<dif::Attributes> least() const;  // the option amin
  Result<void> check_scope(std::string_view pragma, std::string_view name, const Pos& pos) const;
  bool is_declared(std::string_view name) const;
  Result<dif::Attributes> attributes_of(const Expr& checked, const std::optional<dif::Attributes>& wanted,
                                        bool inside_inline) const;
  dif::Attributes own_attributes(const Expr& checked) const;

  const SymbolTable& symbols_;
  const std::map<std::string, std::string>& options_;
  World world_;
  dif::Providers providers_;
  std::map<std::string, dif::Attributes, std::less<>> attributes_;
  std::map<std::string, dif::Version, std::less<>> bindings_;
  std::map<std::string, Pending, std::less<>> pending_;
  std::set<std::string, std::less<>> declared_, earlier_;
  dif::Version version_ = dif::kLatestVersion;
  dif::Version newest_used_ = 0;
  bool is_library_ = false;
  dif::ProviderAttributes clause_provider_;  // of the probes of the clause at hand
  SourceStability source_;
};

}  // namespace ht::d
