#include "daemon/qemu_finder.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/fd.h"
#include "base/glob.h"

namespace ht::daemon {
namespace {

constexpr std::string_view kPortName = "org.hypertrace.0";
constexpr const char* kPortHint =
    "add: -device virtio-serial-pci -device virtserialport,chardev=ht,name=org.hypertrace.0 -chardev "
    "socket,id=ht,path=PATH,server=on,wait=off";

// QEMU's option syntax: "kind,key=value,..." where a comma in a value is doubled; newer QEMUs also take JSON.
struct QemuOption {
  std::string kind;  // the first word without '='
  std::map<std::string, std::string> values;
  std::string get(const std::string& key) const {
    auto found = values.find(key);
    return found == values.end() ? "" : found->second;
  }
};

QemuOption parse_json_option(const std::string& text) {
  QemuOption option;
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return option;
  for (const auto& [key, value] : json.items()) {
    if (value.is_string()) option.values[key] = value.get_ref<const std::string&>();
  }
  option.kind = option.get("driver");
  return option;
}

QemuOption parse_option(const std::string& text) {
  if (!text.empty() && text[0] == '{') return parse_json_option(text);
  QemuOption option;
  std::vector<std::string> words(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      words.back() += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == ',') {
      words.back() += ',';
      ++i;
    } else {
      words.emplace_back();
    }
  }
  for (size_t i = 0; i < words.size(); ++i) {
    const size_t equals = words[i].find('=');
    if (equals == std::string::npos) {
      if (i == 0) option.kind = words[i];
    } else {
      option.values[words[i].substr(0, equals)] = words[i].substr(equals + 1);
    }
  }
  if (option.kind.empty()) option.kind = option.get("driver");
  return option;
}

bool is_option(const std::string& argument, std::string_view name) {
  return argument.size() > name.size() && argument[0] == '-' &&
         std::string_view(argument).substr(argument[1] == '-' ? 2 : 1) == name;
}

std::vector<QemuOption> all_options(const std::vector<std::string>& arguments, std::string_view name) {
  std::vector<QemuOption> found;
  for (size_t i = 1; i + 1 < arguments.size(); ++i) {
    if (is_option(arguments[i], name)) found.push_back(parse_option(arguments[i + 1]));
  }
  return found;
}

}  // namespace

std::string safe_name(const std::string& name) {
  std::string safe = name.substr(0, 64);
  for (char& c : safe) {
    const bool fine = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    if (!fine) c = '_';
  }
  return safe;
}

bool is_qemu(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return false;
  const std::string base = std::filesystem::path(arguments[0]).filename();
  return base.starts_with("qemu") || base.starts_with("kvm");
}

Result<QemuPort> parse_qemu(const std::vector<std::string>& arguments) {
  QemuPort port;
  for (const QemuOption& option : all_options(arguments, "name")) {
    port.name = safe_name(option.kind.empty() ? option.get("guest") : option.kind);
  }
  std::string chardev;
  for (const QemuOption& option : all_options(arguments, "device")) {
    if (option.kind == "virtserialport" && option.get("name") == kPortName) chardev = option.get("chardev");
  }
  if (chardev.empty()) return Error("it has no virtio-serial port named " + std::string(kPortName), kPortHint);
  for (const QemuOption& option : all_options(arguments, "chardev")) {
    if (option.get("id") != chardev) continue;
    if (option.kind != "socket") return Error("the port's chardev " + chardev + " is no socket", kPortHint);
    const std::string server = option.get("server");
    if (option.values.contains("host")) return Error("the port's chardev " + chardev + " is no unix socket", kPortHint);
    if (server == "off") return Error("the port's chardev " + chardev + " does not listen", kPortHint);
    port.path = option.get("path");
    const std::string fd = option.get("fd");
    if (!fd.empty()) std::from_chars(fd.data(), fd.data() + fd.size(), port.fd);
    if (port.path.empty() && port.fd < 0) return Error("the port's chardev " + chardev + " has no path", kPortHint);
    return port;
  }
  return Error("the port's chardev " + chardev + " is not on its command line", kPortHint);
}

