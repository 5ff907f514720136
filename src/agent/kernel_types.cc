#include "agent/kernel_types.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <sys/stat.h>

#include <memory>

#include <fmt/format.h>

#include "symbols/kallsyms.h"

namespace ht::agent {

std::map<std::string, uint64_t> KernelTypes::modules() const {
  std::map<std::string, uint64_t> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(directory_.c_str()), closedir);
  if (directory == nullptr) return found;
  while (const dirent* entry = readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name.starts_with('.') || name == symbols::kKernelModule) continue;
    found.emplace(name, entry->d_ino);  // sysfs gives a file that comes anew another number
  }
  return found;
}

Result<std::shared_ptr<const types::TypeFile>> KernelTypes::vmlinux() {
  std::lock_guard lock(mutex_);
  if (vmlinux_ == nullptr) {
    ASSIGN_OR_RETURN(vmlinux_, types::TypeFile::from_file(fmt::format("{}/{}", directory_, symbols::kKernelModule)));
  }
  return vmlinux_;
}

Result<std::shared_ptr<const types::TypeFile>> KernelTypes::module(const std::string& name) {
  ASSIGN_OR_RETURN(auto base, vmlinux());
  return types::TypeFile::from_file(fmt::format("{}/{}", directory_, name), base);
}

void KernelTypes::forget() {
  std::lock_guard lock(mutex_);
  vmlinux_ = nullptr;
}

Result<UniqueFd> open_module_types(const std::string& name) {
  uint32_t id = 0;
  while (bpf_btf_get_next_id(id, &id) == 0) {
    UniqueFd types(bpf_btf_get_fd_by_id(id));
    if (!types) continue;  // gone meanwhile
    char text[64] = {};
    bpf_btf_info info{};
    info.name = reinterpret_cast<uintptr_t>(text);
    info.name_len = sizeof(text);
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(types.get(), &info, &size) != 0 || info.kernel_btf == 0) continue;
    if (name == text) return types;
  }
  return Error(fmt::format("module {} is not loaded, or has no types", name));
}

}  // namespace ht::agent
