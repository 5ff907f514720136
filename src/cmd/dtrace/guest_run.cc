#include "cmd/dtrace/guest_run.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "channel/client.h"
#include "cmd/dtrace/guest_names.h"
#include "cmd/dtrace/messages.h"
#include "cmd/dtrace/object_file.h"
#include "cmd/dtrace/programs.h"
#include "cmd/dtrace/stability_report.h"
#include "cmd/dtrace/tracing.h"
#include "consumer/faults.h"
#include "object/elf.h"

namespace ht::dtrace {
namespace {

using channel::Client;

Error to_error(const channel::Diagnostic& diagnostic) {
  std::string message = diagnostic.message();
  if (!diagnostic.guest().empty() && message.find(diagnostic.guest()) == std::string::npos) {
    message = diagnostic.guest() + ": " + message;
  }
  Error error(message, diagnostic.hint());
  error.tag = diagnostic.tag();
  error.pos = {diagnostic.file(), diagnostic.line(), diagnostic.column()};
  return error;
}

engine::ProbeName to_name(const channel::ProbeName& name) {
  return {name.id(), name.provider(), name.module(), name.function(), name.name()};
}

// One line on a terminal, overwritten as things advance and gone at the end; nothing anywhere else.
class ProgressLine {
 public:
  ~ProgressLine() { clear(); }
  void show(const channel::Progress& progress) {
    if (isatty(STDERR_FILENO) == 0) return;
    const std::string count = progress.total() > 0 ? fmt::format(" {}/{}", progress.done(), progress.total()) : "";
    std::fprintf(stderr, "\r\033[Kdtrace: %s%s", progress.text().c_str(), count.c_str());
    std::fflush(stderr);
    shown_ = true;
  }
  void clear() {
    if (shown_) std::fputs("\r\033[K", stderr);
    shown_ = false;
  }

 private:
  bool shown_ = false;
};

void add_variant(consumer::Consumer& consumer, const std::string& object) {
  auto program = object::read(as_bytes(object));
  if (!program) {
    say(program.error());
    // Keeps the numbering: records of this variant cannot be shown.
    consumer.add_variant(std::make_shared<const dif::Program>());
    return;
  }
  consumer.add_variant(std::make_shared<const dif::Program>(std::move(*program)));
}

class GuestBackend final : public Backend {
 public:
  GuestBackend(Client& client, uint64_t session, std::shared_ptr<GuestNames> names)
      : client_(client), session_(session), names_(std::move(names)) {}

  int fd() const override { return client_.fd(); }

  bool poll(consumer::Consumer& consumer) override {
    if (gone_) return false;
    for (;;) {
      auto event = client_.poll_event();
      if (!event) {
        gone_ = true;
        say(event.error().message + "; printing what was collected");
        return false;
      }
      if (!event->has_value()) return true;
      take(**event, consumer);
    }
  }

  bool refresh(consumer::Consumer& consumer) override {
    // The daemon has sent the event or is about to; if it is this late, something is wrong and the record is lost.
    static constexpr int kPatienceMs = 1000;
    pollfd ready{client_.fd(), POLLIN, 0};
    return !gone_ && ::poll(&ready, 1, kPatienceMs) == 1 && poll(consumer);
  }

  bool stop(consumer::Consumer& consumer) override {
    auto stopped = client_.stop(session_);
    if (!stopped) {
      say(Error(fmt::format("couldn't stop tracing: {}; printing what was collected", stopped.error().message)));
      return false;
    }
    // Events that came before the answer may name probes and programs of records that are still to be read.
    for (auto event = client_.poll_event(); event && event->has_value(); event = client_.poll_event()) {
      take(**event, consumer);
    }
    drops_.clear();  // what events reported is in these totals
    for (const channel::GuestDrops& drops : stopped->drops()) drops_.push_back(drops);
    return true;
  }

  void report(consumer::Consumer& consumer) override {
    for (const channel::GuestDrops& drops : drops_) {
      if (drops.drops() == 0) continue;
      consumer.report_drop(consumer::guest_drop(drops.drops(), drops.vmname(), drops.detail()));
    }
  }

 private:
  void take(const channel::Event& event, consumer::Consumer& consumer) {
    for (const std::string& object : event.variants()) add_variant(consumer, object);
    for (const channel::ProbeName& name : event.probes()) consumer.add_probe(to_name(name));
    if (event.target() != 0 && !event.vmname().empty()) {
      consumer.set_target_name(static_cast<engine::TargetId>(event.target()), event.vmname());
      names_->set_boot(static_cast<uint16_t>(event.target()), static_cast<uint16_t>(event.boot()));
    }
    if (!event.text().empty()) {
      // Every line about a guest begins with its name.
      const bool named = event.vmname().empty() || event.text().starts_with(event.vmname());
      say(named ? event.text() : event.vmname() + ": " + event.text());
    }
    for (const channel::GuestDrops& drops : event.drops()) drops_.push_back(drops);
  }

