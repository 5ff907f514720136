#include "cmd/dtrace/tracing.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

#include "base/clock.h"
#include "cmd/dtrace/fragment_stream.h"
#include "cmd/dtrace/messages.h"
#include "cmd/dtrace/signals.h"

namespace ht::dtrace {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kSecond = 1000 * kMillisecond;
// How long to sleep between looks at the buffers: short at first, so that short programs are quick.
constexpr uint64_t kShortestWait = kMillisecond;
constexpr uint64_t kLongestWait = 20 * kMillisecond;
// Without an aggrate: often enough that the buffers of aggregations stay small.
constexpr uint64_t kSnapshotInterval = 50 * kMillisecond;

// Something to do every so often; the interval is an option, which setopt() may change.
class Periodic {
 public:
  bool due(uint64_t now, uint64_t interval) {
    if (started_ && now - last_ < interval) return false;
    started_ = true;
    last_ = now;
    return true;
  }

 private:
  bool started_ = false;
  uint64_t last_ = 0;
};

void wait(uint64_t nanoseconds, const Backend& backend, const Processes& processes) {
  std::vector<pollfd> fds = {{Signals::wake_fd(), POLLIN, 0}, {backend.fd(), POLLIN, 0}};
  for (const int fd : processes.fds()) fds.push_back({fd, POLLIN, 0});
  const timespec timeout{static_cast<time_t>(nanoseconds / kSecond), static_cast<long>(nanoseconds % kSecond)};
  (void)ppoll(fds.data(), fds.size(), &timeout, nullptr);  // whatever woke us is looked at anyway
  Signals::clear_wake();
}

bool finished(const engine::SessionReader& reader) {
  return reader.exited() || reader.state() >= engine::SessionState::kDraining;
}

}  // namespace

Result<std::unique_ptr<consumer::Stream>> open_output(const CommandLine& line) {
  if (line.buffered) return std::unique_ptr<consumer::Stream>(std::make_unique<FragmentStream>());
  if (line.output.empty()) return std::unique_ptr<consumer::Stream>(std::make_unique<consumer::FileStream>(stdout));
  auto file = consumer::FileStream::append(line.output);
  if (!file) return std::move(file).error();
  return std::unique_ptr<consumer::Stream>(std::move(*file));
}

std::unique_ptr<consumer::Consumer> make_consumer(const dif::Program& program, consumer::Stream& stream) {
  consumer::Options options = consumer::Options::from(program.options);
  options.under_test = std::getenv("_DTRACE_TESTING") != nullptr;
  return std::make_unique<consumer::Consumer>(options, stream, [](const std::string& text) { say(text); });
}

void say_adjustments(const dif::Program& program, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    const bool lowered = text.find(" lowered to ") != std::string::npos;
    if (!lowered || !dif::option_set(program.options, "quietresize")) say(text);
  }
}

int trace(engine::SessionReader& reader, consumer::Consumer& consumer, consumer::Stream& stream, Backend& backend,
          Processes& processes) {
  Clock& clock = system_clock();
  const consumer::Options& options = consumer.options();
  Periodic buffers, snapshots, status;
  uint64_t next_wait = kShortestWait;
  int result = kOk;
  bool alive = true;

  consumer.set_refresh([&] { return backend.refresh(consumer); });
  status.due(clock.monotonic_ns(), 0);
  for (bool done = false; !done;) {
    // What ends the run is looked at before the buffers, so that nothing recorded before it is missed.
    const bool interrupted = Signals::asked_to_stop();
    done = interrupted || finished(reader) || processes.all_ended();
    if (interrupted && !options.under_test && !options.json) stream.write("\n");
    if (!done && !backend.poll(consumer)) {
      done = true;
      alive = false;
      result = kFatal;
    }
    const uint64_t now = clock.monotonic_ns();
    if (done || buffers.due(now, options.switchrate)) consumer.process(reader);
    if (snapshots.due(now, options.aggrate != 0 ? options.aggrate : kSnapshotInterval)) consumer.snapshot(reader);
    if (status.due(now, std::min(options.statusrate, 10 * kSecond))) consumer.report_drops(reader);
    if (auto flushed = stream.flush(); !flushed) {
      say(flushed.error());
      result = kFatal;
      done = true;
    }
    if (done) break;
    wait(next_wait, backend, processes);
    next_wait = std::min(next_wait * 2, kLongestWait);
  }

  if (!options.quiet) {
    for (const std::string& text : processes.how_ended()) say(text);
  }
  if (!alive || !backend.stop(consumer)) {
    result = kFatal;
    reader.abandon();
  }
  consumer.process(reader);
  consumer.snapshot(reader);
  consumer.print_remaining();
  if (auto flushed = stream.flush(); !flushed) {
    if (result == kOk) say(flushed.error());  // once is enough
    result = kFatal;
  }
  consumer.report_drops(reader);
  backend.report(consumer);
  (void)stream.flush();  // a failure has been said
  return result != kOk ? result : reader.exit_status() & 255;
}

}  // namespace ht::dtrace
