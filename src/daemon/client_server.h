// sub.sock: accepts clients and turns their messages into calls. One Peer per connection; when it closes, for whatever
// reason, everything the client had is ended.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <map>
#include <memory>
#include <set>

#include "channel/connection.h"
#include "daemon/lister.h"
#include "daemon/session_manager.h"

namespace ht::daemon {

class ClientServer {
 public:
  ClientServer(asio::io_context& loop, SessionContext& context, SessionManager& sessions);
  ~ClientServer();
  Result<void> listen(const std::string& path);
  void adopt(UniqueFd socket);  // a connected client

 private:
  class Peer;
  void accept();

  asio::io_context& loop_;
  SessionContext& context_;
  SessionManager& sessions_;
  asio::posix::stream_descriptor listener_;
  std::set<std::shared_ptr<Peer>> peers_;
};

}  // namespace ht::daemon