  Client& client_;
  uint64_t session_;
  std::shared_ptr<GuestNames> names_;
  bool gone_ = false;  // the daemon; said already
  std::vector<channel::GuestDrops> drops_;
};

channel::SubmitRequest make_request(const CommandLine& line, const dif::Program& program) {
  channel::SubmitRequest request;
  const Bytes object = object::write(program);
  request.set_elf(object.data(), object.size());
  request.set_destructive(dif::option_set(program.options, "destructive"));
  for (const std::string& word : resolvers(line)) request.add_resolvers(word);
  request.set_allow_no_match(line.option("zdefs"));
  request.set_partial(line.option("partial"));
  return request;
}

// Says why; the sources are there to point into.
int refused(const CommandLine& line, const Client::Refused& refusal) {
  for (const channel::Diagnostic& diagnostic : refusal.errors) {
    say_at_source(to_error(diagnostic), line.originals, line.option("errtags"));
  }
  return kFatal;
}

// -E -e: the object as a file.
int write_compiled(const CommandLine& line, const dif::Program& program) {
  std::string path = line.output;
  if (path.empty()) {
    path = "d.elf";
    for (const d::SourceText& source : line.sources) {
      if (source.is_file && source.name.ends_with(".d")) path = source.name.substr(0, source.name.size() - 1) + "elf";
    }
  }
  return write_object(program, path, "wrote");
}

int run_session(const CommandLine& line, const dif::Program& program, const d::StabilityReport& stability,
                Processes& processes) {
  const channel::SubmitRequest request = make_request(line, program);
  auto client = Client::connect(channel::daemon_directory());
  if (!client) return fatal(client.error());
  auto stream = open_output(line);
  if (!stream) return fatal(stream.error());

  ProgressLine progress;
  Client::Refused refusal;
  auto session = (*client)->submit(
      request, [&](const channel::Progress& p) { progress.show(p); }, &refusal);
  progress.clear();
  if (!session) {
    if (!refusal.errors.empty()) return refused(line, refusal);
    return fatal(session.error());
  }
  const channel::Submitted& reply = session->reply;
  for (const channel::GuestStatus& guest : reply.guests()) {
    for (const channel::Diagnostic& diagnostic : guest.errors()) {
      say_at_source(to_error(diagnostic), line.originals, line.option("errtags"));
    }
  }

  auto reader = engine::SessionReader::open(std::move(session->data), std::move(session->control));
  if (!reader) return fatal(reader.error());
  const auto consumer = make_consumer(program, **stream);
  for (const std::string& object : reply.variants()) add_variant(*consumer, object);
  for (const channel::ProbeName& name : reply.probes()) consumer->add_probe(to_name(name));
  const auto names = std::make_shared<GuestNames>(**client);
  for (const channel::GuestStatus& guest : reply.guests()) {
    consumer->set_target_name(static_cast<engine::TargetId>(guest.target()), guest.vmname());
    names->set_boot(static_cast<uint16_t>(guest.target()), static_cast<uint16_t>(guest.boot()));
  }
  consumer->symbols().use_guests(names);

  if (auto started = (*client)->start(reply.session()); !started) {
    return fatal("could not enable tracing: " + started.error().text());
  }
  // Said once it is true: whoever reads it may begin with what is to be traced.
  say_matched(program, {reply.matched().begin(), reply.matched().end()});
  if (line.verbose) print_stability(program, stability, false, **stream);
  say_adjustments(program, {reply.adjustments().begin(), reply.adjustments().end()});
  if (request.destructive() && !dif::option_set(program.options, "quiet")) say("allowing destructive actions");
  processes.go();
  GuestBackend backend(**client, reply.session(), names);
  return trace(**reader, *consumer, **stream, backend, processes);
}

}  // namespace

std::vector<std::string> resolvers(const CommandLine& line) {
  std::vector<std::string> words;
  const auto found = line.options.find("resolvers");
  if (found == line.options.end()) return words;
  for (size_t at = 0; at <= found->second.size();) {
    const size_t end = std::min(found->second.find(',', at), found->second.size());
    words.push_back(found->second.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

int run_guests(CommandLine& line) {
  auto processes = Processes::prepare(line);
  if (!processes) return fatal(processes.error());
  if (!load_sources(line)) return kFatal;
  d::StabilityReport stability;
  const auto compiled =
      line.object.empty() ? compile_sources(line, (*processes)->target(), &stability) : read_object(line);
  if (!compiled) return kFatal;
  if (compiled->clauses.empty() && !line.option("zdefs")) return fatal("no probes matched");
  if (dif::option_set(compiled->options, "aggpercpu")) {
    return fatal("-x aggpercpu: guests' aggregations are kept for all their CPUs together, and not by CPU");
  }
  if (line.compile_only) return line.object.empty() ? write_compiled(line, *compiled) : kOk;
  if (compiled->destructive && !dif::option_set(compiled->options, "destructive")) {
    return fatal(Error("could not enable tracing: Destructive actions not allowed", "-w allows them"));
  }
  return run_session(line, *compiled, stability, **processes);
}

}  // namespace ht::dtrace
