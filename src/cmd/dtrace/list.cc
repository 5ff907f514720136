#include "cmd/dtrace/list.h"

#include <fmt/format.h>

#include "channel/client.h"
#include "cmd/dtrace/guest_run.h"
#include "cmd/dtrace/local_probes.h"
#include "cmd/dtrace/messages.h"
#include "cmd/dtrace/programs.h"
#include "cmd/dtrace/stability_report.h"
#include "cmd/dtrace/tracing.h"
#include "engine/engine.h"

namespace ht::dtrace {
namespace {

void say_no_match(const dif::ProbeDesc& desc, const std::string& hint) {
  say(Error(fmt::format("failed to match {}: No probe matches description", desc.text()), hint));
}

void list_here(const std::vector<dif::ProbeDesc>& descriptions, const dif::Providers* verbose,
               consumer::Stream& stream) {
  stream.write(fmt::format("{:>5} {:>10} {:>17} {:>33} {}\n", "ID", "PROVIDER", "MODULE", "FUNCTION", "NAME"));
  for (const dif::ProbeDesc& desc : descriptions) {
    const std::vector<engine::HostProbe> probes = engine::match_host_probes(desc);
    for (const engine::HostProbe& probe : probes) {
      stream.write(fmt::format("{:>5} {:>10} {:>17} {:>33} {}\n", probe.name.id, probe.name.provider, probe.name.module,
                               probe.name.function, probe.name.name));
      if (verbose == nullptr) continue;
      dif::ProbeDesc one;
      one.provider = probe.name.provider;
      one.module = probe.name.module;
      one.function = probe.name.function;
      one.name = probe.name.name;
      print_probe_block(one, *verbose, stream);
    }
    if (probes.empty()) say_no_match(desc, probe_hint(desc));
  }
}

int list_guests(const CommandLine& line, const std::vector<dif::ProbeDesc>& descriptions, consumer::Stream& stream) {
  auto client = channel::Client::connect(channel::daemon_directory());
  if (!client) return fatal(client.error());
  stream.write(
      fmt::format("{:<10} {:>5} {:>10} {:>17} {:>33} {}\n", "TARGET", "ID", "PROVIDER", "MODULE", "FUNCTION", "NAME"));
  for (const dif::ProbeDesc& desc : descriptions) {
    channel::ListProbesRequest request;
    request.set_target(desc.target);
    request.set_provider(desc.provider);
    request.set_module(desc.module);
    request.set_function(desc.function);
    request.set_name(desc.name);
    for (const std::string& resolver : resolvers(line)) request.add_resolvers(resolver);
    auto probes = (*client)->list_probes(request);
    if (!probes) return fatal(probes.error());
    bool any = false;
    for (const channel::ListedProbe& listed : *probes) {
      const channel::ProbeName& name = listed.probe();
      if (desc.id != 0 && desc.id != name.id()) continue;
      any = true;
      stream.write(fmt::format("{:<10} {:>5} {:>10} {:>17} {:>33} {}\n", listed.vmname(), name.id(), name.provider(),
                               name.module(), name.function(), name.name()));
    }
    if (!any) say_no_match(desc, "");
  }
  return kOk;
}

}  // namespace

int list_probes(CommandLine& line) {
  std::vector<dif::ProbeDesc> descriptions;
  d::StabilityReport stability;
  if (line.sources.empty()) {
    descriptions.emplace_back();
  } else {
    if (!load_sources(line)) return kFatal;
    const auto program = compile_sources(line, 0, &stability);
    if (!program || (!line.guests && !match_probes(line, *program))) return kFatal;
    for (const dif::Clause& clause : program->clauses) {
      descriptions.insert(descriptions.end(), clause.probes.begin(), clause.probes.end());
    }
  }
  auto stream = open_output(line);
  if (!stream) return fatal(stream.error());
  int status = kOk;
  if (line.guests) {
    status = list_guests(line, descriptions, **stream);
  } else {
    list_here(descriptions, line.verbose ? &stability.providers : nullptr, **stream);
  }
  if (auto flushed = (*stream)->flush(); !flushed) return fatal(flushed.error());
  return status;
}

}  // namespace ht::dtrace
