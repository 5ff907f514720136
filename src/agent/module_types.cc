#include "agent/module_types.h"

#include <algorithm>

#include "agent/kernel_types.h"
#include "base/fd.h"
#include "base/hash.h"
#include "symbols/kallsyms.h"
#include "types/module_search.h"

namespace ht::agent {
namespace {

constexpr size_t kMostTypes = size_t{64} << 20;

}  // namespace

Result<std::vector<ModuleTypes>> find_modules(const std::string& directory, const std::vector<types::TypeName>& names) {
  ASSIGN_OR_RETURN(const Bytes kernel, read_file(directory + "/" + std::string(symbols::kKernelModule), kMostTypes));
  const auto strings = types::btf_strings(kernel);
  if (!strings) return Error("the kernel's type information is no BTF");
  std::vector<types::TypeName> open;  // names of any module that no module has had so far
  std::copy_if(names.begin(), names.end(), std::back_inserter(open), [](const auto& n) { return n.module.empty(); });
  std::vector<ModuleTypes> result;
  for (const auto& [module, number] : KernelTypes(directory).modules()) {
    if (!symbols::is_module_name(module)) continue;
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
