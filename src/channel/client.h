// A client's end of sub.sock: what dtrace -E and dtracedctl use. Blocking calls with deadlines; one thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "channel/client.pb.h"

namespace ht::channel {

// DDTRACE_DIR in the environment, else /var/ddtrace; the socket is DIR/sub.sock.
std::string daemon_directory();

class Client {
 public:
  // The error for a missing daemon says how to start it.
  static Result<std::unique_ptr<Client>> connect(const std::string& directory);
  virtual ~Client() = default;

  using OnProgress = std::function<void(const Progress&)>;
  struct Session {
    Submitted reply;
    UniqueFd data;  // engine::SessionReader::open takes these
    UniqueFd control;
  };
  struct Refused {
    std::vector<Diagnostic> errors;
  };
  // Links, installs and arms on every guest meant. Diagnostics of guests come back in `refused`.
  virtual Result<Session> submit(const SubmitRequest& request, const OnProgress& progress, Refused* refused) = 0;
  virtual Result<void> start(uint64_t session) = 0;
  virtual Result<Stopped> stop(uint64_t session) = 0;
  // An unasked event that has arrived, if any; an error when the daemon is gone.
  virtual Result<std::optional<Event>> poll_event() = 0;
  // What is at addresses of a guest; fewer answers than addresses when nobody can tell (any more).
  virtual Result<ResolveReply> resolve(const ResolveRequest& request) = 0;
  virtual int fd() const = 0;  // readable when poll_event has something to say

  virtual Result<std::vector<ListedProbe>> list_probes(const ListProbesRequest& request) = 0;
  virtual Result<VmListReply> vm_list() = 0;
  virtual Result<Done> vm_add(const VmAddRequest& request) = 0;
  virtual Result<Done> vm_rescan() = 0;
  virtual Result<Done> vm_remove(const std::string& name) = 0;
  virtual Result<TypesListReply> types_list() = 0;
  // A hash, or the beginning of one; `name` empty: what the file holds.
  virtual Result<Done> types_show(const std::string& hash, const std::string& name) = 0;
  virtual Result<Done> types_drop(const std::string& hash) = 0;
};

}  // namespace ht::channel
