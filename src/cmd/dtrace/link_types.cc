#include "cmd/dtrace/link_types.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include "cmd/dtrace/messages.h"

namespace ht::dtrace {
namespace {

constexpr char kKernelTypes[] = "/sys/kernel/btf/vmlinux";

link::TargetName target_name(const CommandLine& line) {
  const std::string path = type_file_path(line);
  if (!path.empty()) return {"", path.substr(path.rfind('/') + 1)};
  utsname name{};
  if (uname(&name) != 0) return {"localhost", ""};
  return {name.nodename, name.release};
}

}  // namespace

std::string type_file_path(const CommandLine& line) {
  const auto found = line.options.find("typefile");
  return found != line.options.end() ? found->second : std::string();
}

types::RunningKernel compile_kernel(const CommandLine& line) {
  const std::string path = type_file_path(line);
  types::RunningKernel kernel;
  if (!path.empty()) kernel.use_type_file(path);
  return kernel;
}

Result<std::shared_ptr<const types::TypeFile>> link_types(const CommandLine& line) {
  const std::string path = type_file_path(line);
  auto types = types::TypeFile::from_file(path.empty() ? kKernelTypes : path);
  if (types.ok() || path.empty()) return types;
  Error error = std::move(types).error();
  error.message = fmt::format("-x typefile={}: {}", path, error.message);
  if (error.hint.empty()) error.hint = "a type file is raw BTF, such as /sys/kernel/btf/vmlinux of a machine";
  return error;
}

std::optional<dif::Program> link_here(const CommandLine& line, const dif::Program& program) {
  std::shared_ptr<const types::TypeFile> types;
  if (link::needs_types(program) || !type_file_path(line).empty() || !program.types_hash.empty()) {
    auto read = link_types(line);
    if (!read) {
      fatal(read.error());
      return std::nullopt;
    }
    types = std::move(*read);
  }
  const link::TargetName target = target_name(line);
  // Offsets of another kernel would read anything.
  if (!program.types_hash.empty() && types->hash() != program.types_hash) {
    fatal(Error(fmt::format("the program is linked for kernel {}, and not for {}", program.kernel, target.kernel),
                "link the object that -e wrote for this one"));
    return std::nullopt;
  }
  link::LinkResult linked = link::link(program, types.get(), target);
  for (const Error& error : linked.errors) say_at_source(error, line.originals, line.option("errtags"));
  if (!linked.ok()) return std::nullopt;
  return std::move(linked.program);
}

}  // namespace ht::dtrace
