#include "daemon/session_manager.h"

#include <asio/post.hpp>

#include "base/log.h"

namespace ht::daemon {

SessionManager::SessionManager(asio::io_context& loop, SessionContext& context)
    : loop_(loop), context_(context), watch_timer_(loop) {
  context_.registry.set_watcher(this);
}

SessionManager::~SessionManager() {
  context_.registry.set_watcher(nullptr);
}

std::vector<std::shared_ptr<TraceSession>> SessionManager::all() const {
  std::vector<std::shared_ptr<TraceSession>> list;
  for (const auto& [id, session] : sessions_) list.push_back(session);
  return list;
}

uint64_t SessionManager::submit(const channel::SubmitRequest& request, TraceSession::Send send) {
  if (sessions_.size() >= context_.limits.sessions) {
    channel::FromDaemon message;
    *message.mutable_failure()->add_errors() = to_diagnostic(Error("there are too many sessions already"));
    send(message, {});
    return 0;
  }
  const uint64_t id = next_++;
  auto session = std::make_shared<TraceSession>(context_, id, std::move(send));
  sessions_[id] = session;
  if (sessions_.size() == 1) watch_timer_.after(context_.limits.watch, [this] { watch(); });
  // Ended from the loop: the session may be in the middle of one of its phases when it finds that it cannot go on.
  session->submit(request, [this, id] { asio::post(loop_, [this, id] { end(id, {}); }); });
  return id;
}

Result<void> SessionManager::start(uint64_t id) {
  auto found = sessions_.find(id);
  if (found == sessions_.end()) return Error("there is no such session");
  return found->second->start();
}

void SessionManager::end(uint64_t id, TraceSession::Ended ended) {
  auto found = sessions_.find(id);
  if (found == sessions_.end()) {
    if (ended) ended({});
    return;
  }
  auto session = found->second;
  session->end([this, id, ended = std::move(ended)](const channel::Stopped& stopped) {
    if (ended) ended(stopped);
    sessions_.erase(id);
    if (sessions_.empty()) watch_timer_.cancel();
  });
}

void SessionManager::vm_ready(Vm& vm) {
  for (const auto& session : all()) session->vm_ready(vm);
}

void SessionManager::vm_lost(Vm& vm, const std::string& why) {
  context_.calls.lost(vm.target());  // first: the engine must not be called for it while sessions let it go
  for (const auto& session : all()) session->vm_lost(vm, why);
}

void SessionManager::vm_gone(Vm&) {}

void SessionManager::watch() {
  context_.registry.scan();
  for (Vm* vm : context_.registry.vms()) {
    const std::string failure = context_.calls.failure(vm->target());
    // If it is rebooting, Hello comes when it is up again; if not, reconnecting makes its minion disarm.
    if (!failure.empty()) vm->reset(failure);
  }
  if (!sessions_.empty()) watch_timer_.after(context_.limits.watch, [this] { watch(); });
}

}  // namespace ht::daemon
