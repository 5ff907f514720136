// The types that a program is linked with on one guest: its kernel's, and those of the modules that the program needs.
//
// Which modules those are is found by linking: names that vmlinux does not have are noted on the way (CombinedTypes),
// the guest is asked which of its modules have them, those are uploaded, and the program is linked again, until nothing
// new is asked for. A guest is asked for names because it has its modules' types at hand: of a hundred modules that are
// loaded one or two are ever uploaded. It is asked when a session starts, not with Hello, as modules come and go. A
// program whose names vmlinux has costs no question at all.
#pragma once

#include <functional>
#include <memory>
#include <set>

#include "daemon/linker.h"
#include "daemon/type_fetcher.h"
#include "types/combined_types.h"

namespace ht::daemon {

class GuestTypes : public std::enable_shared_from_this<GuestTypes> {
 public:
  using Done = std::function<void(Result<std::shared_ptr<const types::CombinedTypes>>)>;

  // `program` must live until `done` is called; `needed` are its clauses that the guest may run. `next_request` numbers
  // requests on the wire.
  GuestTypes(const Limits& limits, VmRegistry& registry, TypeFetcher& fetcher, Linker& linker, uint64_t& next_request,
             engine::TargetId target, const std::string& program_sha256, const dif::Program& program,
             std::vector<bool> needed, Done done);

  // May answer at once. What does not link is not said here, but when the program is linked with the answer.
  void run();

 private:
  void on_kernel(Result<std::shared_ptr<const types::TypeFile>> types);
  void link();
  void ask(const std::vector<types::TypeName>& names);
  void on_modules(channel::FromMinion* message, const Error& failed, size_t names);
  Result<void> take(const channel::ModulesReply& reply, size_t names);
  void fetch_next();
  Vm* vm() const;
  void finish(Error error);

  const Limits& limits_;
  VmRegistry& registry_;
  TypeFetcher& fetcher_;
  Linker& linker_;
  uint64_t& next_request_;
  const engine::TargetId target_;
  const std::string sha256_;
  const dif::Program& program_;
  const std::vector<bool> needed_;
  Done done_;
  std::shared_ptr<const types::TypeFile> kernel_;
  std::shared_ptr<const types::CombinedTypes> combined_;
  std::map<std::string, std::shared_ptr<const types::TypeFile>> modules_;  // in the order in which they are searched
  std::set<types::TypeName> asked_;
  std::vector<TypeFetcher::Module> offered_;  // still to be fetched
  uint64_t bytes_ = 0;
  unsigned rounds_ = 0;
};

}  // namespace ht::daemon
