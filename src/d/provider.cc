// Providers' interfaces and what they say about args[] (reference, sections 2.7 and 4).
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "d/actions.h"
#include "d/sema.h"

namespace ht::d {
namespace {

constexpr size_t kLongestName = 63;
constexpr size_t kMostArguments = 255;

Result<void> check_name(std::string_view what, const std::string& name, const Pos& pos) {
  if (name.size() > kLongestName) {
    return fail(Tag::D_PROV_BADNAME, pos,
                fmt::format("{} name may not exceed {} characters: {}", what, kLongestName, name));
  }
  if (name.find('`') != std::string::npos) {
    return fail(Tag::D_PROV_BADNAME, pos, fmt::format("{} name may not contain scoping operator: {}", what, name));
  }
  return {};
}

// Two underscores of a declaration are one dash in descriptions.
std::string dashed(std::string_view name) {
  std::string result;
  for (size_t i = 0; i < name.size(); i++) {
    bool two = name[i] == '_' && i + 1 < name.size() && name[i + 1] == '_';
    result += two ? '-' : name[i];
    if (two) i++;
  }
  return result;
}

// (void)
bool is_void_list(const TypeStep& step) {
  return step.parameters.size() == 1 && step.parameters[0].specifiers.voids > 0 &&
         step.parameters[0].declarator.steps.empty() && step.parameters[0].declarator.name.empty();
}

bool same_arguments(const std::vector<ProviderArgument>& a, const std::vector<ProviderArgument>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const ProviderArgument& x, const ProviderArgument& y) {
    return x.native == y.native && same_type(x.type, y.type);
  });
}

bool same_probe(const ProviderProbe& a, const ProviderProbe& b) {
  return a.name == b.name && same_arguments(a.native, b.native) && same_arguments(a.translated, b.translated);
}

// What this machine's own providers offer. Their probes have no typed arguments.
struct HostProvider {
  std::string_view name;
  std::vector<std::string_view> probes;
};
const HostProvider* host_provider(std::string_view name) {
  static const HostProvider kProviders[] = {{"dtrace", {"BEGIN", "END", "ERROR"}}, {"profile", {}}};
  for (const HostProvider& provider : kProviders) {
    if (provider.name == name) return &provider;
  }
  return nullptr;
}

Error mismatch(const Pos& pos, std::string_view provider, std::string_view why) {
  return fail(Tag::D_PROV_INCOMPAT, pos, fmt::format("provider interface mismatch: {}\n\t{}", provider, why));
}

}  // namespace

const ProviderProbe* Provider::find(std::string_view probe) const {
  auto found = std::find_if(probes.begin(), probes.end(), [&](const ProviderProbe& p) { return p.name == probe; });
  return found != probes.end() ? &*found : nullptr;
}

