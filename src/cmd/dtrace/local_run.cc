#include "cmd/dtrace/local_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/dtrace/link_types.h"
#include "cmd/dtrace/local_probes.h"
#include "cmd/dtrace/messages.h"
#include "cmd/dtrace/object_file.h"
#include "cmd/dtrace/programs.h"
#include "cmd/dtrace/stability_report.h"
#include "cmd/dtrace/tracing.h"
#include "engine/engine.h"
#include "engine/timer_thread.h"

namespace ht::dtrace {
namespace {

std::string host_name() {
  utsname name{};
  return uname(&name) == 0 ? name.nodename : "localhost";
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

int cannot_enable(const Error& error) {
  return fatal(Error("could not enable tracing: " + error.message, error.hint));
}

// A probe description with a target; null if there is none.
const dif::ProbeDesc* first_targeted(const dif::Program& program) {
  for (const dif::Clause& clause : program.clauses) {
    for (const dif::ProbeDesc& probe : clause.probes) {
      if (!probe.target.empty()) return &probe;
    }
  }
  return nullptr;
}

int report_stability(const CommandLine& line, const dif::Program& program, const d::StabilityReport& stability) {
  auto stream = open_output(line);
  if (!stream) return fatal(stream.error());
  print_stability(program, stability, true, **stream);
  auto flushed = (*stream)->flush();
  return flushed ? kOk : fatal(flushed.error());
}

int run_session(const CommandLine& line, std::shared_ptr<const dif::Program> program,
                const std::vector<Enabling>& enablings, const d::StabilityReport& stability, Processes& processes) {
  auto stream = open_output(line);
  if (!stream) return fatal(stream.error());
  std::vector<uint64_t> matched(program->clauses.size());
  for (const Enabling& one : enablings) ++matched[one.clause];
  say_matched(*program, matched);
  if (line.verbose) print_stability(*program, stability, false, **stream);
  debug(fmt::format("{} clauses at {} probes", program->clauses.size(), enablings.size()));

  const bool destructive = dif::option_set(program->options, "destructive");
  if (program->destructive && !destructive) {
    return cannot_enable(Error("Destructive actions not allowed", "-w allows them"));
  }
  const auto engine = engine::Engine::create(1, system_clock());
  engine->set_target_name(engine::kHost, host_name());
  auto config = engine::session_config(*program);
  if (!config) return fatal(config.error());
  config->in_process = true;
  auto session = engine->create_session(*config);
  if (!session) return cannot_enable(session.error());
  auto variant = (*session)->add_variant(program);
  if (!variant) return cannot_enable(variant.error());
  for (const Enabling& one : enablings) {
    (*session)->enable(engine::kHost, one.probe.probe, one.probe.name, *variant, one.clause);
  }
  engine->publish(*session);
  auto reader = engine::SessionReader::open(duplicate((*session)->data_fd()), duplicate((*session)->control_fd()));
  if (!reader) return fatal(reader.error());
  const auto consumer = make_consumer(*program, **stream);
  consumer->symbols().use_host();
  consumer->symbols().set_target(static_cast<uint32_t>(processes.target()));
  consumer->add_variant(program);
  if (dif::option_set(program->options, "aggpercpu")) consumer->keep_by_cpu(engine::online_cpus());
  for (const engine::ProbeName& name : (*session)->probe_names()) consumer->add_probe(name);

  if (auto started = (*session)->start(); !started) return cannot_enable(started.error());
  say_adjustments(*program, engine::adjustments(*config, (*session)->config()));
  if (destructive && !dif::option_set(program->options, "quiet")) say("allowing destructive actions");
  processes.go();
  LocalBackend backend(**session);
  debug("tracing");
  const int status = trace(**reader, *consumer, **stream, backend, processes);
  engine->remove(*session);
  debug(fmt::format("ended with status {}", status));
  return status;
}

}  // namespace

int run_local(CommandLine& line) {
  auto processes = Processes::prepare(line);
  if (!processes) return fatal(processes.error());
  if (!load_sources(line)) return kFatal;
  d::StabilityReport stability;
  const auto compiled =
      line.object.empty() ? compile_sources(line, (*processes)->target(), &stability) : read_object(line);
  if (!compiled) return kFatal;
  if (const dif::ProbeDesc* guest = first_targeted(*compiled)) {
    return fatal(Error(fmt::format("{} is for probes of guests: {}", line.object, guest->text()), "-E runs it there"));
  }
  // As with DTrace, a description that matches nothing is an error of compilation.
  const auto enablings = match_probes(line, *compiled);
  if (!enablings) return kFatal;
  auto linked = link_here(line, *compiled);
  if (!linked) return kFatal;
  if (line.compile_only) return line.verbose ? report_stability(line, *linked, stability) : kOk;
  if (enablings->empty() && !line.option("zdefs")) return fatal("no probes matched");
  return run_session(line, std::make_shared<const dif::Program>(std::move(*linked)), *enablings, stability,
                     **processes);
}

}  // namespace ht::dtrace
