// dtrace(1). Without -E it traces this machine in this process; with -E, guests, through dtraced.
#include <unistd.h>

#include <cstdlib>

#include "cmd/dtrace/dump.h"
#include "cmd/dtrace/guest_run.h"
#include "cmd/dtrace/header.h"
#include "cmd/dtrace/link_program.h"
#include "cmd/dtrace/list.h"
#include "cmd/dtrace/local_run.h"
#include "cmd/dtrace/messages.h"
#include "cmd/dtrace/object_file.h"
#include "cmd/dtrace/options.h"
#include "cmd/dtrace/signals.h"

namespace ht::dtrace {
namespace {

int run(CommandLine& line) {
  if (line.mode == Mode::kHeader) return write_header(line);
  if (line.mode == Mode::kLink) return link_program(line);
  if (line.has_object() && line.disassemble && !line.option("verbose")) return list_object(line);
  if (!line.to_link.empty()) return link_object(line);
  if (line.mode == Mode::kTrace && line.option("dump")) return dump_program(line);
  if (!line.guests && !line.compile_only && geteuid() != 0) {
    say("run as root for tracing and listing probes");
    return kUsage;
  }
  if (line.mode == Mode::kList) return list_probes(line);
  if (line.sources.empty() && line.object.empty()) return fatal("no probes specified");
  return line.guests ? run_guests(line) : run_local(line);
}

}  // namespace
}  // namespace ht::dtrace

int main(int argc, char** argv) {
  using namespace ht::dtrace;  // NOLINT: this is the command
  auto [line, exit_status] = parse_command_line(argc, argv);
  if (exit_status) return *exit_status;
  Signals::install();
  const int status = run(line);
  if (line.option("core")) std::abort();
  return status;
}
