// What goes to stderr about a run: faults of clauses, records and updates that were lost (reference, 10.4 and 10.5).
// Texts without the command's "dtrace: " in front and without a final newline.
#pragma once

#include <string>
#include <vector>

#include "engine/session.h"

namespace ht::consumer {

// "error in dt_clause_1 for probe ID 5 (a:b:c:d): TEXT"; `guest` (empty for the host) is named at the end.
std::string clause_error(const engine::RecordView& record, const engine::ProbeName& probe, const std::string& text,
                         const std::string& guest);
std::string fault_message(const engine::RecordView& record, const engine::ProbeName& probe, const std::string& guest);

// One line per kind that grew from `before` to `now`.
std::vector<std::string> drop_messages(const engine::Drops& before, const engine::Drops& now, bool droptags);
// "12 drops on vm1 (10 timed out, 2 ring full)"; `detail` may be empty.
std::string guest_drop_message(uint64_t drops, const std::string& guest, const std::string& detail);

}  // namespace ht::consumer
