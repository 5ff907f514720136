#include "channel/connection.h"

#include <google/protobuf/message_lite.h>

#include <array>
#include <asio/post.hpp>

namespace ht::channel {
namespace {

constexpr size_t kReadBuffer = 64 << 10;
constexpr int kReadsPerTurn = 4;  // then the other connections have theirs

}  // namespace

std::shared_ptr<Connection> Connection::create(asio::io_context& loop, UniqueFd socket, const Config& config) {
  return std::shared_ptr<Connection>(new Connection(loop, std::move(socket), config));
}

Connection::Connection(asio::io_context& loop, UniqueFd socket, const Config& config)
    : config_(config), socket_(loop, socket.release()), unfinished_(loop), decoder_(config.frame_limit) {}

Connection::~Connection() = default;

void Connection::start(Handlers handlers) {
  handlers_ = std::move(handlers);
  wait_readable();
}

void Connection::wait_readable() {
  socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [self = shared_from_this()](const std::error_code& failed) {
                       if (!failed && self->open_) self->read_some();
                     });
}

void Connection::read_some() {
  static thread_local std::array<uint8_t, kReadBuffer> buffer;
  for (int turn = 0; turn < kReadsPerTurn && open_; ++turn) {
    auto received = receive_with_fds(socket_.native_handle(), buffer);
    if (!received.ok()) return fail(std::move(received).error());
    if (!received->has_value()) break;
    const size_t bytes = (*received)->bytes;  // descriptors from a peer are not wanted: closed here
    if (bytes == 0) return fail(Error("the other end closed the connection"));
    decoder_.feed(ByteView(buffer).first(bytes));
    hand_over();
  }
  if (!open_) return;
  watch_unfinished();
  wait_readable();
}

void Connection::hand_over() {
  const auto keep = shared_from_this();  // a handler may drop the connection
  while (open_) {
    auto payload = decoder_.next();
    const uint64_t more = decoder_.garbage() - garbage_seen_;
    garbage_seen_ += more;
    if (more > 0 && handlers_.garbage) {
      auto report = handlers_.garbage;
      report(more);
    }
    if (!payload || !open_) return;
    if (handlers_.message) {
      auto deliver = handlers_.message;
      deliver(*payload);
    }
  }
}

void Connection::watch_unfinished() {
  if (decoder_.pending() == 0) {
    unfinished_.cancel();
    return;
  }
  unfinished_.expires_after(config_.unfinished);
  unfinished_.async_wait([weak = weak_from_this()](const std::error_code& cancelled) {
    auto self = weak.lock();
    if (cancelled || !self || !self->open_) return;
    if (self->unfinished_.expiry() > std::chrono::steady_clock::now()) return;  // it was put off meanwhile
    self->decoder_.abandon();
    self->hand_over();
  });
}

void Connection::send(const google::protobuf::MessageLite& message, std::vector<UniqueFd> fds) {
  if (!open_) return;
  Outgoing outgoing;
  outgoing.bytes = encode_frame(message);
  outgoing.fds = std::move(fds);
  queued_ += outgoing.bytes.size();
  queue_.push_back(std::move(outgoing));
  // One message may be larger than the limit; a backlog may not.
  if (queued_ > config_.queue_limit && queue_.size() > 1) {
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
      self->fail(Error("the other end does not read: too much is waiting to be sent"));
    });
    return;
  }
  if (!waiting_writable_) flush();
}

void Connection::flush() {
  while (open_ && !queue_.empty()) {
    if (send_front()) continue;
    if (!open_) return;
    waiting_writable_ = true;
    socket_.async_wait(asio::posix::stream_descriptor::wait_write,
                       [self = shared_from_this()](const std::error_code& failed) {
                         self->waiting_writable_ = false;
                         if (!failed && self->open_) self->flush();
                       });
    return;
  }
}

// Sends some of the first message; false when the socket takes no more (or broke: then the failure is on its way).
bool Connection::send_front() {
  Outgoing& front = queue_.front();
  static const std::vector<UniqueFd> kNone;
  auto sent = send_with_fds(socket_.native_handle(), ByteView(front.bytes).subspan(front.sent),
                            front.sent == 0 ? front.fds : kNone);
  if (!sent.ok()) {
    queue_.clear();
    queued_ = 0;
    asio::post(socket_.get_executor(),
               [self = shared_from_this(), reason = std::move(sent).error()] { self->fail(reason); });
    return true;  // nothing is left to send
  }
  if (*sent == 0) return false;
  front.sent += *sent;
  queued_ -= *sent;
  if (front.sent == front.bytes.size()) queue_.pop_front();
  return true;
}

void Connection::fail(Error reason) {
  if (!open_) return;
  const auto keep = shared_from_this();
  auto closed = std::move(handlers_.closed);
  close();
  if (closed) closed(reason);
}

void Connection::close() {
  if (!open_) return;
  open_ = false;
  handlers_ = {};
  unfinished_.cancel();
  while (!queue_.empty() && send_front()) {
  }
  queue_.clear();
  std::error_code ignored;
  socket_.close(ignored);
}

}  // namespace ht::channel
