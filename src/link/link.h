// Linking: a compiled program meets one kernel's types. Types the DIF (src/typing), replaces usetx, uload, uuload and
// typecast, and patches every unknown type: return types, variables, keys. Runs once per distinct kernel.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "dif/program.h"
#include "types/type_file.h"

namespace ht::link {

// For messages only: which guest, which kernel.
struct TargetName {
  std::string guest;   // "vm1"
  std::string kernel;  // "6.1.0-37-cloud-amd64"
};

// All errors found, in source order; each with pos at the D source and a message that ends in
// ", on vm1 (kernel 6.1.0-37-cloud-amd64)". `types` may be null: then a program that needs types is refused.
struct LinkResult {
  dif::Program program;  // valid iff errors is empty
  std::vector<Error> errors;
  bool ok() const { return errors.empty(); }
};
// How such a message ends.
std::string suffix(const TargetName& target);

LinkResult link(const dif::Program& program, const types::TypeFile* types, const TargetName& target);

// As link(), for a guest that not every clause is meant for: `needed`, one for each clause, says which are. What the
// others do is left out, so that they may use what this kernel lacks; they keep their places, with no predicate and no
// action. Variables keep the types that the whole program gives them, as far as this kernel has those.
LinkResult link_clauses(const dif::Program& program, const types::TypeFile* types, const TargetName& target,
                        const std::vector<bool>& needed);

// Whether a clause's code can be run as it is, without any kernel's types.
bool needs_types(const dif::Program& program);

}  // namespace ht::link
