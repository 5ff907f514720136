#include "daemon/type_store.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/fd.h"
#include "base/hash.h"
#include "base/log.h"
#include "symbols/kallsyms.h"

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

bool TypesKey::valid() const {
  return is_hash(hash) && (!is_module() || (is_hash(kernel) && symbols::is_module_name(module)));
}

std::string TypesKey::text() const {
  return is_module() ? kernel + "-" + hash + "-" + module : hash;
}

std::optional<TypesKey> TypesKey::parse(const std::string& text) {
  constexpr size_t kHash = 64;
  TypesKey key(text);
  if (text.size() > 2 * (kHash + 1) && text[kHash] == '-' && text[2 * kHash + 1] == '-') {
    key = {text.substr(kHash + 1, kHash), text.substr(0, kHash), text.substr(2 * (kHash + 1))};
  }
  if (!key.valid()) return std::nullopt;
  return key;
}

void TypeStore::used(const TypesKey& key) const {
  touch(path(key));
  if (key.is_module()) touch(path(key.kernel));
}

std::shared_ptr<const types::TypeFile> TypeStore::find(const TypesKey& key) {
  if (!key.valid()) return nullptr;
  if (auto found = parsed_.find(key.text()); found != parsed_.end()) {
    used(key);
    return found->second;
  }
  auto blob = read_file(path(key), kMaxTypes);
  if (!blob.ok()) return nullptr;
  std::shared_ptr<const types::TypeFile> kernel;
  if (key.is_module() && !(kernel = find(key.kernel))) return nullptr;
  auto types = sha256_hex(*blob) == key.hash ? types::TypeFile::from_btf(*blob, kernel) : Error("its hash is another");
  if (!types.ok()) {
    log::warn("removing {}: {}", path(key), types.error().message);
    ::unlink(path(key).c_str());
    return nullptr;
  }
  used(key);
  return parsed_[key.text()] = *types;
}

Result<std::shared_ptr<const types::TypeFile>> TypeStore::add(const TypesKey& key, ByteView blob,
                                                              std::shared_ptr<const types::TypeFile> kernel) {
  const std::string actual = sha256_hex(blob);
  if (actual != key.hash) {
    return Error("its type information is not what it announced (SHA-256 " + actual + " instead of " + key.hash + ")");
  }
  if (!key.valid() || key.kernel != (kernel ? kernel->hash() : "")) {
    return Error("its type information has no valid name");
  }
  auto types = types::TypeFile::from_btf(blob, std::move(kernel));
  if (!types.ok()) {
    return Error((key.is_module() ? "the type information of module " + key.module : "its type information") +
                 " cannot be read: " + types.error().message);
  }
  // A full disk costs one more upload after the next restart, nothing else.
  if (auto stored = write_file_atomically(path(key), blob, 0600); !stored.ok()) {
    log::warn("{}", stored.error().message);
  }
  used(key);
  parsed_[key.text()] = *types;
  make_room(key);
  return *types;
}

std::vector<TypeStore::Stored> TypeStore::list() const {
  std::map<std::string, Stored> all;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, ignored)) {
    const std::string text = entry.path().stem();
    const auto key = TypesKey::parse(text);
    if (!key || entry.path().extension() != ".btf") continue;
    const uint64_t bytes = entry.file_size(ignored);
    all.insert({text, {*key, ignored ? 0 : bytes, parsed_.contains(text)}});
  }
  std::vector<Stored> result;
  for (auto& [text, stored] : all) result.push_back(std::move(stored));
  return result;
}

Result<TypesKey> TypeStore::complete(const std::string& text) const {
  std::optional<TypesKey> found;
  for (const Stored& stored : list()) {
    if (text.empty() || !stored.key.hash.starts_with(text)) continue;
    if (found) return Error("more than one hash begins with \"" + text + "\"");
    found = stored.key;
  }
  if (!found) return Error("there are no types with the hash \"" + text + "\"", "see dtracedctl types");
  return *found;
}

void TypeStore::forget(const TypesKey& key) {
  parsed_.erase(key.text());
  ::unlink(path(key).c_str());
}

void TypeStore::drop(const TypesKey& key) {
  if (!key.valid()) return;
  forget(key);
  for (const Stored& stored : list()) {
    if (!key.is_module() && stored.key.kernel == key.hash) forget(stored.key);
  }
}

void TypeStore::make_room(const TypesKey& keep) {
  struct Candidate {
    std::filesystem::file_time_type used;
    Stored stored;
  };
  std::vector<Candidate> files;
  uint64_t bytes = 0;
  std::error_code ignored;
  for (Stored& stored : list()) {
    bytes += stored.bytes;
    files.push_back({std::filesystem::last_write_time(path(stored.key), ignored), std::move(stored)});
  }
  std::stable_sort(files.begin(), files.end(), [](const Candidate& a, const Candidate& b) { return a.used < b.used; });
  size_t count = files.size();
  std::set<std::string> gone;  // kernels
  for (const Candidate& oldest : files) {
    const TypesKey& key = oldest.stored.key;
    const bool went_with_kernel = gone.contains(key.kernel);
    if (!went_with_kernel) {
      if (count <= room_.files && bytes <= room_.bytes) continue;
      if (key.text() == keep.text() || key.text() == keep.kernel) continue;
      log::info("the types {} make room for newer ones", key.hash.substr(0, 12));
    }
    forget(key);
    if (!key.is_module()) gone.insert(key.hash);
    --count;
    bytes -= oldest.stored.bytes;
  }
}

}  // namespace ht::daemon
