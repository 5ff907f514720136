// The types of every kernel met so far: DIR/types/HASH.btf, and parsed in memory, each once. Shared by all guests whose
// type information has that SHA-256, and by no other: what a guest uploads is stored only under the hash that we
// compute. A module's are DIR/types/KERNEL-HASH-MODULE.btf: split BTF means something over one kernel's types only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "types/type_file.h"

namespace ht::daemon {

inline constexpr size_t kMaxTypes = size_t{64} << 20;        // bytes of one kernel's types
inline constexpr size_t kMaxModuleTypes = size_t{16} << 20;  // and of one module's

bool is_hash(const std::string& text);  // 64 lower-case hex digits: also what makes it safe in a file name

struct TypesKey {
  std::string hash;
  std::string kernel, module;  // of a module's types: the hash of its kernel's, and its name; else empty

  TypesKey(std::string own_hash, std::string kernel_hash = {}, std::string module_name = {})
      : hash(std::move(own_hash)), kernel(std::move(kernel_hash)), module(std::move(module_name)) {}
  bool is_module() const { return !module.empty() || !kernel.empty(); }
  bool valid() const;        // hashes and a name: safe in a file name
  std::string text() const;  // "HASH", "KERNEL-HASH-MODULE"
  static std::optional<TypesKey> parse(const std::string& text);
};

class TypeStore {
 public:
  // Guests decide how many different types there are: the files least recently used make room.
  struct Room {
    size_t files = 128;
    uint64_t bytes = uint64_t{512} << 20;
  };
  explicit TypeStore(std::string directory) : TypeStore(std::move(directory), Room{}) {}
  TypeStore(std::string directory, Room room) : directory_(std::move(directory)), room_(room) {}

  struct Stored {
    TypesKey key;
    uint64_t bytes = 0;
    bool in_memory = false;
  };
  std::vector<Stored> list() const;  // a kernel's, then those of its modules
  // The stored one whose hash begins with `text`; the error says whether there is none or more than one.
  Result<TypesKey> complete(const std::string& text) const;
  // Forgets it here and on disk, with a kernel's types those of its modules. What uses it at this moment keeps it; the
  // next program that needs it has it uploaded again.
  void drop(const TypesKey& key);

  // From memory or from disk; null if it is not there, or of a module if its kernel's are not. A file that is not what
  // its name says is removed.
  std::shared_ptr<const types::TypeFile> find(const TypesKey& key);
  // Checks that `blob` has that hash and can be read, stores it, and returns it. A module's is read over `kernel`,
  // which has the hash that the key says.
  Result<std::shared_ptr<const types::TypeFile>> add(const TypesKey& key, ByteView blob,
                                                     std::shared_ptr<const types::TypeFile> kernel = nullptr);

 private:
  std::string path(const TypesKey& key) const { return directory_ + "/" + key.text() + ".btf"; }
  void used(const TypesKey& key) const;
  void forget(const TypesKey& key);
  void make_room(const TypesKey& keep);

  std::string directory_;
  Room room_;
  std::map<std::string, std::shared_ptr<const types::TypeFile>> parsed_;  // by TypesKey::text()
};

}  // namespace ht::daemon
