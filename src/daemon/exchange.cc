#include "daemon/exchange.h"

namespace ht::daemon {
namespace {

using channel::FromMinion;

// The id by which a message answers a request, and whether more pages of it follow.
std::string id_of(const FromMinion& message) {
  switch (message.body_case()) {
    case FromMinion::kTypes:
      return Exchange::types_id(message.types().hash(), message.types().module());
    case FromMinion::kList:
      return std::to_string(message.list().request());
    case FromMinion::kSymbols:
      return std::to_string(message.symbols().request());
    case FromMinion::kNames:
      return std::to_string(message.names().request());
    case FromMinion::kModules:
      return std::to_string(message.modules().request());
    case FromMinion::kAddresses:
      return std::to_string(message.addresses().request());
    case FromMinion::kInstalled:
      return std::to_string(message.installed().program());
    case FromMinion::kArmed:
      return std::to_string(message.armed().program());
    case FromMinion::kDisarmed:
      return std::to_string(message.disarmed().program());
    default:
      return {};
  }
}

bool more_follows(const FromMinion& message) {
  return message.has_installed() && message.installed().more() && message.installed().error().empty();
}

}  // namespace

std::string Exchange::types_id(const std::string& hash, const std::string& module) {
  return hash + " " + module;
}

void Exchange::expect(Body body, const std::string& id, std::chrono::milliseconds time_out, Reply reply) {
  const Key key(body, id);
  fail(key, Error("it was asked again"));
  Waiting& waiting = waiting_[key];
  waiting.reply = std::move(reply);
  waiting.time_out = time_out;
  waiting.timer = std::make_unique<Timer>(loop_);
  start_timer(key, waiting);
}

void Exchange::start_timer(const Key& key, Waiting& waiting) {
  waiting.timer->after(waiting.time_out, [this, key] { fail(key, Error("the guest does not answer")); });
}

bool Exchange::deliver(FromMinion& message) {
  auto found = waiting_.find(Key(message.body_case(), id_of(message)));
  if (found == waiting_.end()) return false;
  if (more_follows(message)) {
    start_timer(found->first, found->second);
    Reply reply = found->second.reply;
    reply(&message, Error());
    return true;
  }
  Reply reply = std::move(found->second.reply);
  waiting_.erase(found);
  reply(&message, Error());
  return true;
}

void Exchange::fail(const Key& key, const Error& reason) {
  auto found = waiting_.find(key);
  if (found == waiting_.end()) return;
  Reply reply = std::move(found->second.reply);
  waiting_.erase(found);
  reply(nullptr, reason);
}

void Exchange::fail_all(const Error& reason) {
  while (!waiting_.empty()) fail(Key(waiting_.begin()->first), reason);
}

}  // namespace ht::daemon
