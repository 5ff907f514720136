#include "d/interfaces.h"

#include <fmt/format.h>

#include <algorithm>

#include "d/actions.h"

namespace ht::d {
namespace {

using dif::Attributes;

// Whether the field picks out something: a pattern or nothing at all does not.
bool names_one(const std::string& field) {
  return !field.empty() && field.find_first_of("*?[\\") == std::string::npos;
}

Attributes dif::ProviderAttributes::*part_of(std::string_view builtin) {
  if (builtin == "probeprov") return &dif::ProviderAttributes::provider;
  if (builtin == "probemod") return &dif::ProviderAttributes::module;
  if (builtin == "probefunc") return &dif::ProviderAttributes::function;
  if (builtin == "probename") return &dif::ProviderAttributes::name;
  return builtin == "args" ? &dif::ProviderAttributes::args : nullptr;
}

dif::ProviderAttributes minimum(const dif::ProviderAttributes& a, const dif::ProviderAttributes& b) {
  return {dif::minimum(a.provider, b.provider), dif::minimum(a.module, b.module), dif::minimum(a.function, b.function),
          dif::minimum(a.name, b.name), dif::minimum(a.args, b.args)};
}

// What a message calls the node.
std::string node_name(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kInt:
      return fmt::format("integer constant {:#x}", expr.value);
    case ExprKind::kString:
      return fmt::format("string constant \"{}\"", expr.text);
    case ExprKind::kCall:
      return fmt::format("function {}( )", expr.text);
    case ExprKind::kAgg:
      return fmt::format("aggregation @{}", expr.text);
    case ExprKind::kIdent:
      return fmt::format("{} {}{}", expr.is_array || expr.ref == Ref::kBuiltinArray ? "array" : "scalar",
                         scope_prefix(expr.scope), expr.text);
    case ExprKind::kMember:
      return fmt::format("operator {}", expr.arrow ? "->" : ".");
    case ExprKind::kIndex:
      return fmt::format("array {}[ ]", expr.args.empty() ? std::string_view() : std::string_view(expr.args[0].text));
    default:
      return fmt::format("operator {}", punctuation(expr.op));
  }
}

}  // namespace

std::optional<Attributes> Interfaces::least() const {
  auto found = options_.find("amin");
  return found != options_.end() ? dif::parse_attributes(found->second) : std::nullopt;
}

void Interfaces::begin_source(bool is_library) {
  is_library_ = is_library;
  source_ = {};
  pending_.clear();
  for (std::string_view name : symbols_.identifiers(dif::Scope::kGlobal)) earlier_.emplace(name);
  earlier_.insert(declared_.begin(), declared_.end());
}

bool Interfaces::is_declared(std::string_view name) const {
  return declared_.contains(name) || !symbols_.kind_of(name).empty();
}

Result<void> Interfaces::end_source() const {
  const Pending* first = nullptr;
  for (const auto& [name, pending] : pending_) {
    if (is_declared(name)) continue;
    if (first == nullptr || pending.pos.line < first->pos.line) first = &pending;
  }
  if (first == nullptr) return {};
  return fail(Tag::D_PRAGMA_UNUSED, first->pos, fmt::format("unused #pragma {}", first->pragma));
}

Result<void> Interfaces::check_scope(std::string_view pragma, std::string_view name, const Pos& pos) const {
  bool function = !function_word(name).empty() || dif::find_subroutine(name) != nullptr;
  if (!function && !earlier_.contains(name)) return {};
  return fail(Tag::D_PRAGMA_SCOPE, pos,
              fmt::format("#pragma {} cannot modify entity defined outside program scope", pragma));
}

