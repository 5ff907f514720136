// Programs on disk while sessions use them, for whoever wants to look: DIR/base/SHA.elf as submitted, and
// DIR/outbound/SHA.elf as sent to guests. Counted; the last user's end removes the file.
#pragma once

#include <map>
#include <string>

#include "base/bytes.h"

namespace ht::daemon {

class ProgramStore {
 public:
  ProgramStore(std::string base, std::string outbound) : base_(std::move(base)), outbound_(std::move(outbound)) {}

  enum class Kind { kBase, kOutbound };
  void hold(Kind kind, const std::string& sha256, ByteView object);
  void release(Kind kind, const std::string& sha256);

 private:
  std::string path(Kind kind, const std::string& sha256) const {
    return (kind == Kind::kBase ? base_ : outbound_) + "/" + sha256 + ".elf";
  }
  std::string base_, outbound_;
  std::map<std::string, unsigned> users_;  // by path
};

}  // namespace ht::daemon
