#include "daemon/client_server.h"
#include "daemon/address_names.h"

#include <sys/socket.h>

#include <cerrno>

#include "base/log.h"
#include "daemon/types_service.h"

namespace ht::daemon {

using channel::FromDaemon;
using channel::ToDaemon;

class ClientServer::Peer : public std::enable_shared_from_this<Peer> {
 public:
  Peer(ClientServer& server, std::shared_ptr<channel::Connection> connection)
      : server_(server), connection_(std::move(connection)) {}

  void start() {
    connection_->start({[self = shared_from_this()](ByteView payload) { self->on_message(payload); },
                        [self = shared_from_this()](uint64_t) { self->close("it does not speak our protocol"); },
                        [self = shared_from_this()](const Error&) { self->close(""); }});
  }

  // Ends everything the client had.
  void close(const std::string& why) {
    if (closed_) return;
    closed_ = true;
    auto keep = shared_from_this();
    if (!why.empty()) log::warn("a client is disconnected: {}", why);
    connection_->close();
    if (lister_) lister_->stop();
    for (uint64_t session : sessions_) server_.sessions_.end(session, {});
    server_.peers_.erase(keep);
  }

 private:
  void on_message(ByteView payload);
  void submit(const channel::SubmitRequest& request);
  void stop(uint64_t session);
  void list_probes(const channel::ListProbesRequest& request);
  void vm_list();
  void types_list();
  void resolve(const channel::ResolveRequest& request);
  VmRegistry& registry() { return server_.context_.registry; }

  void send(const FromDaemon& message) { connection_->send(message); }
  void send_done(const std::string& text) {
    FromDaemon message;
    message.mutable_done()->set_text(text);
    send(message);
  }
  void send_failure(const Error& error) {
    FromDaemon message;
    *message.mutable_failure()->add_errors() = to_diagnostic(error);
    send(message);
  }
  // A function that sends to this client as long as it is there.
  TraceSession::Send sender() {
    return [weak = weak_from_this()](const FromDaemon& message, std::vector<UniqueFd> fds) {
      if (auto self = weak.lock()) self->connection_->send(message, std::move(fds));
    };
  }

  ClientServer& server_;
  std::shared_ptr<channel::Connection> connection_;
  std::set<uint64_t> sessions_;
  AddressNames names_{server_.context_};
  std::shared_ptr<Lister> lister_;
  bool closed_ = false;
};

void ClientServer::Peer::on_message(ByteView payload) {
  ToDaemon message;
  if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return close("it does not speak our protocol");
  }
  switch (message.body_case()) {
    case ToDaemon::kSubmit:
      return submit(message.submit());
    case ToDaemon::kStart: {
      const uint64_t session = message.start().session();
      auto started = sessions_.contains(session) ? server_.sessions_.start(session) : Error("there is no such session");
      if (!started.ok()) return send_failure(started.error());
      FromDaemon reply;
      reply.mutable_started();
      return send(reply);
    }
    case ToDaemon::kStop:
      return stop(message.stop().session());
    case ToDaemon::kListProbes:
      return list_probes(message.list_probes());
    case ToDaemon::kVmList:
      return registry().settle([weak = weak_from_this()] {
        if (auto self = weak.lock(); self && !self->closed_) self->vm_list();
      });
    case ToDaemon::kVmAdd: {
      const auto& add = message.vm_add();
      auto added = registry().add(static_cast<pid_t>(add.pid()), add.socket(), add.name());
      return added.ok() ? send_done(*added) : send_failure(added.error());
    }
    case ToDaemon::kVmRescan:
      registry().scan(true);
      return send_done(std::to_string(registry().vms().size()) + " guests");
    case ToDaemon::kVmRemove: {
      auto removed = registry().remove(message.vm_remove().name());
      return removed.ok() ? send_done(message.vm_remove().name() + " removed") : send_failure(removed.error());
    }
    case ToDaemon::kTypesList:
      return types_list();
    case ToDaemon::kTypesShow: {
      const auto& show = message.types_show();
      auto text = show_types(server_.context_.type_store, show.hash(), show.name());
      return text.ok() ? send_done(*text) : send_failure(text.error());
    }
    case ToDaemon::kTypesDrop: {
      auto key = server_.context_.type_store.complete(message.types_drop().hash());
      if (!key.ok()) return send_failure(key.error());
      server_.context_.type_store.drop(*key);
      return send_done(key->hash + " dropped");
    }
    case ToDaemon::kResolve:
      return resolve(message.resolve());
    case ToDaemon::BODY_NOT_SET:
      return close("it asks for something this dtraced does not know");
  }
}