bool Provider::may_be(std::string_view field) const {
  if (!field.starts_with(name)) return false;
  field.remove_prefix(name.size());
  return field == "*" || std::all_of(field.begin(), field.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// The probe's own arguments. (void) is none.
Result<std::vector<ProviderArgument>> Sema::native_arguments(const ProviderDefinition::Probe& probe) {
  const TypeStep& step = probe.native;
  std::vector<ProviderArgument> result;
  if (is_void_list(step)) return result;
  ASSIGN_OR_RETURN(std::vector<TypeRef> types, parameter_types(step, "probe input", false));
  for (size_t i = 0; i < types.size(); i++) {
    const Parameter& parameter = step.parameters[i];
    const std::string& name = parameter.declarator.name;
    auto same = [&](const ProviderArgument& other) { return !name.empty() && other.name == name; };
    if (std::any_of(result.begin(), result.end(), same)) {
      return fail(
          Tag::D_DECL_PROTO_FORM, parameter.declarator.pos,
          fmt::format("parameter is already declared in probe input prototype: {}, parameter #{}", name, i + 1));
    }
    result.push_back({name, types[i], i});
  }
  return result;
}

// What a clause sees: each names one of the native arguments, in any order, some perhaps twice, some not at all.
Result<std::vector<ProviderArgument>> Sema::translated_arguments(const ProviderDefinition::Probe& probe,
                                                                 const std::vector<ProviderArgument>& native) {
  if (!probe.translated.has_value()) return native;
  const TypeStep& step = *probe.translated;
  std::vector<ProviderArgument> result;
  if (is_void_list(step)) return result;
  ASSIGN_OR_RETURN(std::vector<TypeRef> types, parameter_types(step, "probe output", false));
  for (size_t i = 0; i < types.size(); i++) {
    const Parameter& parameter = step.parameters[i];
    const std::string& name = parameter.declarator.name;
    if (name.empty()) {
      return fail(Tag::D_DECL_PROTO_NAME, parameter.specifiers.pos,
                  fmt::format("parameter declaration requires a name: parameter #{}", i + 1));
    }
    auto found = std::find_if(native.begin(), native.end(), [&](const auto& other) { return other.name == name; });
    if (found == native.end()) {
      return fail(Tag::D_DECL_PROTO_FORM, parameter.declarator.pos,
                  fmt::format("parameter is not declared in probe input prototype: {}, parameter #{}", name, i + 1));
    }
    result.push_back({name, types[i], found->native});
  }
  return result;
}

Result<void> Sema::check_translators(const Provider& provider, const ProviderProbe& probe, const Pos& pos) {
  for (size_t i = 0; i < probe.translated.size(); i++) {
    const ProviderArgument& to = probe.translated[i];
    Expr from;
    from.kind = ExprKind::kIdent;
    from.pos = pos;
    from.type = probe.native[to.native].type;
    if (same_type(from.type, to.type)) continue;
    TypeRef object = is_pointer(to.type) ? pointee(to.type) : to.type;
    bool translated = find_translator(object, from) != nullptr;
    if (!translated && is_scalar(to.type) && argument(from, to.type, "probe", i + 1).ok()) continue;
    if (!translated) {
      return fail(Tag::D_PROV_PRXLATOR, pos,
                  fmt::format("translator for {}:{} args[{}] from {} to {} is not defined", provider.name,
                              probe.declared_name, i, spell(probe.native[to.native].type), spell(to.type)));
    }
  }
  return {};
}

Result<void> Sema::define_provider(const ProviderDefinition& definition) {
  Provider provider;
  provider.name = definition.name;
  RETURN_IF_ERROR(check_name("provider", provider.name, definition.pos));
  if (std::isdigit(static_cast<unsigned char>(provider.name.back())) != 0) {
    return fail(Tag::D_PROV_BADNAME, definition.pos,
                fmt::format("provider name may not end with a digit: {}", provider.name));
  }
  const HostProvider* host = host_provider(provider.name);
  auto previous = std::find_if(providers_.begin(), providers_.end(),
                               [&](const Provider& other) { return other.name == provider.name; });
  for (const ProviderDefinition::Probe& declared : definition.probes) {
    RETURN_IF_ERROR(check_name("probe", declared.name, declared.pos));
    ProviderProbe probe;
    probe.declared_name = declared.name;
    probe.name = dashed(declared.name);
    size_t longest = std::max(declared.native.parameters.size(),
                              declared.translated.has_value() ? declared.translated->parameters.size() : 0);
    if (longest > kMostArguments) {
      return fail(Tag::D_PROV_PRARGLEN, declared.pos,
                  fmt::format("probe {}:{} prototype exceeds {} parameters: {} parameters", provider.name,
                              declared.name, kMostArguments, longest));
    }
    ASSIGN_OR_RETURN(probe.native, native_arguments(declared));
    ASSIGN_OR_RETURN(probe.translated, translated_arguments(declared, probe.native));
    if (provider.find(probe.name) != nullptr) {
      return fail(Tag::D_PROV_PRDUP, declared.pos,
                  fmt::format("probe redeclared: {}:{}", provider.name, declared.name));
    }
    RETURN_IF_ERROR(check_translators(provider, probe, declared.pos));
    if (host != nullptr) {
      bool known = std::find(host->probes.begin(), host->probes.end(), probe.name) != host->probes.end();
      if (!known || !probe.native.empty()) {
        return mismatch(
            declared.pos, provider.name,
            fmt::format("{} {}:{}", known ? "arguments differ:" : "no such probe:", provider.name, declared.name));
      }
    }
    if (previous != providers_.end()) {
      const ProviderProbe* old = previous->find(probe.name);
      if (old == nullptr || !same_probe(*old, probe)) {
        return mismatch(declared.pos, provider.name,
                        fmt::format("{} {}:{}", old == nullptr ? "no such probe:" : "arguments differ:", provider.name,
                                    declared.name));
      }
    }
    provider.probes.push_back(std::move(probe));
  }
  if (previous == providers_.end()) providers_.push_back(std::move(provider));
  return {};
}

// What all probes of the clause agree on. Nothing if they are not known here (guests', or there is nobody to ask).
Result<std::optional<ProbeSignature>> Sema::probe_signature(const Pos& pos) {
  using Signature = Result<std::optional<ProbeSignature>>;
  if (probes_ == nullptr) {
    return fail(Tag::D_ARGS_NONE, pos, "args[ ] may not be referenced outside of a probe clause");
  }
  std::optional<ProbeSignature> agreed;
  for (const dif::ProbeDesc& desc : *probes_) {
    auto unstable = [&] {
      return fail(Tag::D_ARGS_MULTI, pos,
                  fmt::format("args[ ] may not be referenced because probe description {} matches an unstable set of "
                              "probes",
                              desc.text()));
    };
    std::vector<ProbeSignature> found;
    for (const Provider& provider : providers_) {
      const ProviderProbe* probe = provider.may_be(desc.provider) ? provider.find(desc.name) : nullptr;
      if (probe != nullptr) found.push_back({probe->native, probe->translated});
    }
    if (found.empty()) {
      if (!probe_arguments_) return Signature(std::nullopt);
      for (size_t count : probe_arguments_(desc)) {
        ProbeSignature untyped;
        for (size_t i = 0; i < count; i++) untyped.native.push_back({"", types_.integer("int64_t"), i});
        untyped.translated = untyped.native;
        found.push_back(std::move(untyped));
      }
    }
    if (found.empty()) return unstable();
    for (ProbeSignature& signature : found) {
      if (!agreed.has_value())
        agreed = std::move(signature);
      else if (!same_arguments(agreed->translated, signature.translated))
        return unstable();
    }
  }
  return agreed;
}

// args[index]: `expr` is the element as of an array without types.
Result<Expr> Sema::probe_argument(const Expr& expr, const Expr& index) {
  ASSIGN_OR_RETURN(std::optional<ProbeSignature> signature, probe_signature(expr.pos));
  auto number = static_cast<int64_t>(index.value);
  static constexpr int64_t kMost = 64;  // of a probe nobody knows here
  int64_t count = signature.has_value() ? static_cast<int64_t>(signature->translated.size()) : kMost;
  if (number < 0 || number >= count) {
    return fail(Tag::D_ARGS_IDX, index.pos,
                fmt::format("index {} is out of range for {} args[ ]", number, probes_->front().text()));
  }
  Expr result = expr;
  result.value = index.value;
  if (!signature.has_value()) return result;
  const ProviderArgument& wanted = signature->translated[index.value];
  result.value = wanted.native;
  result.type = signature->native[wanted.native].type;
  if (same_type(result.type, wanted.type)) return result;
  TypeRef native = result.type;
  bool pointer = is_pointer(wanted.type);
  if (auto translator = find_translator(pointer ? pointee(wanted.type) : wanted.type, result)) {
    return translated_data(std::move(translator), std::move(result), pointer, expr.pos);
  }
  if (is_scalar(wanted.type) && is_scalar(native)) return converted(std::move(result), wanted.type);
  return fail(
      Tag::D_ARGS_XLATOR, index.pos,
      fmt::format("translator for args[{}] from {} to {} is not defined", number, spell(native), spell(wanted.type)));
}

}  // namespace ht::d
