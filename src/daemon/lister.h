// dtrace -l: the probes of all guests meant, guest by guest, page by page.
#pragma once

#include <functional>
#include <memory>

#include "daemon/trace_session.h"

namespace ht::daemon {

class Lister : public std::enable_shared_from_this<Lister> {
 public:
  using Send = std::function<void(const channel::FromDaemon&)>;

  Lister(SessionContext& context, channel::ListProbesRequest request, Send send);
  // Answers with pages of ListProbesReply, or with Failure.
  void run();
  // The client is gone.
  void stop() { stopped_ = true; }

 private:
  void choose_guests();
  void next_guest();
  void ask(uint32_t first);
  void on_page(channel::FromMinion* message, const Error& failed);
  Result<uint32_t> add(const channel::ListReply& page);  // the last number seen
  void flush(bool more);
  void fail(const Error& error);

  SessionContext& context_;
  channel::ListProbesRequest request_;
  Send send_;
  dif::ProbeDesc description_;
  link::TargetResolver resolver_;
  std::vector<engine::TargetId> guests_;  // still to be asked, the next one last
  std::string vmname_;                    // being asked
  uint32_t listed_ = 0;                   // of it
  std::vector<Error> failures_;
  bool any_answered_ = false;
  bool stopped_ = false;
  channel::ListProbesReply page_;
  uint64_t request_id_ = 0;
};

}  // namespace ht::daemon