void ClientServer::Peer::submit(const channel::SubmitRequest& request) {
  if (const uint64_t session = server_.sessions_.submit(request, sender()); session != 0) sessions_.insert(session);
}

void ClientServer::Peer::stop(uint64_t session) {
  if (!sessions_.contains(session)) return send_failure(Error("there is no such session"));
  server_.sessions_.end(session, [weak = weak_from_this(), session](const channel::Stopped& stopped) {
    auto self = weak.lock();
    if (!self || self->closed_) return;
    self->sessions_.erase(session);
    FromDaemon reply;
    *reply.mutable_stopped() = stopped;
    self->send(reply);
  });
}

void ClientServer::Peer::list_probes(const channel::ListProbesRequest& request) {
  if (lister_) lister_->stop();
  lister_ = std::make_shared<Lister>(server_.context_, request,
                                     [send = sender()](const FromDaemon& message) { send(message, {}); });
  lister_->run();
}

void ClientServer::Peer::resolve(const channel::ResolveRequest& request) {
  names_.resolve(request, [weak = weak_from_this()](const channel::ResolveReply& answer) {
    auto self = weak.lock();
    if (!self || self->closed_) return;
    FromDaemon reply;
    *reply.mutable_resolve() = answer;
    self->send(reply);
  });
}

void ClientServer::Peer::types_list() {
  FromDaemon message;
  fill_types_list(server_.context_.type_store, registry(), message.mutable_types_list());
  send(message);
}

void ClientServer::Peer::vm_list() {
  FromDaemon message;
  channel::VmListReply& reply = *message.mutable_vm_list();
  for (const Vm* vm : registry().vms()) {
    const call::CallCounters counters = server_.context_.calls.totals(vm->target());
    channel::VmInfo* info = reply.add_vms();
    info->set_id(vm->target());
    info->set_name(vm->name());
    info->set_state(vm->state_name());
    info->set_hostname(vm->hello().hostname());
    info->set_kernel(vm->hello().kernel());
    info->set_pid(static_cast<uint32_t>(vm->found().pid));
    info->set_cpus(vm->hello().cpus());
    info->set_programs(server_.context_.calls.programs(vm->target()));
    info->set_events(counters.served);
    info->set_drops(counters.drops());
    const std::string lost = describe(counters);
    info->set_detail(!vm->detail().empty() ? vm->detail() : lost.empty() ? "" : "lost: " + lost);
    info->set_socket(vm->found().socket);
  }
  send(message);
}

ClientServer::ClientServer(asio::io_context& loop, SessionContext& context, SessionManager& sessions)
    : loop_(loop), context_(context), sessions_(sessions), listener_(loop) {}

ClientServer::~ClientServer() {
  while (!peers_.empty()) (*peers_.begin())->close("");
}

Result<void> ClientServer::listen(const std::string& path) {
  ASSIGN_OR_RETURN(UniqueFd socket, channel::listen_unix(path));
  std::error_code error;
  listener_.assign(socket.release(), error);
  if (error) return Error("cannot listen on " + path + ": " + error.message());
  accept();
  return {};
}

void ClientServer::accept() {
  listener_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const std::error_code& cancelled) {
    if (cancelled) return;
    for (;;) {
      UniqueFd socket(::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket) break;
      adopt(std::move(socket));
    }
    accept();
  });
}

void ClientServer::adopt(UniqueFd socket) {
  channel::Connection::Config config;
  config.frame_limit = channel::kClientFrameLimit;
  config.queue_limit = 2 * channel::kClientFrameLimit;
  auto peer = std::make_shared<Peer>(*this, channel::Connection::create(loop_, std::move(socket), config));
  peers_.insert(peer);
  peer->start();
}

}  // namespace ht::daemon
