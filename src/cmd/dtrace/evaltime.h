// Option evaltime: where a -c command stands while the programs are compiled.
//
//   exec      right after its exec: only the dynamic linker is there
//   preinit   its libraries are loaded, none of their constructors has run
//   postinit  its libraries' constructors have run: its entry point
//   main      its function main, if the file still has its symbol; otherwise as postinit
//
// A program without a dynamic linker has no preinit and stands at its entry point instead.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace ht::dtrace {

// Lets a process that we trace, and that its exec has stopped, run to that point. Returns its status if it ended
// before, as one does whose libraries cannot be loaded. If anything else goes wrong it stands elsewhere.
std::optional<int> run_to_evaltime(pid_t pid, const std::string& evaltime);

}  // namespace ht::dtrace
