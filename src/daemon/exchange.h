// Requests to one guest and their answers. Each request has a kind and an id, by which its answer is known, and a
// time-out. An answer that nobody waits for is not an answer: the caller decides what to make of it.
#pragma once

#include <asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/result.h"
#include "channel/agent.pb.h"
#include "daemon/timer.h"

namespace ht::daemon {

class Exchange {
 public:
  using Body = channel::FromMinion::BodyCase;
  // Called once, or once for each page (`more`) of an answer that comes in pages. A null message: `failed` says why.
  using Reply = std::function<void(channel::FromMinion* message, const Error& failed)>;

  explicit Exchange(asio::io_context& loop) : loop_(loop) {}

  // The id of an upload: two modules may have the same types.
  static std::string types_id(const std::string& hash, const std::string& module);

  // Waits for the answer of that kind and id. A request with the same key that is still open fails.
  void expect(Body body, const std::string& id, std::chrono::milliseconds time_out, Reply reply);
  // Whether somebody waited for it.
  bool deliver(channel::FromMinion& message);
  // Nothing more will come.
  void fail_all(const Error& reason);
  size_t open() const { return waiting_.size(); }

 private:
  using Key = std::pair<int, std::string>;
  struct Waiting {
    Reply reply;
    std::chrono::milliseconds time_out;
    std::unique_ptr<Timer> timer;
  };
  void start_timer(const Key& key, Waiting& waiting);
  void fail(const Key& key, const Error& reason);

  asio::io_context& loop_;
  std::map<Key, Waiting> waiting_;
};

}  // namespace ht::daemon
