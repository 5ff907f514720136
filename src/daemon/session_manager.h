// All sessions, and what concerns them together: guests that come and go, and the watch over them while anything is
// traced. With no session there is no timer.
#pragma once

#include <map>
#include <memory>

#include "daemon/timer.h"
#include "daemon/trace_session.h"

namespace ht::daemon {

class SessionManager final : public Vm::Watcher {
 public:
  SessionManager(asio::io_context& loop, SessionContext& context);
  ~SessionManager() override;

  // A new session of the client behind `send`; 0 if there are too many. The answer goes to `send`.
  uint64_t submit(const channel::SubmitRequest& request, TraceSession::Send send);
  Result<void> start(uint64_t id);
  void end(uint64_t id, TraceSession::Ended ended);  // also for clients that died
  size_t count() const { return sessions_.size(); }

 private:
  void vm_ready(Vm& vm) override;
  void vm_lost(Vm& vm, const std::string& why) override;
  void vm_gone(Vm& vm) override;
  void watch();
  std::vector<std::shared_ptr<TraceSession>> all() const;

  asio::io_context& loop_;
  SessionContext& context_;
  std::map<uint64_t, std::shared_ptr<TraceSession>> sessions_;
  uint64_t next_ = 1;
  Timer watch_timer_;
};

}  // namespace ht::daemon
