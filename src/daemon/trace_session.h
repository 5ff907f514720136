// One client's session, from its program to its last record:
//
//   submit: which guests? -> types -> link -> where are kernel symbols? -> install on each -> does every description
//           match? -> arm each -> Submitted
//   start:  BEGIN, and every probe counts
//   end:    disarm everywhere -> END, buffers final -> Stopped
//
// Guests go through a phase side by side, and a phase ends when all have answered or failed. A guest that fails is left
// out with a diagnostic that names it; a program that does not link for one of them is refused, unless partial. A guest
// that is lost in mid-trace takes nothing with it but itself; one that joins or comes back goes through all phases
// alone.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "channel/client.pb.h"
#include "channel/connection.h"
#include "daemon/deployment.h"
#include "daemon/guest_types.h"
#include "daemon/linker.h"
#include "daemon/probe_ids.h"
#include "daemon/program_store.h"
#include "engine/engine.h"

namespace ht::daemon {

// What all sessions share.
struct SessionContext {
  const Limits& limits;
  VmRegistry& registry;
  CallService& calls;
  TypeFetcher& types;
  TypeStore& type_store;
  Linker& linker;
  ProgramStore& store;
  ProbeIds& ids;
  engine::Engine& engine;
  uint32_t slots = 1;
  uint64_t next_program = 1;  // on the wire to guests
};

// With the names that may be believed: a host name that is another guest's vmname is not.
KnownGuest known_guest(const Vm& vm, const VmRegistry& registry);
std::vector<KnownGuest> known_guests(const VmRegistry& registry);
channel::Diagnostic to_diagnostic(const Error& error, const std::string& guest = {});

class TraceSession : public std::enable_shared_from_this<TraceSession> {
 public:
  enum class State { kSetup, kSubmitted, kRunning, kEnding, kEnded };
  using Send = std::function<void(const channel::FromDaemon&, std::vector<UniqueFd>)>;
  using Ended = std::function<void(const channel::Stopped&)>;

  TraceSession(SessionContext& context, uint64_t id, Send send);
  ~TraceSession();

  uint64_t id() const { return id_; }
  State state() const { return state_; }
  bool active() const { return state_ == State::kSubmitted || state_ == State::kRunning; }

  // Answers with Submitted, or with Failure; then `refused` is called and the session is to be ended.
  void submit(const channel::SubmitRequest& request, std::function<void()> refused);
  Result<void> start();
  void end(Ended ended);

  void vm_ready(Vm& vm);
  void vm_lost(Vm& vm, const std::string& why);

 private:
  using DeploymentPtr = std::shared_ptr<Deployment>;
  using Step = std::function<void(const DeploymentPtr&, Deployment::Done)>;
  struct Variant {
    std::string types_hash;
    std::vector<bool> needed;  // the clauses it was asked for
    std::shared_ptr<const dif::Program> program;
    uint32_t index = 0;  // the engine's
  };

  // Phases, in order.
  Result<void> load(const channel::SubmitRequest& request);
  void choose_guests();
  void fetch_types();
  void link_all();
  void create_engine_session();
  void find_symbols();
  void symbols_found();
  void install_all();
  void check_matches();
  void arm_all();
  void submitted();

  // Runs a step for each guest still in, side by side, then `next`. A guest whose step fails is left out.
  void for_each_guest(const std::string& what, const Step& step, void (TraceSession::*next)());
  void leave_out(const DeploymentPtr& deployment, const Error& error);
  bool refuse_if_nobody_is_left();
  void refuse(std::vector<channel::Diagnostic> errors);
  void progress(const std::string& text, uint32_t done, uint32_t total);

  void fetch_types_of(const DeploymentPtr& deployment, Deployment::Done done);
  Result<Variant*> variant_for(const DeploymentPtr& deployment, std::vector<Error>* errors);
  std::vector<bool> needed_clauses(const Deployment* deployment) const;
  Result<void> load_variant(Variant* variant);
  void find_symbols_of(const DeploymentPtr& deployment, Deployment::Done done);
  void install(const DeploymentPtr& deployment, Deployment::Done done);
  void enable(const Deployment& deployment);
  void enable_host();
  std::vector<channel::Diagnostic> unmatched() const;
  void add_probe_names(google::protobuf::RepeatedPtrField<channel::ProbeName>* names);
  void add_variants(google::protobuf::RepeatedPtrField<std::string>* variants);

  // Late guests (trace_session_guests.cc).
  void offer(Vm& vm);
  void offer_linked(const DeploymentPtr& deployment);
  void offer_installed(const DeploymentPtr& deployment);
  void offer_armed(const DeploymentPtr& deployment);
  void withdraw(const DeploymentPtr& deployment, const Error& error);
  void send_event(const std::string& vmname, const std::string& text, const channel::GuestDrops* drops = nullptr,
                  const Vm* traced = nullptr);
  bool note_drops(const Deployment& deployment, channel::GuestDrops* drops);

  void finish_end();

  SessionContext& context_;
  const uint64_t id_;
  Send send_;
  State state_ = State::kSetup;
  std::function<void()> refused_;
  std::vector<Ended> ended_;

  dif::Program program_;
  std::string sha256_;
  bool needs_types_ = false;
  bool destructive_ = false, allow_no_match_ = false, partial_ = false;
  link::TargetResolver resolver_;
  std::vector<HostUse> host_;
  std::map<engine::TargetId, DeploymentPtr> guests_;
  std::map<engine::TargetId, std::string> had_;  // traced before and lost: what comes back is told apart
  std::map<std::string, std::shared_ptr<const types::CombinedTypes>> types_;  // by hash
  std::vector<std::unique_ptr<Variant>> variants_;
  std::shared_ptr<engine::Session> engine_;
  std::vector<channel::GuestStatus> left_out_;
  std::vector<channel::Diagnostic> missing_symbols_;
  std::vector<GuestUse> left_out_uses_;  // of the same guests
  std::vector<uint64_t> matched_;        // per clause
  std::vector<std::string> adjustments_;
  std::vector<std::string> held_;  // in the store's outbound
  std::map<std::string, channel::GuestDrops> drops_;
  size_t names_sent_ = 0, variants_sent_ = 0;
};

}  // namespace ht::daemon
