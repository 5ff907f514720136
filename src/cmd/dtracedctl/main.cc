// dtracedctl: asks a running dtraced about its guests; see docs/dtracedctl.8.
#include <getopt.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string>
#include <vector>

#include "channel/client.h"

namespace {

using ht::Error;
using ht::Result;
using ht::channel::Client;
using ht::channel::VmInfo;

constexpr const char* kUsage =
    "usage: dtracedctl [-D DIR] list [-v]\n"
    "       dtracedctl [-D DIR] vm list [-v]\n"
    "       dtracedctl [-D DIR] vm add --pid PID [--name NAME] [--socket PATH]\n"
    "       dtracedctl [-D DIR] vm rescan\n"
    "       dtracedctl [-D DIR] vm remove NAME\n"
    "       dtracedctl [-D DIR] types [list]\n"
    "       dtracedctl [-D DIR] types show HASH [NAME]\n"
    "       dtracedctl [-D DIR] types drop HASH\n"
    "\n"
    "  -D, --directory DIR  the daemon's directory (default: DDTRACE_DIR, else /var/ddtrace)\n"
    "  -v, --verbose        list more of each guest\n"
    "  -p, --pid PID        the QEMU process\n"
    "  -n, --name NAME      vmname, instead of QEMU's own -name\n"
    "  -s, --socket PATH    the socket of its port org.hypertrace.0, if its command line does not say\n"
    "  -h, --help           this text\n"
    "  -V, --version        the version\n";

constexpr option kOptions[] = {
    {"directory", required_argument, nullptr, 'D'}, {"verbose", no_argument, nullptr, 'v'},
    {"pid", required_argument, nullptr, 'p'},       {"name", required_argument, nullptr, 'n'},
    {"socket", required_argument, nullptr, 's'},    {"help", no_argument, nullptr, 'h'},
    {"version", no_argument, nullptr, 'V'},         {nullptr, 0, nullptr, 0},
};

struct Command {
  std::string directory = ht::channel::daemon_directory();
  std::vector<std::string> words;
  uint32_t pid = 0;
  std::string name, socket;
  bool verbose = false, help = false, version = false;
};

Result<Command> parse(int argc, char** argv) {
  Command command;
  opterr = 0;
  for (int letter = 0; (letter = getopt_long(argc, argv, ":D:vp:n:s:hV", kOptions, nullptr)) != -1;) {
    const std::string argument = optarg == nullptr ? "" : optarg;
    switch (letter) {
      case 'D':
        command.directory = argument;
        break;
      case 'v':
        command.verbose = true;
        break;
      case 'p': {
        const char* end = argument.data() + argument.size();
        const auto [stop, failed] = std::from_chars(argument.data(), end, command.pid);
        if (failed != std::errc() || stop != end || command.pid == 0)
          return Error("'" + argument + "' is no process id");
        break;
      }
      case 'n':
        command.name = argument;
        break;
      case 's':
        command.socket = argument;
        break;
      case 'h':
        command.help = true;
        break;
      case 'V':
        command.version = true;
        break;
      case ':':
        return Error(std::string(argv[optind - 1]) + " needs an argument");
      default:
        return Error("unknown option " + std::string(argv[optind - 1]));
    }
  }
  command.words.assign(argv + optind, argv + argc);
  if (!command.words.empty() && command.words[0] == "list") command.words.insert(command.words.begin(), "vm");
  if (command.words.size() == 1 && command.words[0] == "types") command.words.push_back("list");
  return command;
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

// Columns from `numbers` on are flush right.
void print_table(const std::vector<std::vector<std::string>>& rows, size_t numbers) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - row[i].size(), ' ');
      const bool number = i >= numbers;
      line += (i == 0 ? "" : "  ") + (number ? pad + row[i] : row[i] + pad);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::printf("%s\n", line.c_str());
  }
}

