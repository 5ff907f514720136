// Links programs for kernels, each pair once: a thousand guests with one kernel, or the same program run again, cost
// one link, whether it works out or not. What is cached is keyed by the hashes of both sides:
// of the program, and of all the types that it is linked with, a kernel's and its modules'.
#pragma once

#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dif/program.h"
#include "link/link.h"
#include "types/combined_types.h"

namespace ht::daemon {

struct Linked {
  std::shared_ptr<const dif::Program> program;  // null: see errors
  std::vector<Error> errors;
  std::set<types::TypeName> wanted;  // names that types of more modules than these might have
};

class Linker {
 public:
  // `types` may be null for a program that needs none. `needed`, one for each clause, says which the guest may run: a
  // program that does not fit as a whole is linked without the others.
  Linked link(const std::string& program_sha256, const dif::Program& program, const types::CombinedTypes* types,
              const link::TargetName& target, const std::vector<bool>& needed);

  uint64_t links() const { return links_; }  // really done

 private:
  static constexpr size_t kMost = 64;
  struct Entry {
    std::string key;
    std::shared_ptr<const dif::Program> program;  // null: it does not fit
    std::vector<Error> errors;                    // their messages without the guest
    std::set<types::TypeName> wanted;
  };
  const Entry& find_or_link(const std::string& key, const dif::Program& program, const types::CombinedTypes* types,
                            const link::TargetName& target, const std::vector<bool>* needed);
  uint64_t links_ = 0;
  std::list<Entry> recent_;  // the most recently used first
};

}  // namespace ht::daemon
