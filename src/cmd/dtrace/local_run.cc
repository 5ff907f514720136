#include "cmd/dtrace/local_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/near_name.h"
#include "cmd/dtrace/messages.h"
#include "cmd/dtrace/programs.h"
#include "cmd/dtrace/tracing.h"
#include "engine/engine.h"
#include "link/link.h"

namespace ht::dtrace {
namespace {

constexpr char kKernelTypes[] = "/sys/kernel/btf/vmlinux";

// A clause of the program at one probe.
struct Enabling {
  engine::HostProbe probe;
  uint32_t clause;
};

std::string host_name() {
  utsname name{};
  return uname(&name) == 0 ? name.nodename : "localhost";
}

Result<std::shared_ptr<const types::TypeFile>> kernel_types(const dif::Program& program) {
  if (!link::needs_types(program)) return std::shared_ptr<const types::TypeFile>();
  return types::TypeFile::from_file(kKernelTypes);
}

std::optional<dif::Program> link_here(const CommandLine& line, const dif::Program& program) {
  auto types = kernel_types(program);
  if (!types) {
    say(types.error());
    return std::nullopt;
  }
  utsname name{};
  uname(&name);
  link::LinkResult linked = link::link(program, types->get(), {host_name(), name.release});
  for (const Error& error : linked.errors) say_at_source(error, line.originals, line.option("errtags"));
  if (!linked.ok()) return std::nullopt;
  return std::move(linked.program);
}

// The part of the description that is nearly the name of something that there is.
std::string near_probe(const dif::ProbeDesc& desc) {
  std::string hint;
  if (!desc.provider.empty()) hint = did_you_mean(desc.provider, {"dtrace", "profile"});
  if (hint.empty() && engine::match_host_probes({.name = desc.name}).empty()) {
    hint = did_you_mean(desc.name, {"BEGIN", "END", "ERROR"});
  }
  return hint.empty() ? "to trace guests use -E; this machine's own kernel probes are not available yet" : hint;
}

void say_no_match(const CommandLine& line, const dif::Clause& clause, const dif::ProbeDesc& desc) {
  d::CompileError error;
  error.source = clause.source;
  error.error = Error(fmt::format("probe description {} does not match any probes", desc.text()), near_probe(desc));
  error.error.tag = "D_PDESC_ZERO";
  error.error.pos = desc.pos;
  const d::SourceText* source = clause.source < line.sources.size() ? &line.sources[clause.source] : nullptr;
  if (source != nullptr && source->is_file && desc.pos.known()) error.where = fmt::format("line {}: ", desc.pos.line);
  say_compile_error(error, line.originals, line.option("errtags"));
}

// Every clause at every probe it names; nothing if a description names none (unless -Z).
std::optional<std::vector<Enabling>> match(const CommandLine& line, const dif::Program& program) {
  std::vector<Enabling> enablings;
  for (uint32_t c = 0; c < program.clauses.size(); ++c) {
    for (const dif::ProbeDesc& desc : program.clauses[c].probes) {
      const std::vector<engine::HostProbe> probes = engine::match_host_probes(desc);
      if (probes.empty() && !line.option("zdefs")) {
        say_no_match(line, program.clauses[c], desc);
        return std::nullopt;
      }
      for (const engine::HostProbe& probe : probes) enablings.push_back({probe, c});
    }
  }
  return enablings;
}

class LocalBackend final : public Backend {
 public:
  explicit LocalBackend(engine::Session& session) : session_(session) {}
  bool stop(consumer::Consumer&) override {
    session_.stop();
    return true;
  }

 private:
  engine::Session& session_;
};

UniqueFd duplicate(int fd) {
  return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

int run_session(const CommandLine& line, std::shared_ptr<const dif::Program> program,
                const std::vector<Enabling>& enablings, Processes& processes) {
  auto stream = open_output(line);
  if (!stream) return fatal(stream.error());
  std::vector<uint64_t> matched(program->clauses.size());
  for (const Enabling& one : enablings) ++matched[one.clause];
  say_matched(*program, matched);

  const bool destructive = dif::option_set(program->options, "destructive");
  if (program->destructive && !destructive) {
    return fatal(Error("could not enable tracing: Destructive actions not allowed", "-w allows them"));
  }
  const auto engine = engine::Engine::create(1, system_clock());
  engine->set_target_name(engine::kHost, host_name());
  auto config = engine::session_config(*program);
  if (!config) return fatal(config.error());
  config->slots = 1;
  auto session = engine->create_session(*config);
  if (!session) return fatal("could not enable tracing: " + session.error().text());
  auto variant = (*session)->add_variant(program);
  if (!variant) return fatal("could not enable tracing: " + variant.error().text());

  for (const Enabling& one : enablings) {
    (*session)->enable(engine::kHost, one.probe.probe, one.probe.name, *variant, one.clause);
  }
  engine->publish(*session);
  auto reader = engine::SessionReader::open(duplicate((*session)->data_fd()), duplicate((*session)->control_fd()));
  if (!reader) return fatal(reader.error());
  const auto consumer = make_consumer(*program, **stream);
  consumer->add_variant(program);
  for (const engine::ProbeName& name : (*session)->probe_names()) consumer->add_probe(name);

  (*session)->start();
  if (destructive && !dif::option_set(program->options, "quiet")) say("allowing destructive actions");
  processes.go();
  LocalBackend backend(**session);
  const int status = trace(**reader, *consumer, **stream, backend, processes);
  engine->remove(*session);
  return status;
}

}  // namespace

int run_local(CommandLine& line) {
  if (!load_sources(line)) return kFatal;
  auto processes = Processes::prepare(line);
  if (!processes) return fatal(processes.error());
  const auto compiled = compile_sources(line, (*processes)->target());
  if (!compiled) return kFatal;
  if (compiled->clauses.empty() && !line.option("zdefs")) return fatal("no probes matched");
  // As with DTrace, a description that matches nothing is an error of compilation.
  const auto enablings = match(line, *compiled);
  if (!enablings) return kFatal;
  auto linked = link_here(line, *compiled);
  if (!linked) return kFatal;
  if (line.compile_only) return kOk;
  return run_session(line, std::make_shared<const dif::Program>(std::move(*linked)), *enablings, **processes);
}

}  // namespace ht::dtrace
