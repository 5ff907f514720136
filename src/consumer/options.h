// The run-time options that change what is printed (reference, section 8.3); all of them dynamic, so that setopt() can
// change them while records are being consumed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ht::consumer {

struct Options {
  bool quiet = false;
  bool flowindent = false;
  bool rawbytes = false;
  bool aggsortkey = false;
  bool aggsortrev = false;
  bool agghist = false;
  bool aggpack = false;
  bool aggzoom = false;
  enum class Encoding : uint8_t { kUnset, kAscii, kUtf8 } encoding = Encoding::kUnset;
  uint64_t aggsortpos = 0;
  uint64_t aggsortkeypos = 0;
  uint64_t stackindent = 14;
  uint32_t strsize = 256;  // not dynamic: it shapes the records
  bool droptags = false;
  bool json = false;  // -x format=json

  // Takes those that it knows from a program's options; the rest is not about output.
  static Options from(const std::map<std::string, std::string>& options);
  // setopt(): the error's message is DTrace's ("Invalid option name", ...).
  Result<void> set(std::string_view name, std::string_view value);
};

// "" and numbers and yes, on, ... set it; no, off, ... do not.
bool parse_boolean(std::string_view text, bool* ok);
// Decimal, 0x or 0 octal, with k, m, g, t if `suffixes`.
Result<uint64_t> parse_number(std::string_view text, bool suffixes);

}  // namespace ht::consumer
