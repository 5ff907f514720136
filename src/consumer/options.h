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
  bool noresolve = false;  // not dynamic: frames of user stacks as object and offset
  bool temporal = true;    // not dynamic: records of several CPUs in the order of time
  bool droptags = false;
  bool under_test = false;               // leave out what depends on the machine: CPU, probe id (_DTRACE_TESTING)
  bool json = false;                     // -x format=json
  uint64_t aggrate = 0, switchrate = 0;  // ns; 0: no interval of their own
  uint64_t statusrate = 1'000'000'000;   // ns; not dynamic

  // Takes those that it knows from a program's options; the rest is not about output.
  static Options from(const std::map<std::string, std::string>& options);
  // setopt(): the error's message is DTrace's ("Invalid option name", ...).
  Result<void> set(std::string_view name, std::string_view value);
};

}  // namespace ht::consumer
