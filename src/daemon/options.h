// dtraced's command line.
#pragma once

#include <string>

#include "base/result.h"

namespace ht::daemon {

struct Options {
  enum class Role { kNone, kOverlord, kMinion };
  Role role = Role::kNone;
  std::string directory = "/var/ddtrace";
  bool own_directory = false;                               // -D or DDTRACE_DIR: the pid file is there too
  std::string port = "/dev/virtio-ports/org.hypertrace.0";  // minion: -p
  std::string sockets;                                      // overlord: -s, a glob; empty: all of this host's VMs
  bool foreground = false;
  bool verbose = false;
  bool help = false;
  bool version = false;
};

// The error is one of usage (exit status 2).
Result<Options> parse_options(int argc, char** argv);
const char* usage();

}  // namespace ht::daemon
