// The network addresses of this machine, by which a probe description may name it (-x resolvers=address).
#pragma once

#include <string>
#include <vector>

namespace ht::agent {

// Of interfaces that are up, without loopback and link-local ones, each once, sorted; at most `most`.
std::vector<std::string> own_addresses(size_t most);

}  // namespace ht::agent
