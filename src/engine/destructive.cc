// raise, stop and chill, which act while the clause runs. The current process of the host's own probes is the one that
// the engine runs in; only the command's own engine may act on it (a daemon's serves others), and nothing acts on a
// guest.
#include <unistd.h>
#include <csignal>

#include "base/clock.h"
#include "engine/machine.h"

namespace ht::engine {

using dif::ActionKind;
using dif::Fault;

namespace {

// At most so much of each interval may be chilled away.
constexpr uint64_t kChillInterval = 1'000'000'000;
constexpr uint64_t kChillMost = 500'000'000;

}  // namespace

bool Machine::run_destructive(const LoadedAction& action) {
  Value value;
  if (!action.args.empty() && !evaluate(action.args[0], &value)) return false;
  const auto number = static_cast<int32_t>(action.args.empty() ? 0 : scalar(action.args[0], value));
  if (context_->firing.target != kHost || !session_.config.in_process) return fail(Fault::kIllop);
  switch (action.kind) {
    case ActionKind::kRaise:
      return kill(getpid(), number) == 0 || fail(Fault::kIllop);
    case ActionKind::kStop:
      return kill(getpid(), SIGSTOP) == 0 || fail(Fault::kIllop);
    default:
      return chill(number);
  }
}

bool Machine::chill(int32_t nanoseconds) {
  Clock& clock = system_clock();
  const uint64_t begin = clock.monotonic_ns();
  if (begin - chill_mark_ > kChillInterval) {
    chill_mark_ = begin;
    chilled_ = 0;
  }
  if (nanoseconds < 0 || chilled_ + static_cast<uint64_t>(nanoseconds) > kChillMost) return fail(Fault::kIllop);
  chilled_ += static_cast<uint64_t>(nanoseconds);
  while (clock.monotonic_ns() - begin < static_cast<uint64_t>(nanoseconds)) {
  }
  return true;
}

}  // namespace ht::engine
