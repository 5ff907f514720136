// Values as DTrace's default output shows them: trace() (reference, 7.2), columns of aggregation keys (6.3), raw dumps
// (7.5), stacks and symbols (7.6, 7.7). Until symbols are read, an address is shown as such.
#pragma once

#include <string>

#include "consumer/datum.h"

namespace ht::consumer {

struct TraceStyle {
  bool quiet = false;
  bool raw_bytes = false;
  int stack_indent = 14;
};

std::string trace_text(const Datum& value, const TraceStyle& style);
std::string print_text(const Datum& value);  // print()
std::string key_column(const Datum& key, const TraceStyle& style);
std::string raw_dump(ByteView bytes);
// A newline, then one line per frame, each indented and its text padded to `width`.
std::string stack_text(const Datum& stack, int indent, int width);
std::string symbol_text(const Datum& symbol);

}  // namespace ht::consumer
