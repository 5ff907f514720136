// What this machine calls itself, by which a probe description may name it (-x resolvers=hostname,address).
#pragma once

#include <sys/socket.h>

#include <string>

#include "agent/agent.h"

namespace ht::agent {

// At this moment: its host name, and the addresses of interfaces that are up, each once, sorted.
OwnNames own_names();

// The address as text; empty for one that names no machine: loopback, link-local, not of the Internet.
std::string address_text(const sockaddr& address);

}  // namespace ht::agent
