#include "cmd/dtrace/local_probes.h"

#include <fmt/format.h>

#include "base/near_name.h"
#include "cmd/dtrace/messages.h"

namespace ht::dtrace {
namespace {

// As an error of compilation: with DTrace such a description is one.
void say_wrong(const CommandLine& line, const dif::Clause& clause, const dif::ProbeDesc& desc, const char* tag,
               Error error) {
  error.tag = tag;
  error.pos = desc.pos;
  const d::SourceText* source = clause.source < line.sources.size() ? &line.sources[clause.source] : nullptr;
  const bool in_script = source != nullptr && source->is_file && desc.pos.known();
  d::CompileError wrong{std::move(error), clause.source, ""};
  if (in_script) wrong.where = fmt::format("line {}: ", desc.pos.line);
  say_compile_error(wrong, line.originals, line.option("errtags"));
}

}  // namespace

std::string probe_hint(const dif::ProbeDesc& desc) {
  std::string hint;
  if (!desc.provider.empty()) hint = did_you_mean(desc.provider, {"dtrace", "profile"});
  dif::ProbeDesc name;
  name.name = desc.name;
  if (hint.empty() && engine::match_host_probes(name).empty()) {
    hint = did_you_mean(desc.name, {"BEGIN", "END", "ERROR"});
  }
  return hint.empty() ? "to trace guests use -E; this machine's own kernel probes are not available yet" : hint;
}

std::optional<std::vector<Enabling>> match_probes(const CommandLine& line, const dif::Program& program) {
  std::vector<Enabling> enablings;
  for (uint32_t c = 0; c < program.clauses.size(); ++c) {
    const dif::Clause& clause = program.clauses[c];
    for (const dif::ProbeDesc& desc : clause.probes) {
      const std::vector<engine::HostProbe> probes = engine::match_host_probes(desc);
      if (probes.empty() && desc.id != 0) {
        say_wrong(line, clause, desc, "D_PDESC_INVAL",
                  Error(fmt::format("invalid probe identifier {}: Unknown probe identifier", desc.id)));
        return std::nullopt;
      }
      if (probes.empty() && !line.option("zdefs")) {
        say_wrong(line, clause, desc, "D_PDESC_ZERO",
                  Error(fmt::format("probe description {} does not match any probes", desc.text()), probe_hint(desc)));
        return std::nullopt;
      }
      for (const engine::HostProbe& probe : probes) enablings.push_back({probe, c});
    }
  }
  return enablings;
}

}  // namespace ht::dtrace
