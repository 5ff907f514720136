// dtraced -m as a program: its instance, its agent, its port.
#include <unistd.h>

#include "base/log.h"
#include "daemon/instance.h"
#include "daemon/minion.h"
#include "daemon/virtio_port.h"

namespace ht::daemon {
namespace {

Result<void> serve(const Options& options, Background* background) {
  if (::geteuid() != 0) return Error("the minion needs root: it loads eBPF programs");
  const Layout layout = layout_of(options);
  ASSIGN_OR_RETURN(Instance instance, Instance::claim(layout));
  RETURN_IF_ERROR(background == nullptr ? log::to_stderr(options.verbose) : log::to_file(layout.log, options.verbose));
  ASSIGN_OR_RETURN(auto port, VirtioPort::open(options.port));
  ASSIGN_OR_RETURN(auto agent, agent::Agent::create());
  const agent::GuestInfo& info = agent->info();
  log::info("dtraced is ready, process {}, kernel {}, {} CPUs, {}", ::getpid(), info.kernel, info.cpus, options.port);
  if (background != nullptr) background->ready();
  Minion minion(*agent, *port);
  minion.run();
  log::info("dtraced ends");
  return {};
}

}  // namespace

int run_minion(const Options& options) {
  return run_daemon(options, serve);
}

}  // namespace ht::daemon
