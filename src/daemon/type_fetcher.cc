#include "daemon/type_fetcher.h"

#include <algorithm>

#include "base/log.h"

namespace ht::daemon {

void TypeFetcher::fetch(Vm& vm, Done done) {
  const std::string& hash = vm.hello().types_hash();
  if (hash.empty()) return done(Error("its kernel has no type information", "it must be built with BTF"));
  fetch(TypesKey(hash), nullptr, {vm.target(), kMaxTypes, std::move(done)});
}

void TypeFetcher::fetch_module(Vm& vm, std::shared_ptr<const types::TypeFile> kernel, const Module& module, Done done) {
  const TypesKey key(module.hash, kernel->hash(), module.name);
  fetch(key, std::move(kernel), {vm.target(), std::min<uint64_t>(module.size, kMaxModuleTypes), std::move(done)});
}

void TypeFetcher::fetch(const TypesKey& key, std::shared_ptr<const types::TypeFile> kernel, Waiter waiter) {
  if (auto types = store_.find(key)) return waiter.done(types);
  Upload& upload = uploads_.try_emplace(key.text(), Upload{key, std::move(kernel)}).first->second;
  upload.waiters.push_back(std::move(waiter));
  if (upload.waiters.size() == 1) ask(upload);
}

void TypeFetcher::ask(Upload& upload) {
  const std::string id = upload.key.text();
  Vm* vm = registry_.find(upload.waiters.front().target);
  if (vm == nullptr || !vm->ready()) return fail_first(id, Error("the guest is gone"));
  if (upload.data.empty()) {
    const std::string what = upload.key.is_module() ? "module " + upload.key.module : "kernel " + vm->hello().kernel();
    log::info("{}: uploading the types of {}", vm->name(), what);
  }
  vm->exchange().expect(
      Exchange::Body::kTypes, Exchange::types_id(upload.key.hash, upload.key.module), limits_.types,
      [this, id](channel::FromMinion* message, const Error& failed) { on_chunk(id, message, failed); });
  channel::ToMinion request;
  request.mutable_types()->set_hash(upload.key.hash);
  request.mutable_types()->set_offset(upload.data.size());
  request.mutable_types()->set_length(channel::kChunk);
  request.mutable_types()->set_module(upload.key.module);
  vm->send(request);
}

void TypeFetcher::on_chunk(const std::string& id, channel::FromMinion* message, const Error& failed) {
  auto found = uploads_.find(id);
  if (found == uploads_.end()) return;
  Upload& upload = found->second;
  if (message == nullptr) {
    // A chunk lost among garbage is asked for again.
    if (++upload.tries < limits_.tries) return ask(upload);
    return fail_first(id, failed);
  }
  upload.tries = 0;
  const channel::TypesChunk& chunk = message->types();
  if (!chunk.error().empty()) return fail_first(id, Error("its type information: " + chunk.error()));
  if (chunk.offset() != upload.data.size() || chunk.data().empty() || chunk.total() > upload.waiters.front().most ||
      upload.data.size() + chunk.data().size() > chunk.total()) {
    return fail_first(id, Error("the upload of its type information makes no sense"));
  }
  upload.data.insert(upload.data.end(), chunk.data().begin(), chunk.data().end());
  if (upload.data.size() < chunk.total()) return ask(upload);
  finish(id);
}

// The next one that waits is asked, from the beginning.
void TypeFetcher::fail_first(const std::string& id, Error error) {
  auto found = uploads_.find(id);
  Upload& upload = found->second;
  Waiter first = std::move(upload.waiters.front());
  upload.waiters.pop_front();
  upload.data.clear();
  upload.tries = 0;
  const bool others = !upload.waiters.empty();
  if (!others) uploads_.erase(found);
  first.done(std::move(error));
  if (!others) return;
  if (auto again = uploads_.find(id); again != uploads_.end()) ask(again->second);
}

void TypeFetcher::finish(const std::string& id) {
  auto found = uploads_.find(id);
  auto types = store_.add(found->second.key, found->second.data, found->second.kernel);
  if (!types.ok()) return fail_first(id, std::move(types).error());
  Upload upload = std::move(found->second);
  uploads_.erase(found);
  for (Waiter& waiter : upload.waiters) waiter.done(*types);
}

}  // namespace ht::daemon
