// What goes to stderr about a run: faults of clauses, records and updates that were lost (reference, 10.4 and 10.5).
// Texts without the command's "dtrace: " in front and without a final newline.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/session.h"

namespace ht::consumer {

// "error in dt_clause_1 for probe ID 5 (a:b:c:d): TEXT"; `guest` (empty for the host) is named at the end.
std::string clause_error(const engine::RecordView& record, const engine::ProbeName& probe, const std::string& text,
                         const std::string& guest);
std::string fault_message(const engine::RecordView& record, const engine::ProbeName& probe, const std::string& guest);

// Something that was lost since it was last reported.
struct Drop {
  std::string kind;  // as -x droptags prints it
  uint64_t count = 0;
  std::optional<uint32_t> cpu;
  std::string guest;    // whose CPU; empty for the host
  std::string message;  // "2 aggregation drops on CPU 0", without a tag
};
using TargetName = std::function<std::string(engine::TargetId)>;  // empty for the host
// One per kind, and CPU where kinds are counted by CPU, that grew from `before` to `now`; in order of the reference.
std::vector<Drop> drops_since(const engine::Drops& before, const engine::Drops& now, const TargetName& name);
// "12 drops on vm1 (10 timed out, 2 ring full)"; `detail` may be empty.
Drop guest_drop(uint64_t drops, const std::string& guest, const std::string& detail);

}  // namespace ht::consumer
