// Finds the file behind a QEMU's RAM among what the process has open, and maps it.
//
// The file is opened through /proc/PID (never by a path that the command line names): that is the very file QEMU has
// mapped, also when it is deleted or in another mount namespace.
#include "guest/qemu_ram.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <set>

#include "guest/qemu_arguments.h"

namespace ht::guest {
namespace {

constexpr std::string_view kDeleted = " (deleted)";
constexpr std::string_view kMemfd = "/memfd:";
constexpr std::string_view kSharedAnonymous = "/dev/zero";

struct Candidate {
  std::string link;    // what to open: /proc/PID/fd/N
  std::string target;  // what it says it is, without " (deleted)"
};

std::optional<std::string> link_target(const std::string& link) {
  char buffer[4096];
  const ssize_t length = ::readlink(link.c_str(), buffer, sizeof buffer);
  if (length < 0) return std::nullopt;
  std::string target(buffer, static_cast<size_t>(length));
  if (target.ends_with(kDeleted)) target.resize(target.size() - kDeleted.size());
  return target;
}

// Everything in one directory of links: /proc/PID/fd or /proc/PID/map_files.
Result<std::vector<Candidate>> list_links(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
  if (stream == nullptr) return errno_error("cannot look into " + directory);
  std::vector<Candidate> result;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string link = directory + "/" + entry->d_name;
    if (std::optional<std::string> target = link_target(link)) result.push_back({link, std::move(*target)});
  }
  return result;
}

// mem-path may name the file, or a directory in which QEMU made and removed one.
bool is_at_path(const std::string& target, const std::string& path) {
  return target == path || target.starts_with(path.ends_with('/') ? path : path + "/");
}

bool could_be_ram(const Candidate& candidate, const QemuMemory& memory) {
  const bool memfd = candidate.target.starts_with(kMemfd);
  switch (memory.backend) {
    case RamBackend::kMemfd:
      return candidate.target == "/memfd:memory-backend-memfd";
    case RamBackend::kFile:
      return is_at_path(candidate.target, memory.path);
    case RamBackend::kAnonymous:
      return memfd || candidate.target == kSharedAnonymous;  // as QEMU's version has it
  }
  return false;
}

// The one file of the right size among the candidates; several descriptors of one file are one.
Result<std::optional<UniqueFd>> pick(const std::vector<Candidate>& candidates, const QemuMemory& memory) {
  std::set<std::pair<dev_t, ino_t>> seen;
  std::optional<UniqueFd> found;
  for (const Candidate& candidate : candidates) {
    if (!could_be_ram(candidate, memory)) continue;
    struct stat status {};
    if (::stat(candidate.link.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    // A file may be longer than the RAM that is kept in it.
    const auto size = static_cast<uint64_t>(status.st_size);
    if (memory.backend == RamBackend::kFile ? size < memory.size : size != memory.size) continue;
    if (!seen.insert({status.st_dev, status.st_ino}).second) continue;
    if (found) return Error("QEMU has more than one shared memory of the size of the guest's RAM");
    ASSIGN_OR_RETURN(found, open_file(candidate.link, O_RDWR));
  }
  return found;
}

Result<UniqueFd> open_ram_file(pid_t pid, const QemuMemory& memory) {
  const std::string process = "/proc/" + std::to_string(pid);
  ASSIGN_OR_RETURN(const std::vector<Candidate> descriptors, list_links(process + "/fd"));
  ASSIGN_OR_RETURN(std::optional<UniqueFd> found, pick(descriptors, memory));
  if (!found && memory.backend != RamBackend::kMemfd) {  // mapped, and the descriptor closed
    ASSIGN_OR_RETURN(const std::vector<Candidate> mappings, list_links(process + "/map_files"));
    ASSIGN_OR_RETURN(found, pick(mappings, memory));
  }
  if (!found) {
    return Error("process " + std::to_string(pid) + " has no shared memory of " + std::to_string(memory.size) +
                 " bytes open, as its command line says");
  }
  return std::move(*found);
}

}  // namespace

Result<std::shared_ptr<GuestRam>> open_qemu_ram(pid_t pid, const std::vector<std::string>& arguments) {
  ASSIGN_OR_RETURN(const QemuMemory memory, parse_qemu_arguments(arguments));
  ASSIGN_OR_RETURN(std::vector<RamRegion> regions, ram_regions(memory));
  ASSIGN_OR_RETURN(UniqueFd file, open_ram_file(pid, memory));
  return GuestRam::create(std::move(file), std::move(regions));
}

}  // namespace ht::guest
