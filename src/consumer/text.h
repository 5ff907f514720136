// Values as DTrace's default output shows them: trace() (reference, 7.2), columns of aggregation keys (6.3), raw dumps
// (7.5), stacks and symbols (7.6, 7.7).
#pragma once

#include <optional>
#include <string>

#include "consumer/datum.h"
#include "consumer/symbols.h"

namespace ht::consumer {

struct TraceStyle {
  bool quiet = false;
  bool raw_bytes = false;
  int stack_indent = 14;
  Symbols* symbols = nullptr;  // null: no address has a name
};

// Whether an address shows how far it is from its symbol.
enum class Offset { kHidden, kShown };

std::string trace_text(const Datum& value, const TraceStyle& style);
std::string print_text(const Datum& value);  // print()
std::string key_column(const Datum& key, const TraceStyle& style);
std::string raw_dump(ByteView bytes);
// One frame, of the kernel or of that process.
std::string frame_text(const Datum& stack, size_t frame, Symbols* symbols);
// A newline, then one line per frame, each indented and its text padded to `width`.
std::string stack_text(const Datum& stack, int indent, int width, Symbols* symbols);
// mod`sym+0x1, mod`sym, mod`0x1 or 0x1.
std::string address_text(const std::optional<Symbol>& symbol, uint64_t address, Offset offset);
// sym(), usym() and their like; those of modules are just the module.
std::string symbol_text(const Datum& symbol, Symbols* symbols = nullptr, Offset offset = Offset::kHidden);

}  // namespace ht::consumer
