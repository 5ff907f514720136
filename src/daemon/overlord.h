// dtraced -O: one control thread around an event loop, and the pollers while something is armed.
#pragma once

#include <asio/io_context.hpp>
#include <memory>

#include "daemon/instance.h"
#include "daemon/limits.h"
#include "daemon/options.h"
#include "daemon/session_manager.h"

namespace ht::daemon {

class ClientServer;

class Overlord {
 public:
  // What it is made of; tests put other parts in.
  struct Parts {
    std::unique_ptr<VmFinder> finder;
    VmRegistry::OpenRam open_ram;
    std::unique_ptr<engine::Engine> engine;
    std::vector<std::unique_ptr<call::Poller>> pollers;  // slot i + 1 is pollers[i]'s
    std::string claims;                                  // directory of the guests' locks
    Limits limits;
  };
  static Result<Parts> real_parts(const Options& options);

  Overlord(asio::io_context& loop, const Layout& layout, Parts parts);
  ~Overlord();

  // Opens sub.sock and looks for guests.
  Result<void> start();
  VmRegistry& registry() { return registry_; }
  SessionManager& sessions() { return sessions_; }

 private:
  asio::io_context& loop_;
  Layout layout_;
  Parts parts_;
  VmRegistry registry_;
  CallService calls_;
  TypeStore type_store_;
  TypeFetcher type_fetcher_;
  Linker linker_;
  ProgramStore program_store_;
  ProbeIds ids_;
  SessionContext context_;
  SessionManager sessions_;
  std::unique_ptr<ClientServer> server_;
};

// The whole program: returns the exit status.
int run_overlord(const Options& options);

}  // namespace ht::daemon
