// What args[] is at the probes of a clause, told by the kernel's own types and by nothing else:
//
//   fbt:MODULE:FUNCTION:entry      args[i] is parameter i of the function
//   fbt:MODULE:FUNCTION:return     args[0] the offset of the return in the function, args[1] what it returns
//   rawtp:GROUP::NAME, sdt:...     the parameters of the tracepoint, those of btf_trace_NAME without the first
//   syscall::NAME:entry            the parameters of __do_sys_NAME where the kernel has such a function, else int64_t
//   syscall::NAME:return           args[0] and args[1]: what it returns
//   any other                      int64_t
//
// A description may mean many probes, and a clause may have many descriptions: they must agree on the argument used.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "dif/program.h"
#include "typing/value.h"

namespace ht::typing {

class ProbeArguments {
 public:
  explicit ProbeArguments(const types::TypeFile& types) : types_(types), lattice_(&types) {}

  // args[index] at each of these probes. Errors: D_ARGS_IDX, there is no such argument; D_ARGS_MULTI, they disagree;
  // D_ARGS_TYPE, it has no type that a register could hold.
  Result<Value> argument(const std::vector<dif::ProbeDesc>& probes, uint64_t index);

 private:
  struct Claim {
    std::string of;  // which probe says so, for messages
    Value value;
  };
  class Search;
  const Result<Claim>& claim(const dif::ProbeDesc& desc, uint64_t index);

  const types::TypeFile& types_;
  const Lattice lattice_;
  std::map<std::pair<std::string, uint64_t>, Result<Claim>> known_;  // by description and index
};

// Whether a kernel's types may say more about args[] at these probes than that they are int64_t.
bool have_typed_arguments(const std::vector<dif::ProbeDesc>& probes);

}  // namespace ht::typing
