#include "daemon/type_store.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/fd.h"
#include "base/hash.h"
#include "base/log.h"

namespace ht::daemon {
namespace {

// A file's time says when it was last used.
void touch(const std::string& path) {
  std::error_code ignored;
  std::filesystem::last_write_time(path, std::filesystem::file_time_type::clock::now(), ignored);
}

}  // namespace

bool is_hash(const std::string& text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::shared_ptr<const types::TypeFile> TypeStore::find(const std::string& hash) {
  if (!is_hash(hash)) return nullptr;
  if (auto found = parsed_.find(hash); found != parsed_.end()) {
    touch(path(hash));
    return found->second;
  }
  auto blob = read_file(path(hash), kMaxTypes);
  if (!blob.ok()) return nullptr;
  auto types = sha256_hex(*blob) == hash ? types::TypeFile::from_btf(*blob) : Error("its hash is another");
  if (!types.ok()) {
    log::warn("removing {}: {}", path(hash), types.error().message);
    ::unlink(path(hash).c_str());
    return nullptr;
  }
  touch(path(hash));
  return parsed_[hash] = *types;
}

Result<std::shared_ptr<const types::TypeFile>> TypeStore::add(const std::string& hash, ByteView blob) {
  const std::string actual = sha256_hex(blob);
  if (actual != hash) {
    return Error("its type information is not what it announced (SHA-256 " + actual + " instead of " + hash + ")");
  }
  auto types = types::TypeFile::from_btf(blob);
  if (!types.ok()) return Error("its type information cannot be read: " + types.error().message);
  // A full disk costs one more upload after the next restart, nothing else.
  if (auto stored = write_file_atomically(path(hash), blob, 0600); !stored.ok()) {
    log::warn("{}", stored.error().message);
  }
  parsed_[hash] = *types;
  make_room(hash);
  return *types;
}

std::vector<TypeStore::Stored> TypeStore::list() const {
  std::map<std::string, Stored> all;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, ignored)) {
    const std::string hash = entry.path().stem();
    if (!is_hash(hash) || entry.path().extension() != ".btf") continue;
    const uint64_t bytes = entry.file_size(ignored);
    all[hash] = {hash, ignored ? 0 : bytes, parsed_.contains(hash)};
  }
  std::vector<Stored> result;
  for (auto& [hash, stored] : all) result.push_back(std::move(stored));
  return result;
}

Result<std::string> TypeStore::complete(const std::string& text) const {
  std::string found;
  for (const Stored& stored : list()) {
    if (text.empty() || !stored.hash.starts_with(text)) continue;
    if (!found.empty()) return Error("more than one hash begins with \"" + text + "\"");
    found = stored.hash;
  }
  if (found.empty()) return Error("there are no types with the hash \"" + text + "\"", "see dtracedctl types");
  return found;
}

void TypeStore::drop(const std::string& hash) {
  if (!is_hash(hash)) return;
  parsed_.erase(hash);
  ::unlink(path(hash).c_str());
}

void TypeStore::make_room(const std::string& keep) {
  struct Candidate {
    std::filesystem::file_time_type used;
    Stored stored;
  };
  std::vector<Candidate> files;
  uint64_t bytes = 0;
  std::error_code ignored;
  for (Stored& stored : list()) {
    bytes += stored.bytes;
    files.push_back({std::filesystem::last_write_time(path(stored.hash), ignored), std::move(stored)});
  }
  std::stable_sort(files.begin(), files.end(), [](const Candidate& a, const Candidate& b) { return a.used < b.used; });
  size_t count = files.size();
  for (const Candidate& oldest : files) {
    if (count <= room_.files && bytes <= room_.bytes) return;
    if (oldest.stored.hash == keep) continue;
    log::info("the types {} make room for newer ones", oldest.stored.hash.substr(0, 12));
    drop(oldest.stored.hash);
    --count;
    bytes -= oldest.stored.bytes;
  }
}

}  // namespace ht::daemon
