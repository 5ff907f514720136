#include "agent/function_table.h"

#include <algorithm>
#include <array>

#include "agent/provider.h"
#include "agent/tracefs.h"
#include "base/log.h"
#include "symbols/kallsyms.h"

namespace ht::agent {
namespace {

constexpr size_t kMostText = size_t{32} << 20;  // of available_filter_functions
constexpr size_t kMostFunctions = (kFbtEnd - kFbtFirst) / 2;
constexpr size_t kMostModules = 1000;

// What programs run on their way: eBPF's own functions, and those that its helpers call.
constexpr std::array<std::string_view, 2> kOwnPrefixes = {"bpf_", "__bpf_"};
constexpr std::array<std::string_view, 20> kOwnFunctions = {
    "array_map_lookup_elem",
    "copy_from_kernel_nofault",
    "copy_from_kernel_nofault_allowed",
    "from_kgid",
    "from_kuid",
    "get_kprobe",
    "ktime_get_mono_fast_ns",
    "map_id_up",
    "migrate_disable",
    "migrate_enable",
    "perf_trace_buf_alloc",
    "preempt_count_add",
    "preempt_count_sub",
    "rcu_read_unlock_strict",
    "sized_strscpy",
    "strncpy_from_kernel_nofault",
    "strscpy",
    "strscpy_pad",
    "sized_strscpy_pad",
    "trace_call_bpf",
};

bool is_own(std::string_view name) {
  return std::any_of(kOwnPrefixes.begin(), kOwnPrefixes.end(), [&](auto prefix) { return name.starts_with(prefix); }) ||
         std::find(kOwnFunctions.begin(), kOwnFunctions.end(), name) != kOwnFunctions.end();
}

}  // namespace

std::map<std::string, std::string> FunctionTable::parse_modules(std::string_view text) {
  // "name size references users state address": what changes when it is loaded anew is the address, as a rule.
  std::map<std::string, std::string> modules;
  for_each_line(text, [&](std::string_view line) {
    const std::string_view name = line.substr(0, line.find(' '));
    const size_t address = line.find(" 0x");
    if (tracefs_internal::is_name(name) && modules.size() < kMostModules)
      modules.emplace(name, address == std::string_view::npos ? "" : line.substr(address));
  });
  return modules;
}

void FunctionTable::refresh() {
  auto list = read_text_file("/proc/modules");
  std::map<std::string, std::string> loaded;
  if (list.ok()) loaded = parse_modules(*list);
  if (vmlinux_read_ && loaded == loaded_) return;
  read(list_functions(), loaded);
}

std::string FunctionTable::list_functions() {
  auto text = read_tracefs("available_filter_functions", kMostText);
  if (text.ok()) return std::move(*text);
  log::info("{}: the kernel's functions are those that have a type", text.error().text());
  auto symbols = symbols::read_kallsyms();
  return symbols.ok() ? typed_functions(*symbols, *types_) : std::string();
}

std::string FunctionTable::typed_functions(std::string_view symbols, KernelTypes& types) {
  std::string list;
  std::map<std::string, std::shared_ptr<const types::TypeFile>, std::less<>> files;
  auto vmlinux = types.vmlinux();
  if (!vmlinux.ok()) return list;
  symbols::for_each_kernel_symbol(symbols, [&](const symbols::KernelSymbolLine& line) {
    if (line.type != 't' && line.type != 'T') return;
    const bool kernel = line.module == symbols::kKernelModule;
    const types::TypeFile* file = vmlinux->get();
    if (!kernel) {
      auto known = files.find(line.module);
      if (known == files.end()) {
        auto read = types.module(std::string(line.module));
        known = files.emplace(line.module, read.ok() ? *read : nullptr).first;
      }
      file = known->second.get();
    }
    if (file == nullptr) return;
    const auto id = file->find(types::Kind::kFunc, line.name);
    if (!id || (!kernel && *id < (*vmlinux)->count())) return;
    list += line.name;
    if (!kernel) list.append(" [").append(line.module).append("]");
    list += '\n';
  });
  return list;
}

void FunctionTable::read(std::string_view functions, const std::map<std::string, std::string>& modules) {
  for (Module& module : modules_)
    module.present = module.name == symbols::kKernelModule || modules.contains(module.name);
  std::map<uint16_t, std::unordered_map<std::string_view, uint32_t>> seen;  // by module, in this reading
  for_each_traceable_function(functions, [&](std::string_view name, std::string_view module_name) {
    if (is_own(name) || functions_.size() >= kMostFunctions) return;
    const bool kernel = module_name.empty();
    if (kernel && vmlinux_read_) return;
    if (kernel) module_name = symbols::kKernelModule;
    // A module whose list has changed while it was read will be looked at again.
    if (!kernel && !modules.contains(std::string(module_name))) return;
    const uint16_t module = module_number(module_name);
    if (module == kMostModules) return;
    const auto [place, is_new] = seen[module].try_emplace(name, 0);
    if (!is_new) {
      functions_[place->second].ambiguous = true;
      return;
    }
    auto& index = modules_[module].index;
    if (const auto known = kernel ? index.end() : index.find(std::string(name)); known != index.end()) {
      place->second = known->second;
      functions_[known->second].ambiguous = false;  // in this reading, so far
      return;
    }
    place->second = append(module, name);
    if (!kernel) index.emplace(name, place->second);
  });
  vmlinux_read_ = vmlinux_read_ || !functions_.empty();
  loaded_ = modules;
}

uint16_t FunctionTable::module_number(std::string_view name) {
  for (size_t i = 0; i < modules_.size(); ++i)
    if (modules_[i].name == name) return static_cast<uint16_t>(i);
  if (modules_.size() >= kMostModules) return kMostModules;
  modules_.push_back({std::string(name), true, {}});
  return static_cast<uint16_t>(modules_.size() - 1);
}

uint32_t FunctionTable::append(uint16_t module, std::string_view name) {
  functions_.push_back({static_cast<uint32_t>(text_.size()), static_cast<uint16_t>(name.size()), module, false});
  text_ += name;
  return static_cast<uint32_t>(functions_.size() - 1);
}

FunctionTable::Function FunctionTable::at(size_t index) const {
  const Entry& entry = functions_[index];
  const Module& module = modules_[entry.module];
  return {module.name, name_of(entry), module.present, entry.ambiguous};
}

}  // namespace ht::agent
