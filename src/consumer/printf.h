// printf and printa with a format (reference, section 7.3): one conversion applied to one recorded value.
#pragma once

#include <span>
#include <string>

#include "consumer/aggregation.h"
#include "consumer/datum.h"
#include "consumer/symbols.h"
#include "dif/format.h"

namespace ht::consumer {

// A printf, system or freopen record: conversions take `values` left to right, * widths included. Without `symbols`
// addresses have no names.
std::string format_printf(const dif::FormatString& format, std::span<const Datum> values, Symbols* symbols = nullptr);

// printa's format for one bin: plain conversions take the keys, %@ the aggregations' values.
std::string format_printa(const dif::FormatString& format, std::span<const Datum> keys, std::span<const Tally> tallies,
                          Symbols* symbols = nullptr);

}  // namespace ht::consumer
