// Brings a guest's type information into the store: uploaded in chunks, only when a program needs it and the store has
// not got it. Guests with the same types are asked one at a time; the first whose upload is what it said serves them
// all.
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

  // Its kernel's. May answer at once.
  void fetch(Vm& vm, Done done);
  // A module's, over its kernel's.
  struct Module {
    std::string name, hash;
    uint64_t size = 0;  // no more is taken
  };
  void fetch_module(Vm& vm, std::shared_ptr<const types::TypeFile> kernel, const Module& module, Done done);

 private:
  struct Waiter {
    engine::TargetId target;
    uint64_t most;  // bytes
    Done done;
  };
  struct Upload {
    TypesKey key;
    std::shared_ptr<const types::TypeFile> kernel;
    std::deque<Waiter> waiters{};  // the first one's guest is uploading
    Bytes data{};
    unsigned tries = 0;
  };
  void fetch(const TypesKey& key, std::shared_ptr<const types::TypeFile> kernel, Waiter waiter);
  void ask(Upload& upload);
  void on_chunk(const std::string& id, channel::FromMinion* message, const Error& failed);
  void fail_first(const std::string& id, Error error);
  void finish(const std::string& id);

  const Limits& limits_;
  VmRegistry& registry_;
  TypeStore& store_;
  std::map<std::string, Upload> uploads_;  // by TypesKey::text()
};

}  // namespace ht::daemon
