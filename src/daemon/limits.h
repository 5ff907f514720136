// What a guest or a client may take, and how long a guest may take over what it is asked. One place, so that tests can
// have other numbers and docs/security-model.md can be checked against it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ht::daemon {

using std::chrono::milliseconds;

struct Limits {
  // Time
  milliseconds hello{2000};           // from connecting to Hello; then: no agent
  milliseconds reconnect{500};        // between tries to reach a chardev again
  milliseconds names{1000};           // what it is called now; then: what it was called before
  milliseconds types{15000};          // one chunk of type information
  milliseconds symbols{15000};        // where some symbols of its kernel are
  milliseconds which_modules{15000};  // have some types
  milliseconds install{15000};        // matching included
  milliseconds arm{60000};            // loading and attaching
  milliseconds address_names{15000};  // what is at some addresses
  milliseconds disarm{20000};
  milliseconds list{30000};  // one page
  milliseconds watch{1000};  // while something is traced: look for failures and new guests
  milliseconds burst{1000};  // garbage within it is logged once
  unsigned tries = 2;        // of a transfer
  unsigned reconnects = 20;  // in a row

  // Size
  uint64_t garbage = uint64_t{8} << 20;  // bytes on one connection; then the guest is cut off
  uint32_t unasked = 1000;               // messages nobody asked for, on one connection
  uint32_t probes = 200'000;             // of one program on one guest
  uint32_t listed = 500'000;             // of one guest in one listing
  uint32_t probe_number = 1u << 20;      // the agent's numbers are below
  uint32_t name = 256;                   // bytes of a name that a guest says
  uint32_t cpus = 4096;
  uint32_t sessions = 64;
  uint32_t modules = 32;                       // of one guest, whose types a program may need
  uint32_t modules_seen = 1024;                // of one guest, whose hashes are remembered
  uint64_t module_bytes = uint64_t{64} << 20;  // of their types together
  unsigned module_rounds = 8;                  // of questions: what a module's types name may be in another module
  uint32_t addresses = 4096;                   // asked about at once
  size_t installed = size_t{4} << 20;          // bytes of a linked program
};

}  // namespace ht::daemon