void print_details(const VmInfo& vm) {
  std::printf("\n%s\n", vm.name().c_str());
  std::printf("  state     %s%s%s\n", vm.state().c_str(), vm.detail().empty() ? "" : ": ", vm.detail().c_str());
  std::printf("  vmid      %u\n", vm.id());
  std::printf("  hostname  %s\n", or_dash(vm.hostname()).c_str());
  std::printf("  kernel    %s\n", or_dash(vm.kernel()).c_str());
  std::printf("  process   %u\n", vm.pid());
  if (vm.cpus() != 0) std::printf("  cpus      %u\n", vm.cpus());
  std::printf("  channel   %s\n", vm.socket().c_str());
}

Result<void> list(Client& client, bool verbose) {
  ASSIGN_OR_RETURN(auto reply, client.vm_list());
  std::vector<std::vector<std::string>> rows = {{"VM", "STATE", "KERNEL", "PROGRAMS", "EVENTS", "DROPS"}};
  for (const VmInfo& vm : reply.vms()) {
    rows.push_back({vm.name(), vm.state(), or_dash(vm.kernel()), std::to_string(vm.programs()),
                    std::to_string(vm.events()), std::to_string(vm.drops())});
  }
  print_table(rows, 3);  // PROGRAMS EVENTS DROPS
  if (verbose) {
    for (const VmInfo& vm : reply.vms()) print_details(vm);
  }
  return {};
}

Result<void> print_done(Result<ht::channel::Done> done) {
  if (!done.ok()) return std::move(done).error();
  const std::string& text = done->text();
  std::printf("%s%s", text.c_str(), text.ends_with('\n') ? "" : "\n");
  return {};
}

std::string joined(const google::protobuf::RepeatedPtrField<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return or_dash(text);
}

Result<void> list_types(Client& client) {
  ASSIGN_OR_RETURN(auto reply, client.types_list());
  std::vector<std::vector<std::string>> rows = {{"HASH", "KERNEL", "MODULES", "GUESTS", "SIZE"}};
  for (const auto& types : reply.types()) {
    rows.push_back({types.hash().substr(0, 16), joined(types.kernels()), types.module(), joined(types.guests()),
                    std::to_string(types.size())});
  }
  print_table(rows, 4);
  return {};
}

bool known(const Command& command) {
  const auto& words = command.words;
  if (words.size() >= 2 && words[0] == "types") {
    if (words[1] == "list") return words.size() == 2;
    if (words[1] == "show") return words.size() == 3 || words.size() == 4;
    return words[1] == "drop" && words.size() == 3;
  }
  if (words.size() < 2 || words[0] != "vm") return false;
  if (words[1] == "list" || words[1] == "rescan") return words.size() == 2;
  if (words[1] == "remove") return words.size() == 3;
  return words[1] == "add" && words.size() == 2 && command.pid != 0;
}

// A known() command.
Result<void> run(const Command& command, Client& client) {
  const std::string& verb = command.words[1];
  if (command.words[0] == "types") {
    const auto& words = command.words;
    if (verb == "list") return list_types(client);
    if (verb == "drop") return print_done(client.types_drop(words[2]));
    return print_done(client.types_show(words[2], words.size() == 4 ? words[3] : ""));
  }
  if (verb == "list") return list(client, command.verbose);
  if (verb == "rescan") return print_done(client.vm_rescan());
  if (verb == "remove") return print_done(client.vm_remove(command.words[2]));
  ht::channel::VmAddRequest request;
  request.set_pid(command.pid);
  request.set_name(command.name);
  request.set_socket(command.socket);
  return print_done(client.vm_add(request));
}

int misused(const std::string& message) {
  std::fprintf(stderr, "dtracedctl: %s\n%s", message.c_str(), kUsage);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  auto command = parse(argc, argv);
  if (!command.ok()) return misused(command.error().message);
  if (command->help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (command->version) {
    std::puts("dtracedctl: HyperTrace 0.1.0");
    return 0;
  }
  if (command->words.empty()) return misused("what is to be done?");
  if (!known(*command)) {
    const bool add = command->words.size() == 2 && command->words[1] == "add";
    return misused(add ? "vm add needs --pid" : "there is no such command");
  }
  auto client = Client::connect(command->directory);
  Result<void> result = client.ok() ? run(*command, **client) : Result<void>(client.error());
  if (result.ok()) return 0;
  std::fprintf(stderr, "dtracedctl: %s\n", result.error().text().c_str());
  return 1;
}
