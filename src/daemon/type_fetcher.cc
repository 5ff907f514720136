#include "daemon/type_fetcher.h"

#include "base/log.h"

namespace ht::daemon {

void TypeFetcher::fetch(Vm& vm, Done done) {
  const std::string hash = vm.hello().types_hash();
  if (hash.empty()) return done(Error("its kernel has no type information", "it must be built with BTF"));
  if (auto types = store_.find(hash)) return done(types);
  Upload& upload = uploads_[hash];
  upload.waiters.push_back({vm.target(), std::move(done)});
  if (upload.waiters.size() == 1) begin(hash);
}

void TypeFetcher::begin(const std::string& hash) {
  Upload& upload = uploads_[hash];
  upload.data.clear();
  upload.tries = 0;
  ask(hash);
}

void TypeFetcher::ask(const std::string& hash) {
  Upload& upload = uploads_[hash];
  Vm* vm = registry_.find(upload.waiters.front().target);
  if (vm == nullptr || !vm->ready()) return fail_first(hash, Error("the guest is gone"));
  if (upload.data.empty()) log::info("{}: uploading the types of kernel {}", vm->name(), vm->hello().kernel());
  vm->exchange().expect(
      Exchange::Body::kTypes, hash, limits_.types,
      [this, hash](channel::FromMinion* message, const Error& failed) { on_chunk(hash, message, failed); });
  channel::ToMinion request;
  request.mutable_types()->set_hash(hash);
  request.mutable_types()->set_offset(upload.data.size());
  request.mutable_types()->set_length(channel::kChunk);
  vm->send(request);
}

void TypeFetcher::on_chunk(const std::string& hash, channel::FromMinion* message, const Error& failed) {
  Upload& upload = uploads_[hash];
  if (message == nullptr) {
    // A chunk lost among garbage is asked for again.
    if (++upload.tries < limits_.tries) return ask(hash);
    return fail_first(hash, failed);
  }
  upload.tries = 0;
  const channel::TypesChunk& chunk = message->types();
  if (!chunk.error().empty()) return fail_first(hash, Error("its type information: " + chunk.error()));
  if (chunk.offset() != upload.data.size() || chunk.data().empty() || chunk.total() > kMaxTypes ||
      upload.data.size() + chunk.data().size() > chunk.total()) {
    return fail_first(hash, Error("the upload of its type information makes no sense"));
  }
  upload.data.insert(upload.data.end(), chunk.data().begin(), chunk.data().end());
  if (upload.data.size() < chunk.total()) return ask(hash);
  finish(hash);
}

void TypeFetcher::fail_first(const std::string& hash, Error error) {
  Upload& upload = uploads_[hash];
  Waiter first = std::move(upload.waiters.front());
  upload.waiters.pop_front();
  const bool others = !upload.waiters.empty();
  if (!others) uploads_.erase(hash);
  first.done(std::move(error));
  if (others) begin(hash);
}

void TypeFetcher::finish(const std::string& hash) {
  auto types = store_.add(hash, uploads_[hash].data);
  if (!types.ok()) return fail_first(hash, std::move(types).error());
  auto upload = std::move(uploads_[hash]);
  uploads_.erase(hash);
  for (Waiter& waiter : upload.waiters) waiter.done(*types);
}

}  // namespace ht::daemon
