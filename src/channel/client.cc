#include "channel/client.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <deque>

#include "base/clock.h"
#include "channel/connection.h"

namespace ht::channel {
namespace {

// How long the daemon may be silent before it is given up, seconds. Progress counts as an answer.
constexpr int kShort = 30;
constexpr int kLong = 180;

Error lost() {
  return Error("dtraced is gone: it closed the connection");
}

class ClientImpl final : public Client {
 public:
  explicit ClientImpl(UniqueFd socket) : socket_(std::move(socket)) {}

  Result<Session> submit(const SubmitRequest& request, const OnProgress& progress, Refused* refused) override;
  Result<void> start(uint64_t session) override;
  Result<Stopped> stop(uint64_t session) override;
  Result<std::optional<Event>> poll_event() override;
  int fd() const override { return socket_.get(); }
  Result<ResolveReply> resolve(const ResolveRequest& request) override;
  Result<std::vector<ListedProbe>> list_probes(const ListProbesRequest& request) override;
  Result<VmListReply> vm_list() override;
  Result<Done> vm_add(const VmAddRequest& request) override;
  Result<Done> vm_rescan() override;
  Result<Done> vm_remove(const std::string& name) override;
  Result<TypesListReply> types_list() override;
  Result<Done> types_show(const std::string& hash, const std::string& name) override;
  Result<Done> types_drop(const std::string& hash) override;

 private:
  enum class OnSignal { kContinue, kGiveUp };

  Result<void> send(const ToDaemon& message);
  // The next message that is not an Event. A Failure becomes an Error made of its first diagnostic.
  Result<FromDaemon> answer(int seconds, OnSignal on_signal = OnSignal::kContinue);
  Result<FromDaemon> ask(const ToDaemon& message, int seconds, FromDaemon::BodyCase expected);
  Result<Done> ask_done(const ToDaemon& message);
  Result<std::optional<FromDaemon>> next_buffered();
  Result<bool> receive();  // false: nothing there
  Result<void> wait(short events, uint64_t deadline_ns, OnSignal on_signal);

