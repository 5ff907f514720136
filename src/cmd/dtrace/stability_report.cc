#include "cmd/dtrace/stability_report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "cmd/dtrace/programs.h"
#include "dif/stability.h"

namespace ht::dtrace {
namespace {

constexpr std::string_view kProviders[] = {"dtrace", "profile"};

std::vector<std::string> providers_of(const dif::ProbeDesc& probe) {
  std::vector<std::string> names;
  for (const engine::HostProbe& match : engine::match_host_probes(probe)) {
    if (names.empty() || names.back() != match.name.provider) names.push_back(match.name.provider);
  }
  return names;
}

bool has_provider(std::string_view name) {
  return std::find(std::begin(kProviders), std::end(kProviders), name) != std::end(kProviders);
}

bool has_module(std::string_view name) {
  if (name.empty() || name.find('/') != std::string_view::npos || name[0] == '.') return false;
  return name == "vmlinux" || access(("/sys/module/" + std::string(name)).c_str(), F_OK) == 0;
}

bool is_pattern(const std::string& field) {
  return field.empty() || field.find_first_of("*?[\\") != std::string::npos;
}

// Of the providers that the description means, the least stable; and of those only the parts that it names.
dif::ProviderAttributes provider_of(const dif::ProbeDesc& probe, const dif::Providers& providers) {
  std::vector<std::string> names = {probe.provider};
  if (is_pattern(probe.provider)) {
    if (auto found = providers_of(probe); !found.empty()) names = std::move(found);
  }
  dif::ProviderAttributes least = providers.find(names[0]);
  for (const std::string& name : names) {
    const dif::ProviderAttributes& one = providers.find(name);
    least = {minimum(least.provider, one.provider), minimum(least.module, one.module),
             minimum(least.function, one.function), minimum(least.name, one.name), minimum(least.args, one.args)};
  }
  return least;
}

dif::Attributes description_attributes(const dif::ProbeDesc& probe, const dif::ProviderAttributes& provider) {
  dif::Attributes result = provider.provider;
  if (!is_pattern(probe.module)) result = minimum(result, provider.module);
  if (!is_pattern(probe.function)) result = minimum(result, provider.function);
  if (!is_pattern(probe.name)) result = minimum(result, provider.name);
  return result;
}

std::string three_lines(const dif::Attributes& attributes) {
  return fmt::format("\t\tIdentifier Names: {}\n\t\tData Semantics:   {}\n\t\tDependency Class: {}\n",
                     word(attributes.name), word(attributes.data), word(attributes.dependency));
}

}  // namespace

void set_world(d::CompileOptions& options) {
  options.providers_of = providers_of;
  options.has_provider = has_provider;
  options.has_module = has_module;
}

void print_probe_block(const dif::ProbeDesc& probe, const dif::Providers& providers, consumer::Stream& stream) {
  const dif::ProviderAttributes provider = provider_of(probe, providers);
  stream.write("\n\tProbe Description Attributes\n" + three_lines(description_attributes(probe, provider)));
  stream.write("\n\tArgument Attributes\n" + three_lines(provider.args));
  // The arguments of the host's own probes have no declared types.
  stream.write("\n\tArgument Types\n\t\tNone\n\n");
}

void print_stability(const dif::Program& program, const d::StabilityReport& report, bool per_description,
                     consumer::Stream& stream) {
  for (size_t i = 0; i < program.sources.size() && i < report.statements.size(); ++i) {
    dif::Attributes descriptions = dif::kMostStable;
    for (const dif::Clause& clause : program.clauses) {
      if (clause.source != i) continue;
      for (const dif::ProbeDesc& probe : clause.probes) {
        const auto attributes = description_attributes(probe, provider_of(probe, report.providers));
        descriptions = minimum(descriptions, attributes);
      }
    }
    const dif::Source& source = program.sources[i];
    stream.write(fmt::format("\nStability attributes for {} {}:\n", source.is_file ? "script" : "description",
                             short_name(source)));
    stream.write("\n\tMinimum Probe Description Attributes\n" + three_lines(descriptions));
    stream.write("\n\tMinimum Statement Attributes\n" + three_lines(report.statements[i]));
    if (!per_description) {
      stream.write("\n");
      continue;
    }
    for (const dif::Clause& clause : program.clauses) {
      if (clause.source != i) continue;
      for (const dif::ProbeDesc& probe : clause.probes) {
        stream.write(fmt::format("\n{}:{}:{}:{}\n", probe.provider, probe.module, probe.function, probe.name));
        print_probe_block(probe, report.providers, stream);
      }
    }
  }
}

}  // namespace ht::dtrace
