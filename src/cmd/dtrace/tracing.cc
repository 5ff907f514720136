#include "cmd/dtrace/tracing.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "base/clock.h"
#include "cmd/dtrace/messages.h"
#include "cmd/dtrace/signals.h"

namespace ht::dtrace {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kSecond = 1000 * kMillisecond;
// How long to sleep between looks at the buffers: short at first, so that short programs are quick.
constexpr uint64_t kShortestWait = kMillisecond;
constexpr uint64_t kLongestWait = 20 * kMillisecond;
constexpr uint64_t kSnapshotInterval = 50 * kMillisecond;

// Something to do every so often.
class Periodic {
 public:
  explicit Periodic(uint64_t interval) : interval_(interval) {}
  bool due(uint64_t now) {
    if (now < next_) return false;
    next_ = now + interval_;
    return true;
  }

 private:
  uint64_t interval_;
  uint64_t next_ = 0;
};

void wait(uint64_t nanoseconds, const Backend& backend, const Command* command) {
  pollfd fds[] = {
      {Signals::wake_fd(), POLLIN, 0}, {backend.fd(), POLLIN, 0}, {command != nullptr ? command->fd() : -1, POLLIN, 0}};
  const timespec timeout{static_cast<time_t>(nanoseconds / kSecond), static_cast<long>(nanoseconds % kSecond)};
  (void)ppoll(fds, 3, &timeout, nullptr);  // whatever woke us is looked at anyway
  Signals::clear_wake();
}

bool finished(const engine::SessionReader& reader) {
  return reader.exited() || reader.state() >= engine::SessionState::kDraining;
}

}  // namespace

Result<std::unique_ptr<consumer::Stream>> open_output(const CommandLine& line) {
  if (line.output.empty()) return std::unique_ptr<consumer::Stream>(std::make_unique<consumer::FileStream>(stdout));
  auto file = consumer::FileStream::append(line.output);
  if (!file) return std::move(file).error();
  return std::unique_ptr<consumer::Stream>(std::move(*file));
}

std::unique_ptr<consumer::Consumer> make_consumer(const dif::Program& program, consumer::Stream& stream) {
  return std::make_unique<consumer::Consumer>(consumer::Options::from(program.options), stream,
                                              [](const std::string& text) { say(text); });
}

int trace(const dif::Program& program, engine::SessionReader& reader, consumer::Consumer& consumer,
          consumer::Stream& stream, Backend& backend, Command* command) {
  Clock& clock = system_clock();
  Periodic snapshots(rate_ns(program.options, "aggrate", kSnapshotInterval));
  Periodic status(rate_ns(program.options, "statusrate", kSecond));
  const uint64_t longest = std::min(rate_ns(program.options, "switchrate", kLongestWait), 10 * kSecond);
  uint64_t next_wait = std::min(kShortestWait, longest);
  int result = kOk;
  bool alive = true;

  consumer.set_refresh([&] { return backend.refresh(consumer); });
  snapshots.due(clock.monotonic_ns());
  status.due(clock.monotonic_ns());
  for (bool done = false; !done;) {
    // What ends the run is looked at before the buffers, so that nothing recorded before it is missed.
    const bool interrupted = Signals::asked_to_stop();
    done = interrupted || finished(reader) || (command != nullptr && command->ended());
    if (interrupted && !consumer.options().json) stream.write("\n");
    if (!done && !backend.poll(consumer)) {
      done = true;
      alive = false;
      result = kFatal;
    }
    consumer.process(reader);
    const uint64_t now = clock.monotonic_ns();
    if (snapshots.due(now)) consumer.snapshot(reader);
    if (status.due(now)) consumer.report_drops(reader);
    if (auto flushed = stream.flush(); !flushed) {
      say(flushed.error());
      result = kFatal;
      done = true;
    }
    if (done) break;
    wait(next_wait, backend, command);
    next_wait = std::min(next_wait * 2, longest);
  }

  if (command != nullptr && !command->how_ended().empty() && !consumer.options().quiet) say(command->how_ended());
  if (alive && !backend.stop(consumer)) result = kFatal;
  consumer.process(reader);
  consumer.snapshot(reader);
  consumer.print_remaining();
  if (auto flushed = stream.flush(); !flushed) {
    say(flushed.error());
    result = kFatal;
  }
  consumer.report_drops(reader);
  backend.report(consumer);
  (void)stream.flush();  // a failure has been said
  return result != kOk ? result : reader.exit_status() & 255;
}

}  // namespace ht::dtrace