  UniqueFd socket_;
  FrameDecoder decoder_{kClientFrameLimit};
  std::deque<UniqueFd> fds_;
  std::deque<Event> events_;
  std::vector<Diagnostic> diagnostics_;  // of the last Failure
};

uint64_t after(int seconds) {
  return system_clock().monotonic_ns() + uint64_t(seconds) * 1'000'000'000;
}

Error from_diagnostic(const Diagnostic& diagnostic) {
  Error error(diagnostic.message(), diagnostic.hint());
  error.tag = diagnostic.tag();
  error.pos = {diagnostic.file(), diagnostic.line(), diagnostic.column()};
  return error;
}

Result<void> ClientImpl::wait(short events, uint64_t deadline_ns, OnSignal on_signal) {
  for (;;) {
    const uint64_t now = system_clock().monotonic_ns();
    if (now >= deadline_ns) return Error("dtraced does not answer");
    pollfd poll{socket_.get(), events, 0};
    const int ready = ::poll(&poll, 1, static_cast<int>((deadline_ns - now) / 1'000'000 + 1));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return errno_error("cannot wait for dtraced");
    if (ready < 0 && on_signal == OnSignal::kGiveUp) return Error("interrupted");
  }
}

Result<void> ClientImpl::send(const ToDaemon& message) {
  const Bytes frame = encode_frame(message);
  if (frame.size() > kClientFrameLimit) return Error("the program is too large to be sent to dtraced");
  const uint64_t deadline = after(kShort);
  size_t sent = 0;
  while (sent < frame.size()) {
    auto count = send_with_fds(socket_.get(), ByteView(frame).subspan(sent), {});
    if (!count.ok()) return lost();
    sent += *count;
    if (*count == 0) RETURN_IF_ERROR(wait(POLLOUT, deadline, OnSignal::kContinue));
  }
  return {};
}

Result<bool> ClientImpl::receive() {
  std::array<uint8_t, 65536> buffer;
  auto received = receive_with_fds(socket_.get(), buffer);
  if (!received.ok()) return lost();
  if (!received->has_value()) return false;
  Received& got = **received;
  for (UniqueFd& fd : got.fds) fds_.push_back(std::move(fd));
  if (got.bytes == 0) return lost();
  decoder_.feed(ByteView(buffer).first(got.bytes));
  return true;
}

Result<std::optional<FromDaemon>> ClientImpl::next_buffered() {
  auto payload = decoder_.next();
  if (decoder_.garbage() > 0) return Error("what answers on the socket is not dtraced");
  if (!payload) return std::optional<FromDaemon>();
  FromDaemon message;
  if (!message.ParseFromArray(payload->data(), static_cast<int>(payload->size()))) {
    return Error("dtraced sent a message that cannot be understood: is it of another version?");
  }
  return std::optional<FromDaemon>(std::move(message));
}

Result<FromDaemon> ClientImpl::answer(int seconds, OnSignal on_signal) {
  const uint64_t deadline = after(seconds);
  for (;;) {
    ASSIGN_OR_RETURN(auto message, next_buffered());
    if (!message) {
      ASSIGN_OR_RETURN(const bool more, receive());
      if (!more) RETURN_IF_ERROR(wait(POLLIN, deadline, on_signal));
      continue;
    }
    if (message->has_event()) {
      events_.push_back(std::move(*message->mutable_event()));
      continue;
    }
    if (message->has_failure()) {
      const auto& errors = message->failure().errors();
      diagnostics_.assign(errors.begin(), errors.end());
      return diagnostics_.empty() ? Error("dtraced refused, and gave no reason") : from_diagnostic(diagnostics_[0]);
    }
    return std::move(*message);
  }
}

Result<FromDaemon> ClientImpl::ask(const ToDaemon& message, int seconds, FromDaemon::BodyCase expected) {
  diagnostics_.clear();
  RETURN_IF_ERROR(send(message));
  ASSIGN_OR_RETURN(FromDaemon reply, answer(seconds));
  if (reply.body_case() != expected) return Error("dtraced sent an answer to something else");
  return reply;
}

Result<Client::Session> ClientImpl::submit(const SubmitRequest& request, const OnProgress& progress, Refused* refused) {
  diagnostics_.clear();
  ToDaemon message;
  *message.mutable_submit() = request;
  RETURN_IF_ERROR(send(message));
  for (;;) {
    auto reply = answer(kLong, OnSignal::kGiveUp);
    if (!reply.ok()) {
      if (refused != nullptr) refused->errors = diagnostics_;
      return std::move(reply).error();
    }
    if (reply->has_progress()) {
      if (progress) progress(reply->progress());
      continue;
    }
    if (!reply->has_submitted()) return Error("dtraced sent an answer to something else");
    if (fds_.size() < 2) return Error("dtraced did not pass the session's buffers");
    Session session;
    session.reply = std::move(*reply->mutable_submitted());
    session.data = std::move(fds_[0]);
    session.control = std::move(fds_[1]);
    fds_.erase(fds_.begin(), fds_.begin() + 2);
    return session;
  }
}

Result<void> ClientImpl::start(uint64_t session) {
  ToDaemon message;
  message.mutable_start()->set_session(session);
  RETURN_IF_ERROR(ask(message, kShort, FromDaemon::kStarted));
  return {};
}

Result<Stopped> ClientImpl::stop(uint64_t session) {
  ToDaemon message;
  message.mutable_stop()->set_session(session);
  ASSIGN_OR_RETURN(FromDaemon reply, ask(message, kLong, FromDaemon::kStopped));
  return std::move(*reply.mutable_stopped());
}

Result<std::optional<Event>> ClientImpl::poll_event() {
  for (;;) {
    if (!events_.empty()) {
      std::optional<Event> event(std::move(events_.front()));
      events_.pop_front();
      return event;
    }
    ASSIGN_OR_RETURN(auto message, next_buffered());
    if (message) {
      if (message->has_event()) events_.push_back(std::move(*message->mutable_event()));
      continue;  // a late answer to something given up: of no use now
    }
    ASSIGN_OR_RETURN(const bool more, receive());
    if (!more) return std::optional<Event>();
  }
}

Result<std::vector<ListedProbe>> ClientImpl::list_probes(const ListProbesRequest& request) {
  diagnostics_.clear();
  ToDaemon message;
  *message.mutable_list_probes() = request;
  RETURN_IF_ERROR(send(message));
  std::vector<ListedProbe> probes;
  for (;;) {
    ASSIGN_OR_RETURN(FromDaemon reply, answer(kLong));
    if (reply.has_progress()) continue;
    if (!reply.has_list_probes()) return Error("dtraced sent an answer to something else");
    for (ListedProbe& probe : *reply.mutable_list_probes()->mutable_probes()) probes.push_back(std::move(probe));
    if (!reply.list_probes().more()) return probes;
  }
}

Result<VmListReply> ClientImpl::vm_list() {
  ToDaemon message;
  message.mutable_vm_list();
  ASSIGN_OR_RETURN(FromDaemon reply, ask(message, kShort, FromDaemon::kVmList));
  return std::move(*reply.mutable_vm_list());
}

Result<Done> ClientImpl::ask_done(const ToDaemon& message) {
  ASSIGN_OR_RETURN(FromDaemon reply, ask(message, kShort, FromDaemon::kDone));
  return std::move(*reply.mutable_done());
}

Result<Done> ClientImpl::vm_add(const VmAddRequest& request) {
  ToDaemon message;
  *message.mutable_vm_add() = request;
  return ask_done(message);
}

Result<Done> ClientImpl::vm_rescan() {
  ToDaemon message;
  message.mutable_vm_rescan();
  return ask_done(message);
}

Result<Done> ClientImpl::vm_remove(const std::string& name) {
  ToDaemon message;
  message.mutable_vm_remove()->set_name(name);
  return ask_done(message);
}

Result<ResolveReply> ClientImpl::resolve(const ResolveRequest& request) {
  ToDaemon message;
  *message.mutable_resolve() = request;
  ASSIGN_OR_RETURN(FromDaemon reply, ask(message, kShort, FromDaemon::kResolve));
  return std::move(*reply.mutable_resolve());
}

Result<TypesListReply> ClientImpl::types_list() {
  ToDaemon message;
  message.mutable_types_list();
  ASSIGN_OR_RETURN(FromDaemon reply, ask(message, kShort, FromDaemon::kTypesList));
  return std::move(*reply.mutable_types_list());
}

Result<Done> ClientImpl::types_show(const std::string& hash, const std::string& name) {
  ToDaemon message;
  message.mutable_types_show()->set_hash(hash);
  message.mutable_types_show()->set_name(name);
  return ask_done(message);
}

Result<Done> ClientImpl::types_drop(const std::string& hash) {
  ToDaemon message;
  message.mutable_types_drop()->set_hash(hash);
  return ask_done(message);
}

}  // namespace

std::string daemon_directory() {
  const char* named = std::getenv("DDTRACE_DIR");
  return named != nullptr && *named != '\0' ? named : "/var/ddtrace";
}

Result<std::unique_ptr<Client>> Client::connect(const std::string& directory) {
  auto socket = connect_unix(directory + "/sub.sock");
  if (!socket.ok()) {
    const int why = errno;
    std::string reason = why == ENOENT         ? "there is no such socket"
                         : why == ECONNREFUSED ? "nobody listens there any more"
                         : why == EACCES       ? "permission denied"
                                               : socket.error().message;
    return Error("cannot reach dtraced at " + directory + "/sub.sock: " + reason,
                 why == EACCES ? "this needs root" : "start it with: dtraced -O");
  }
  return std::unique_ptr<Client>(std::make_unique<ClientImpl>(std::move(socket).value()));
}

}  // namespace ht::channel
