// -B: standard output as the fragments in which it is delivered, each counted and quoted on lines of its own. For
// testing whoever consumes output piece by piece.
#pragma once

#include "consumer/stream.h"

namespace ht::dtrace {

class FragmentStream final : public consumer::Stream {
 public:
  FragmentStream() : out_(stdout) {}
  void write(std::string_view text) override;
  Result<void> flush() override { return out_.flush(); }
  void truncate() override { out_.truncate(); }
  Result<void> reopen(const std::string& path) override { return out_.reopen(path); }

 private:
  consumer::FileStream out_;
};

}  // namespace ht::dtrace
