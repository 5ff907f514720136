// Brings a guest's type information into the store: uploaded in chunks, only when a program needs it and the store has
// not got it. Guests with one hash are asked one at a time; the first whose upload is what it said serves them all.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "daemon/limits.h"
#include "daemon/type_store.h"
#include "daemon/vm_registry.h"

namespace ht::daemon {

class TypeFetcher {
 public:
  using Done = std::function<void(Result<std::shared_ptr<const types::TypeFile>>)>;

  TypeFetcher(const Limits& limits, VmRegistry& registry, TypeStore& store)
      : limits_(limits), registry_(registry), store_(store) {}

  // May answer at once.
  void fetch(Vm& vm, Done done);

 private:
  struct Waiter {
    engine::TargetId target;
    Done done;
  };
  struct Upload {
    std::deque<Waiter> waiters;  // the first one's guest is uploading
    Bytes data;
    unsigned tries = 0;
  };
  void begin(const std::string& hash);
  void ask(const std::string& hash);
  void on_chunk(const std::string& hash, channel::FromMinion* message, const Error& failed);
  void fail_first(const std::string& hash, Error error);
  void finish(const std::string& hash);

  const Limits& limits_;
  VmRegistry& registry_;
  TypeStore& store_;
  std::map<std::string, Upload> uploads_;
};

}  // namespace ht::daemon