Result<void> Interfaces::pragma_attributes(std::string_view attributes, std::string_view name, const Pos& pos) {
  std::optional<Attributes> parsed = dif::parse_attributes(attributes);
  if (!parsed.has_value()) {
    return fail(Tag::D_PRAGMA_INVAL, pos, "invalid attributes specified by #pragma attributes",
                "name/data/class, such as Stable/Evolving/Common");
  }
  RETURN_IF_ERROR(check_scope("attributes", name, pos));
  attributes_[std::string(name)] = *parsed;
  pending_[std::string(name)] = {"attributes", pos};
  return {};
}

Result<void> Interfaces::pragma_provider_attributes(std::string_view attributes, std::string_view provider,
                                                    std::string_view component, const Pos& pos) {
  std::optional<Attributes> parsed = dif::parse_attributes(attributes);
  if (!parsed.has_value()) {
    return fail(Tag::D_PRAGMA_INVAL, pos, "invalid attributes specified by #pragma attributes",
                "name/data/class, such as Stable/Evolving/Common");
  }
  Attributes* part = providers_.component(provider, component);
  if (part == nullptr) {
    return fail(Tag::D_PRAGMA_INVAL, pos,
                fmt::format("invalid component \"{}\" in attribute #pragma for provider {}", component, provider));
  }
  *part = *parsed;
  if (world_.has_provider && !world_.has_provider(provider)) pending_[std::string(provider)] = {"attributes", pos};
  return {};
}

Result<void> Interfaces::pragma_binding(std::string_view version, std::string_view name, const Pos& pos) {
  std::optional<dif::Version> parsed = dif::parse_version(version);
  if (!parsed.has_value() || !dif::is_defined(*parsed)) {
    return fail(Tag::D_PRAGMA_INVAL, pos, "invalid version string specified by #pragma binding");
  }
  RETURN_IF_ERROR(check_scope("binding", name, pos));
  bindings_[std::string(name)] = *parsed;
  if (name != "translator") pending_[std::string(name)] = {"binding", pos};
  return {};
}

bool Interfaces::next_translator_is_visible() {
  auto bound = bindings_.find("translator");
  if (bound == bindings_.end()) return true;
  dif::Version needed = bound->second;
  bindings_.erase(bound);
  return needed <= version_;
}

Result<void> Interfaces::pragma_depends_on(std::string_view kind, std::string_view name, const Pos& pos) const {
  if (kind == "library") {
    if (is_library_) return {};
    return fail(Tag::D_PRAGMA_DEPEND, pos, "main program may not explicitly depend on a library");
  }
  const std::function<bool(std::string_view)>* has = nullptr;
  if (kind == "provider") has = &world_.has_provider;
  if (kind == "module") has = &world_.has_module;
  if (has == nullptr) {
    return fail(Tag::D_PRAGMA_INVAL, pos, fmt::format("invalid class {} specified by #pragma depends_on", kind),
                "provider, module or library");
  }
  if (*has && !(*has)(name)) {
    return fail(Tag::D_PRAGMA_DEPEND, pos, fmt::format("program requires {} {}", kind, name));
  }
  return {};
}

Result<void> Interfaces::restrict_version(std::string_view version) {
  std::optional<dif::Version> parsed = dif::parse_version(version);
  if (!parsed.has_value()) return Error("Version is not properly formatted or is too large");
  if (!dif::is_defined(*parsed)) return Error("Requested version is not supported by compiler");
  if (*parsed > version_ || newest_used_ > *parsed) return Error("Requested version conflicts with earlier setting");
  version_ = *parsed;
  return {};
}

bool Interfaces::hidden(std::string_view name) {
  auto bound = bindings_.find(name);
  dif::Version needed = bound != bindings_.end() ? bound->second : dif::introduced(name);
  if (needed > version_) return true;
  newest_used_ = std::max(newest_used_, needed);
  return false;
}

dif::ProviderAttributes Interfaces::provider(const dif::ProbeDesc& probe) const {
  if (names_one(probe.provider) || !world_.providers_of) return providers_.find(probe.provider);
  std::vector<std::string> matching = world_.providers_of(probe);
  if (matching.empty()) return providers_.find(probe.provider);
  dif::ProviderAttributes least = providers_.find(matching[0]);
  for (const std::string& name : matching) least = minimum(least, providers_.find(name));
  return least;
}

