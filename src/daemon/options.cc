#include "daemon/options.h"

#include <getopt.h>

#include <cstdlib>

namespace ht::daemon {
namespace {

constexpr option kLong[] = {
    {"overlord", no_argument, nullptr, 'O'},        {"minion", no_argument, nullptr, 'm'},
    {"directory", required_argument, nullptr, 'D'}, {"port", required_argument, nullptr, 'p'},
    {"sockets", required_argument, nullptr, 's'},   {"foreground", no_argument, nullptr, 'd'},
    {"verbose", no_argument, nullptr, 'v'},         {"help", no_argument, nullptr, 'h'},
    {"version", no_argument, nullptr, 'V'},         {nullptr, 0, nullptr, 0},
};

void set_directory(Options* options, const std::string& directory) {
  options->directory = directory;
  while (options->directory.size() > 1 && options->directory.back() == '/') options->directory.pop_back();
  options->own_directory = true;
}

Result<void> set_role(Options* options, Options::Role role) {
  if (options->role != Options::Role::kNone && options->role != role) return Error("-O and -m exclude each other");
  options->role = role;
  return {};
}

}  // namespace

const char* usage() {
  return "usage: dtraced -O [-dv] [-D DIR] [-s GLOB]  the overlord, on a virtualisation host\n"
         "       dtraced -m [-dv] [-D DIR] [-p PORT]  the minion, in a guest\n"
         "\n"
         "  -O, --overlord       finds the guests, runs programs on them for dtrace -E\n"
         "  -m, --minion         arms this guest's probes when the overlord asks\n"
         "  -D, --directory DIR  socket, store and pid file there (default: DDTRACE_DIR, else /var/ddtrace)\n"
         "  -s, --sockets GLOB   of this host's VMs only those whose channel's socket has such a path\n"
         "  -p, --port PORT      the minion's port (default: /dev/virtio-ports/org.hypertrace.0)\n"
         "  -d, --foreground     stay in the foreground, log to standard error\n"
         "  -v, --verbose        log more\n"
         "  -h, --help           this text\n"
         "  -V, --version        the version\n";
}

Result<Options> parse_options(int argc, char** argv) {
  Options options;
  if (const char* named = std::getenv("DDTRACE_DIR"); named != nullptr && *named != '\0') {
    set_directory(&options, named);
  }
  optind = 0;  // GNU getopt: begin anew
  opterr = 0;
  for (int letter = 0; (letter = getopt_long(argc, argv, ":OmD:p:s:dvhV", kLong, nullptr)) != -1;) {
    switch (letter) {
      case 'O':
        RETURN_IF_ERROR(set_role(&options, Options::Role::kOverlord));
        break;
      case 'm':
        RETURN_IF_ERROR(set_role(&options, Options::Role::kMinion));
        break;
      case 'D':
        if (*optarg == '\0') return Error("-D needs a directory");
        set_directory(&options, optarg);
        break;
      case 'p':
        options.port = optarg;
        break;
      case 's':
        options.sockets = optarg;
        break;
      case 'd':
        options.foreground = true;
        break;
      case 'v':
        options.verbose = true;
        break;
      case 'h':
        options.help = true;
        break;
      case 'V':
        options.version = true;
        break;
      case ':':
        return Error(std::string(argv[optind - 1]) + " needs an argument");
      default:
        return Error("unknown option " + std::string(argv[optind - 1]));
    }
  }
  if (optind < argc) return Error("unexpected argument " + std::string(argv[optind]));
  if (options.help || options.version) return options;
  if (options.role == Options::Role::kNone) return Error("say which: -O (on the host) or -m (in a guest)");
  if (options.directory.front() != '/') return Error("the directory must be an absolute path: " + options.directory);
  return options;
}

}  // namespace ht::daemon
