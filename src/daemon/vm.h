// One guest as the overlord knows it: its hypervisor process, the channel to its minion, and what it has said of
// itself.
//
//   connecting --Hello--> ready --channel closed, reboot--> connecting
//       |  (no Hello in time)                                   hypervisor process ended --> gone
//       +--> no agent --Hello--> ready                          protocol violated        --> failed: why
//
// A chardev serves one connection; a second one waits in line, unnoticed. So that two overlords do not wait in each
// other's line there is a lock for each guest, and the one who comes second says that the guest is busy.
//
// Greeting is sent on each connection, with a fresh instance; the minion disarms what an earlier connection had armed
// and answers with Hello. Reconnecting is therefore the one way to be sure that nothing is armed. A Hello that answers
// no Greeting of ours means a minion that has just started: it is greeted again.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "channel/agent.pb.h"
#include "channel/connection.h"
#include "daemon/exchange.h"
#include "daemon/limits.h"
#include "daemon/lock_file.h"
#include "daemon/qemu_finder.h"
#include "daemon/timer.h"
#include "engine/firing.h"
#include "guest/guest_ram.h"

namespace ht::daemon {

class Vm {
 public:
  enum class State { kConnecting, kNoAgent, kReady, kBusy, kGone, kFailed };

  // What others want to know. Called from the loop; the Vm outlives the call.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    virtual void vm_ready(Vm& vm) = 0;
    // It was ready and is no more; nothing that it had armed counts any more.
    virtual void vm_lost(Vm& vm, const std::string& why) = 0;
    virtual void vm_gone(Vm& vm) = 0;  // its process ended
    virtual void vm_silent(Vm&) {}     // no agent answered in time
  };

  Vm(asio::io_context& loop, const Limits& limits, engine::TargetId target, FoundVm found, Watcher& watcher);
  ~Vm();

  // Watches the process and connects. `ram` was opened by the owner; the lock is in the directory `claims`, if any.
  void start(std::shared_ptr<guest::GuestRam> ram, const std::string& claims);
  // Cuts the connection; the minion disarms everything. With a reason, for good (until revive()).
  void reset(const std::string& why);
  void cut_off(const std::string& why);
  void revive();         // tries again what failed
  void retry_if_busy();  // the other overlord may have ended

  engine::TargetId target() const { return target_; }
  const std::string& name() const { return found_.name; }
  const FoundVm& found() const { return found_; }
  const channel::Hello& hello() const { return hello_; }
  State state() const { return state_; }
  bool ready() const { return state_ == State::kReady; }
  bool settled() const { return state_ != State::kConnecting; }                             // nothing to wait for
  bool greeting() const { return state_ == State::kConnecting && connection_ != nullptr; }  // its time is not over
  std::string state_name() const;
  const std::string& detail() const { return detail_; }  // why it is not ready
  std::shared_ptr<guest::GuestRam> ram() const { return ram_; }
  guest::AddressSpaceInfo address_space() const;
  uint16_t boot() const { return boot_; }      // of all that were seen, this one
  bool rebooted() const { return rebooted_; }  // its last Hello told of another boot than the one before

  // Asks what it is called now, so that hello() says it. `done` is called also if it does not answer.
  void ask_names(uint64_t request, std::function<void()> done);

  // Modules whose types a program has been linked with there, by the hash it last said; for dtracedctl types.
  void saw_module(const std::string& module, const std::string& hash);
  bool has_module(const std::string& module, const std::string& hash) const;

  void send(const channel::ToMinion& message);
  Exchange& exchange() { return exchange_; }

 private:
  bool claim();
  void watch_process();
  void connect();
  void connect_later(const std::string& why);
  void greet();
  void on_message(ByteView payload);
  void on_hello(const channel::Hello& hello);
  void take_names(channel::Names& names);
  void on_garbage(uint64_t bytes);
  void unasked();
  void lose(const std::string& why);
  void close_connection();
  void set_state(State state, std::string detail);

  asio::io_context& loop_;
  const Limits& limits_;
  const engine::TargetId target_;
  FoundVm found_;
  Watcher& watcher_;
  std::shared_ptr<guest::GuestRam> ram_;
  std::string claims_;
  std::optional<LockFile> claim_;
  State state_ = State::kConnecting;
  std::string detail_;
  asio::posix::stream_descriptor process_;
  Timer timer_;  // for Hello, or to reconnect
  Timer burst_timer_;
  std::shared_ptr<channel::Connection> connection_;
  std::string instance_;  // of our last Greeting
  channel::Hello hello_;
  std::map<std::string, std::string> modules_;  // name -> hash of its types
  Exchange exchange_;
  uint64_t garbage_ = 0;  // on this connection
  uint64_t burst_ = 0;
  uint32_t unasked_ = 0;
  uint32_t unanswered_ = 0;  // greetings on this connection
  unsigned failed_connects_ = 0;
  bool rebooted_ = false;
  uint16_t boot_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for the handler that may be queued when this ends
};

}  // namespace ht::daemon
