// The types of every kernel met so far: DIR/types/HASH.btf, and parsed in memory, each once. Shared by all guests whose
// type information has that SHA-256, and by no other: what a guest uploads is stored only under the hash that we
// compute.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "types/type_file.h"

namespace ht::daemon {

inline constexpr size_t kMaxTypes = size_t{64} << 20;  // bytes of one kernel's types

bool is_hash(const std::string& text);  // 64 lower-case hex digits: also what makes it safe in a file name

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
    std::string hash;
    uint64_t bytes = 0;
    bool in_memory = false;
  };
  std::vector<Stored> list() const;  // by hash
  // The stored hash that begins with `text`; the error says whether there is none or more than one.
  Result<std::string> complete(const std::string& text) const;
  // Forgets it here and on disk. What uses it at this moment keeps it; the next program that needs it has it uploaded
  // again.
  void drop(const std::string& hash);

  // From memory or from disk; null if it is not there. A file that is not what its name says is removed.
  std::shared_ptr<const types::TypeFile> find(const std::string& hash);
  // Checks that `blob` has that hash and can be read, stores it, and returns it.
  Result<std::shared_ptr<const types::TypeFile>> add(const std::string& hash, ByteView blob);

 private:
  std::string path(const std::string& hash) const { return directory_ + "/" + hash + ".btf"; }
  void make_room(const std::string& keep);

  std::string directory_;
  Room room_;
  std::map<std::string, std::shared_ptr<const types::TypeFile>> parsed_;
};

}  // namespace ht::daemon
