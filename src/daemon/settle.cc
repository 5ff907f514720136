#include "daemon/settle.h"

#include <algorithm>
#include <memory>

#include "daemon/vm_registry.h"

namespace ht::daemon {
namespace {

void ask_all(SessionContext& context, std::function<void()> done) {
  auto open = std::make_shared<size_t>(1);
  auto one_done = [open, done = std::move(done)] {
    if (--*open == 0) done();
  };
  for (Vm* vm : context.registry.vms()) {
    if (!vm->ready()) continue;
    ++*open;
    vm->ask_names(context.next_program++, one_done);
  }
  one_done();
}

}  // namespace

void settle_guests(SessionContext& context, const std::vector<std::string>& targets,
                   const link::TargetResolver& resolver, std::function<void()> done) {
  context.registry.settle([&context, targets, resolver, done = std::move(done)] {
    const std::vector<link::GuestNames> names = names_of(known_guests(context.registry));
    const bool asks = std::any_of(targets.begin(), targets.end(),
                                  [&](const std::string& target) { return resolver.asks_guests(target, names); });
    if (!asks) return done();
    ask_all(context, done);
  });
}

}  // namespace ht::daemon