std::vector<std::string> QemuFinder::arguments(pid_t pid) const {
  std::vector<std::string> words;
  auto text = read_text_file(proc_ + "/" + std::to_string(pid) + "/cmdline", size_t{4} << 20);
  if (!text.ok()) return words;
  for (size_t at = 0; at < text->size();) {
    const size_t end = std::min(text->find('\0', at), text->size());
    words.push_back(text->substr(at, end - at));
    at = end + 1;
  }
  return words;
}

uint64_t QemuFinder::started(pid_t pid) const {
  auto stat = read_text_file(proc_ + "/" + std::to_string(pid) + "/stat", 4096);
  if (!stat.ok()) return 0;
  const size_t name_end = stat->rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return 0;
  std::istringstream rest(stat->substr(name_end + 1));
  std::string word;
  for (int field = 3; field <= 22 && rest >> word; ++field) {
  }
  uint64_t value = 0;
  std::from_chars(word.data(), word.data() + word.size(), value);
  return value;
}

Result<std::string> QemuFinder::path_of_passed_socket(pid_t pid, int fd) const {
  const std::string directory = proc_ + "/" + std::to_string(pid);
  std::error_code error;
  const std::string link = std::filesystem::read_symlink(directory + "/fd/" + std::to_string(fd), error);
  constexpr std::string_view kPrefix = "socket:[";
  if (error || !link.starts_with(kPrefix)) return Error("the port's chardev is no open socket of that process");
  const std::string inode = link.substr(kPrefix.size(), link.size() - kPrefix.size() - 1);
  ASSIGN_OR_RETURN(std::string table, read_text_file(directory + "/net/unix"));
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    // Num RefCount Protocol Flags Type St Inode Path
    std::istringstream words(line);
    std::string word, path;
    for (int i = 0; i < 7 && words >> word; ++i) {
    }
    if (word == inode && words >> path && path.starts_with("/")) return path;
  }
  return Error("the port's chardev has no path in the file system");
}

Result<FoundVm> QemuFinder::look(pid_t pid, const std::string& socket) {
  FoundVm vm;
  vm.pid = pid;
  vm.arguments = arguments(pid);
  vm.started = started(pid);
  const std::string who = "process " + std::to_string(pid);
  if (vm.arguments.empty()) return Error("there is no " + who);
  auto port = parse_qemu(vm.arguments);
  if (!port.ok() && socket.empty()) {
    return Error(who + (is_qemu(vm.arguments) ? ": " : " is not QEMU: ") + port.error().message, port.error().hint);
  }
  if (port.ok()) vm.name = port->name;
  if (vm.name.empty()) vm.name = "pid" + std::to_string(pid);
  vm.socket = socket.empty() ? port->path : socket;
  if (vm.socket.empty()) {
    auto path = path_of_passed_socket(pid, port->fd);
    if (!path.ok()) return Error(who + ": " + path.error().message, path.error().hint);
    vm.socket = *path;
  }
  // A path on a command line is relative to where QEMU was started.
  if (vm.socket[0] != '/') {
    std::error_code error;
    const auto directory = std::filesystem::read_symlink(proc_ + "/" + std::to_string(pid) + "/cwd", error);
    if (!error) vm.socket = directory / vm.socket;
  }
  return vm;
}

bool QemuFinder::is_ours(const std::string& socket) const {
  if (!sockets_.empty()) return glob_match(sockets_, socket);
  std::error_code ignored;
  for (std::filesystem::path at = std::filesystem::path(socket).parent_path(); at.has_relative_path();
       at = at.parent_path()) {
    if (std::filesystem::equivalent(at, root_, ignored)) return true;
    const bool of_a_daemon =
        std::filesystem::is_directory(at / "outbound", ignored) && std::filesystem::is_directory(at / "types", ignored);
    if (of_a_daemon) return false;
  }
  return true;
}

std::vector<FoundVm> QemuFinder::scan() {
  std::vector<FoundVm> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(proc_, error)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (failed != std::errc() || end != name.data() + name.size()) continue;
    const auto words = arguments(pid);
    if (!is_qemu(words) || !parse_qemu(words).ok()) continue;
    if (auto vm = look(pid, ""); vm.ok() && is_ours(vm->socket)) found.push_back(std::move(*vm));
  }
  std::sort(found.begin(), found.end(), [](const FoundVm& a, const FoundVm& b) { return a.pid < b.pid; });
  return found;
}

}  // namespace ht::daemon
