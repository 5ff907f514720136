// dtraced -m: the guest's end. One thread that blocks on its port; answers requests one at a time, in order. It holds
// nothing that the overlord cannot take away: when the port's other end closes, everything is disarmed.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "agent/agent.h"
#include "channel/agent.pb.h"
#include "channel/frame.h"
#include "daemon/options.h"

namespace ht::daemon {

// A byte stream whose other end comes and goes.
class Port {
 public:
  enum class Event { kData, kDisconnected, kStopped };
  virtual ~Port() = default;
  // Waits until there is something to read, nobody is at the other end, or the daemon is to end.
  virtual Event wait() = 0;
  // Waits, after kDisconnected, until somebody may be there (or for a while). False: the daemon is to end.
  virtual bool wait_for_host() = 0;
  virtual size_t read(std::span<uint8_t> buffer) = 0;  // 0: nothing, or disconnected
  // All of it, within a bounded time; an error means that the other end is to be considered gone.
  virtual Result<void> write(ByteView data) = 0;
};

class Minion {
 public:
  Minion(agent::Agent& agent, Port& port);
  // Until the port says so.
  void run();

 private:
  // A program being received or received. `matches` are the clauses' probes.
  struct Program {
    std::string sha256;
    Bytes object;
    bool complete = false;
    std::vector<agent::ClauseMatch> matches;
  };

  void receive(std::span<uint8_t> buffer);
  void host_is_gone();
  void handle(const channel::ToMinion& message);
  void on_greeting(const channel::Greeting& greeting);
  void on_types(const channel::TypesRequest& request);
  void on_addresses(const channel::AddressesRequest& request);
  void on_names(const channel::NamesRequest& request);
  Result<const Bytes*> types_to_send(const channel::TypesRequest& request);
  void on_modules(const channel::ModulesRequest& request);
  void on_symbols(const channel::SymbolsRequest& request);
  void on_list(const channel::ListRequest& request);
  void on_install(const channel::Install& install);
  Result<void> finish_install(Program* program);
  void send_installed(uint64_t id, const Program& program);
  void on_arm(const channel::Arm& arm);
  void on_disarm(const channel::Disarm& disarm);
  void send_hello();
  void send(const channel::FromMinion& message);
  void fill(channel::Counters* counters) const;

  agent::Agent& agent_;
  Port& port_;
  channel::FrameDecoder decoder_{channel::kGuestFrameLimit};
  const std::string identity_;  // of this process
  std::string instance_;        // of the last Greeting
  std::map<uint64_t, Program> programs_;
  std::map<std::string, Bytes> types_;  // by hash, while they are being uploaded
  bool connected_ = false;
};

// The whole program: returns the exit status.
int run_minion(const Options& options);

}  // namespace ht::daemon
