// One framed, connected unix socket in the daemon's event loop: a client on sub.sock, or the chardev of a guest's port.
//
// All calls and callbacks are in the loop's thread. Nothing blocks: what the peer does not take is queued, up to a
// limit beyond which the connection is closed, so a peer that stops reading costs bounded memory and nobody's time.
#pragma once

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "channel/frame.h"

namespace ht::channel {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  struct Config {
    size_t frame_limit = kGuestFrameLimit;
    size_t queue_limit = size_t{16} << 20;  // bytes waiting to be written
    // An unfinished frame that nothing is added to for so long is garbage: its sender died.
    std::chrono::milliseconds unfinished{2000};
  };
  // Called from the loop, never from inside a call of the owner.
  struct Handlers {
    std::function<void(ByteView payload)> message;
    std::function<void(uint64_t bytes)> garbage;      // that many more
    std::function<void(const Error& reason)> closed;  // last call
  };

  static std::shared_ptr<Connection> create(asio::io_context& loop, UniqueFd socket, const Config& config);
  ~Connection();

  void start(Handlers handlers);
  // Queues a message; the descriptors travel with it. Nothing happens on a closed connection.
  void send(const google::protobuf::MessageLite& message, std::vector<UniqueFd> fds = {});
  // No callback comes any more. What is queued is tried once more, without waiting.
  void close();
  bool is_open() const { return open_; }

 private:
  struct Outgoing {
    Bytes bytes;
    size_t sent = 0;
    std::vector<UniqueFd> fds;
  };

  Connection(asio::io_context& loop, UniqueFd socket, const Config& config);
  void wait_readable();
  void read_some();
  void hand_over();
  void watch_unfinished();
  void flush();
  bool send_front();
  void fail(Error reason);

  Config config_;
  asio::posix::stream_descriptor socket_;
  asio::steady_timer unfinished_;
  FrameDecoder decoder_;
  Handlers handlers_;
  std::deque<Outgoing> queue_;
  size_t queued_ = 0;
  uint64_t garbage_seen_ = 0;
  bool waiting_writable_ = false;
  bool open_ = true;
};

// A connected stream socket to `path`; non-blocking, close-on-exec.
Result<UniqueFd> connect_unix(const std::string& path);
// Listening, replacing a stale socket file; mode 0600.
Result<UniqueFd> listen_unix(const std::string& path);

// sendmsg without waiting. Returns bytes sent, 0 if it would block, or an error. `fds` go with the first byte.
Result<size_t> send_with_fds(int socket, ByteView data, const std::vector<UniqueFd>& fds);
// recvmsg without waiting. `received` is what came (empty at end of stream); nullopt if it would block.
struct Received {
  size_t bytes = 0;
  std::vector<UniqueFd> fds;
};
Result<std::optional<Received>> receive_with_fds(int socket, std::span<uint8_t> buffer);

}  // namespace ht::channel