Attributes Interfaces::description(const dif::ProbeDesc& probe) const {
  dif::ProviderAttributes attributes = provider(probe);
  Attributes result = attributes.provider;
  if (names_one(probe.module)) result = dif::minimum(result, attributes.module);
  if (names_one(probe.function)) result = dif::minimum(result, attributes.function);
  if (names_one(probe.name)) result = dif::minimum(result, attributes.name);
  return result;
}

Result<void> Interfaces::use(const std::vector<dif::ProbeDesc>& probes, const Pos& pos) {
  source_.any = true;
  std::optional<Attributes> wanted = least();
  bool first = true;
  for (const dif::ProbeDesc& probe : probes) {
    if (probe.id != 0 && world_.providers_of && world_.providers_of(probe).empty()) {
      return fail(Tag::D_PDESC_INVAL, pos,
                  fmt::format("invalid probe identifier {}: Unknown probe identifier", probe.id));
    }
    clause_provider_ = first ? provider(probe) : minimum(clause_provider_, provider(probe));
    first = false;
    Attributes attributes = wanted.has_value() ? description(probe) : dif::kMostStable;
    if (!wanted.has_value() || !dif::below(attributes, *wanted)) continue;
    return fail(Tag::D_ATTR_MIN, pos,
                fmt::format("attributes for probe description {}:{}:{}:{} ({}) are less than predefined minimum",
                            probe.provider, probe.module, probe.function, probe.name, attributes.text()));
  }
  return {};
}

Result<void> Interfaces::use(const Expr& checked) {
  ASSIGN_OR_RETURN(Attributes attributes, attributes_of(checked, least(), false));
  source_.statements = dif::minimum(source_.statements, attributes);
  return {};
}

// A clause without any expression has the stability of a program's own names, and none can have more.
void Interfaces::clause_ended() {
  source_.statements = dif::minimum(source_.statements, {});
}

Attributes Interfaces::own_attributes(const Expr& checked) const {
  if (checked.inlined != nullptr || (checked.kind == ExprKind::kIdent && checked.ref == Ref::kVariable)) {
    if (checked.scoped && checked.inlined == nullptr) return {};
    auto found = attributes_.find(checked.inlined != nullptr ? std::string_view(checked.inlined->name) : checked.text);
    return found != attributes_.end() ? found->second : Attributes{};
  }
  bool builtin = checked.ref == Ref::kBuiltin || checked.ref == Ref::kBuiltinArray;
  if (!builtin) return {};
  const dif::VariableInfo* info = dif::find_variable(checked.id);
  std::string_view name = info != nullptr ? info->name : std::string_view();
  Attributes result = dif::builtin_attributes(name);
  if (auto part = part_of(name)) result = dif::minimum(result, clause_provider_.*part);
  return result;
}

Result<Attributes> Interfaces::attributes_of(const Expr& checked, const std::optional<Attributes>& wanted,
                                             bool inside_inline) const {
  if (checked.from_argument) inside_inline = false;
  Attributes result = dif::kMostStable;
  if (!inside_inline) result = own_attributes(checked);
  bool opens_inline = checked.inlined != nullptr;
  for (const Expr& arg : checked.args) {
    ASSIGN_OR_RETURN(Attributes below_here, attributes_of(arg, wanted, inside_inline || opens_inline));
    result = dif::minimum(result, below_here);
  }
  if (inside_inline) return result;
  if (wanted.has_value() && dif::below(result, *wanted)) {
    std::string name = opens_inline ? fmt::format("inline {}", checked.inlined->name) : node_name(checked);
    return fail(Tag::D_ATTR_MIN, checked.pos,
                fmt::format("attributes for {} ({}) are less than predefined minimum", name, result.text()));
  }
  return result;
}

}  // namespace ht::d
