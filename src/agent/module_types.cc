#include "agent/module_types.h"

#include <algorithm>
#include <filesystem>

#include "base/fd.h"
#include "base/hash.h"
#include "symbols/kallsyms.h"
#include "types/module_search.h"

namespace ht::agent {
namespace {

constexpr size_t kMostTypes = size_t{64} << 20;

std::vector<std::string> modules_in(const std::string& directory) {
  std::vector<std::string> modules;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
    std::string name = entry.path().filename();
    if (name != symbols::kKernelModule && symbols::is_module_name(name)) modules.push_back(std::move(name));
  }
  std::sort(modules.begin(), modules.end());
  return modules;
}

}  // namespace

Result<std::vector<ModuleTypes>> find_modules(const std::string& directory, const std::vector<types::TypeName>& names) {
  ASSIGN_OR_RETURN(const Bytes kernel, read_file(directory + "/" + std::string(symbols::kKernelModule), kMostTypes));
  const auto strings = types::btf_strings(kernel);
  if (!strings) return Error("the kernel's type information is no BTF");
  std::vector<types::TypeName> open;  // names of any module that no module has had so far
  std::copy_if(names.begin(), names.end(), std::back_inserter(open), [](const auto& n) { return n.module.empty(); });
  std::vector<ModuleTypes> result;
  for (const std::string& module : modules_in(directory)) {
    bool meant = std::any_of(names.begin(), names.end(), [&](const auto& name) { return name.module == module; });
    if (!meant && open.empty()) continue;
    const auto blob = read_file(directory + "/" + module, kMostTypes);
    if (!blob.ok()) continue;
    const std::vector<bool> found = types::defines(*blob, *strings, open);
    std::vector<types::TypeName> left;
    for (size_t i = 0; i < open.size(); ++i) {
      meant = meant || found[i];
      if (!found[i]) left.push_back(std::move(open[i]));
    }
    open = std::move(left);
    if (meant) result.push_back({module, blob->size(), sha256_hex(*blob)});
  }
  return result;
}

Result<Bytes> read_module_types(const std::string& directory, const std::string& module) {
  if (!symbols::is_module_name(module)) return Error("there is no module of that name");
  return read_file(directory + "/" + module, kMostTypes);
}

}  // namespace ht::agent
