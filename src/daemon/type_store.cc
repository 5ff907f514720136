#include "daemon/type_store.h"

#include <unistd.h>

#include <algorithm>

#include "base/fd.h"
#include "base/hash.h"
#include "base/log.h"

namespace ht::daemon {

bool is_hash(const std::string& text) {
  return text.size() == 64 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::shared_ptr<const types::TypeFile> TypeStore::find(const std::string& hash) {
  if (!is_hash(hash)) return nullptr;
  if (auto found = parsed_.find(hash); found != parsed_.end()) return found->second;
  auto blob = read_file(path(hash), kMaxTypes);
  if (!blob.ok()) return nullptr;
  auto types = sha256_hex(*blob) == hash ? types::TypeFile::from_btf(*blob) : Error("its hash is another");
  if (!types.ok()) {
    log::warn("removing {}: {}", path(hash), types.error().message);
    ::unlink(path(hash).c_str());
    return nullptr;
  }
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
  return parsed_[hash] = *types;
}

}  // namespace ht::daemon
