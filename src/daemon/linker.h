// Links programs for kernels, each pair once: a thousand guests with one kernel, or the same program run again, cost
// one link, whether it works out or not. What is cached is keyed by the hashes of both sides.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <vector>

#include "dif/program.h"
#include "link/link.h"
#include "types/type_file.h"

namespace ht::daemon {

struct Linked {
  std::shared_ptr<const dif::Program> program;  // null: see errors
  std::vector<Error> errors;
};

class Linker {
 public:
  // `types` may be null for a program that needs none. `needed`, one for each clause, says which the guest may run: a
  // program that does not fit as a whole is linked without the others.
  Linked link(const std::string& program_sha256, const dif::Program& program, const types::TypeFile* types,
              const link::TargetName& target, const std::vector<bool>& needed);

  uint64_t links() const { return links_; }  // really done

 private:
  static constexpr size_t kMost = 64;
  struct Entry {
    std::string key;
    std::shared_ptr<const dif::Program> program;  // null: it does not fit
    std::vector<Error> errors;                    // their messages without the guest
  };
  const Entry& find_or_link(const std::string& key, const dif::Program& program, const types::TypeFile* types,
                            const link::TargetName& target, const std::vector<bool>* needed);
  uint64_t links_ = 0;
  std::list<Entry> recent_;  // the most recently used first
};

}  // namespace ht::daemon
