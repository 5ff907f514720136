#include "daemon/overlord.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <thread>

#include "base/log.h"
#include "daemon/client_server.h"
#include "guest/qemu_ram.h"

namespace ht::daemon {

Result<Overlord::Parts> Overlord::real_parts(const Options& options) {
  Parts parts;
  parts.claims = "/run/hypertrace";
  if (::mkdir(parts.claims.c_str(), 0700) != 0 && errno != EEXIST) return errno_error("cannot make " + parts.claims);
  parts.finder = std::make_unique<QemuFinder>("/proc", options.sockets, options.directory);
  parts.open_ram = guest::open_qemu_ram;
  // One polling thread serves many guests; it wants a CPU of its own, so there are few.
  const unsigned pollers = std::clamp(std::thread::hardware_concurrency() / 8, 1u, 4u);
  parts.engine = engine::Engine::create(pollers + 1, system_clock());
  for (uint32_t slot = 1; slot <= pollers; ++slot) parts.pollers.push_back(call::Poller::create(*parts.engine, slot));
  return parts;
}

Overlord::Overlord(asio::io_context& loop, const Layout& layout, Parts parts)
    : loop_(loop),
      layout_(layout),
      parts_(std::move(parts)),
      registry_(loop, parts_.limits, *parts_.finder, parts_.open_ram, parts_.claims),
      calls_(parts_.limits, std::move(parts_.pollers)),
      type_store_(layout.types),
      type_fetcher_(parts_.limits, registry_, type_store_),
      program_store_(layout.base, layout.outbound),
      context_{.limits = parts_.limits,
               .registry = registry_,
               .calls = calls_,
               .types = type_fetcher_,
               .type_store = type_store_,
               .linker = linker_,
               .store = program_store_,
               .ids = ids_,
               .engine = *parts_.engine,
               .slots = 1},
      sessions_(loop, context_) {
  context_.slots = calls_.slots();
  registry_.set_named(
      [this](engine::TargetId target, const std::string& name) { parts_.engine->set_target_name(target, name); });
}

// In an orderly way while all parts are still there: clients are let go, which disarms their programs; then guests.
Overlord::~Overlord() {
  server_.reset();
  for (Vm* vm : registry_.vms()) vm->cut_off("dtraced ends");
}

Result<void> Overlord::start() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) == 0) parts_.engine->set_target_name(engine::kHost, name);
  server_ = std::make_unique<ClientServer>(loop_, context_, sessions_);
  RETURN_IF_ERROR(server_->listen(layout_.socket));
  registry_.scan();
  return {};
}

namespace {

Result<void> serve(const Options& options, Background* background) {
  if (::geteuid() != 0) return Error("the overlord needs root: it reads the memory of guests");
  const Layout layout = layout_of(options);
  ASSIGN_OR_RETURN(Instance instance, Instance::claim(layout));
  RETURN_IF_ERROR(background == nullptr ? log::to_stderr(options.verbose) : log::to_file(layout.log, options.verbose));
  asio::io_context loop(1);
  ASSIGN_OR_RETURN(auto parts, Overlord::real_parts(options));
  Overlord overlord(loop, layout, std::move(parts));
  RETURN_IF_ERROR(overlord.start());
  asio::signal_set signals(loop);
  std::error_code ignored;
  for (int number : {SIGINT, SIGTERM}) signals.add(number, ignored);
  signals.async_wait([&loop](const std::error_code& failed, int) {
    if (!failed) loop.stop();
  });
  log::info("dtraced is ready, process {}, {}", ::getpid(), layout.socket);
  if (background != nullptr) background->ready();
  loop.run();
  log::info("dtraced ends");
  return {};
}

}  // namespace

int run_overlord(const Options& options) {
  return run_daemon(options, serve);
}

}  // namespace ht::daemon
