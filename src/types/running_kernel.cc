// Reading /sys/kernel/btf and /proc/kallsyms.
#include "types/running_kernel.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

namespace ht::types {
namespace {

constexpr std::string_view kAliases[] = {"kernel", "genunix", "unix"};

}  // namespace

std::string_view RunningKernel::canonical(std::string_view module) {
  const bool alias = std::find(std::begin(kAliases), std::end(kAliases), module) != std::end(kAliases);
  return alias ? symbols::kKernelModule : module;
}

Result<std::shared_ptr<const TypeFile>> RunningKernel::types(std::string_view name) {
  const std::string module(canonical(name));
  if (auto found = files_.find(module); found != files_.end()) return found->second;
  auto load = [&]() -> Result<std::shared_ptr<const TypeFile>> {
    if (!symbols::is_module_name(module)) return Error("there is no module " + module);
    if (module == symbols::kKernelModule && !type_file_.empty()) return TypeFile::from_file(type_file_);
    if (!type_file_.empty()) return Error("a type file has no module " + module);
    const std::string path = directory_ + "/" + module;
    if (module == symbols::kKernelModule) return TypeFile::from_file(path);
    auto base = types(symbols::kKernelModule);
    if (!base.ok()) return base;
    return TypeFile::from_file(path, *base);
  };
  return files_.emplace(module, load()).first->second;
}

std::vector<std::shared_ptr<const TypeFile>> RunningKernel::all_types() {
  std::vector<std::shared_ptr<const TypeFile>> result;
  auto base = types(symbols::kKernelModule);
  if (!base.ok()) return result;
  result.push_back(*base);
  if (!type_file_.empty()) return result;
  std::vector<std::string> modules;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, ignored)) {
    const std::string module = entry.path().filename().string();
    if (module != symbols::kKernelModule) modules.push_back(module);
  }
  std::sort(modules.begin(), modules.end());
  for (const std::string& module : modules) {
    if (auto file = types(module); file.ok()) result.push_back(*file);
  }
  return result;
}

void RunningKernel::read_symbols() {
  symbols_read_ = true;
  std::ifstream in(symbols_path_);
  std::string text;
  while (std::getline(in, text)) {
    const auto line = symbols::parse_kernel_symbol(text);
    if (!line) continue;
    const char type = static_cast<char>(std::tolower(static_cast<unsigned char>(line->type)));
    const bool is_function = type == 't' || type == 'w' || type == 'i';
    symbols_.push_back({std::string(line->name), {line->address, std::string(line->module), is_function}});
  }
  std::stable_sort(symbols_.begin(), symbols_.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
}

std::optional<RunningKernel::Symbol> RunningKernel::symbol(std::string_view module, std::string_view name) {
  if (!symbols_read_) read_symbols();
  module = canonical(module);
  auto at = std::lower_bound(symbols_.begin(), symbols_.end(), name,
                             [](const Entry& entry, std::string_view wanted) { return entry.name < wanted; });
  for (; at != symbols_.end() && at->name == name; ++at) {
    if (module.empty() || at->symbol.module == module) return at->symbol;
  }
  return std::nullopt;
}

}  // namespace ht::types
