// dtraced: the daemon of both sides; see docs/dtraced.8.
#include <cstdio>

#include "daemon/minion.h"
#include "daemon/options.h"
#include "daemon/overlord.h"

int main(int argc, char** argv) {
  using ht::daemon::Options;
  auto options = ht::daemon::parse_options(argc, argv);
  if (!options.ok()) {
    std::fprintf(stderr, "dtraced: %s\n%s", options.error().message.c_str(), ht::daemon::usage());
    return 2;
  }
  if (options->help) {
    std::fputs(ht::daemon::usage(), stdout);
    return 0;
  }
  if (options->version) {
    std::puts("dtraced: HyperTrace 0.1.0");
    return 0;
  }
  return options->role == Options::Role::kOverlord ? ht::daemon::run_overlord(*options)
                                                   : ht::daemon::run_minion(*options);
}
