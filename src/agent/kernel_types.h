// The running kernel's types as the providers need them: BTF of vmlinux, and of the modules that are loaded at this
// moment. Nothing is read before it is asked for; vmlinux's, which never change, are kept once read.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "types/type_file.h"

namespace ht::agent {

class KernelTypes {
 public:
  explicit KernelTypes(std::string directory = "/sys/kernel/btf") : directory_(std::move(directory)) {}

  // The loaded modules that have types, by name, each with a number that is another one when it is loaded anew.
  std::map<std::string, uint64_t> modules() const;
  Result<std::shared_ptr<const types::TypeFile>> vmlinux();
  // Those of a module only: their ids begin where vmlinux's end.
  Result<std::shared_ptr<const types::TypeFile>> module(const std::string& name);
  // Frees what can be read again.
  void forget();

 private:
  const std::string directory_;
  std::mutex mutex_;
  std::shared_ptr<const types::TypeFile> vmlinux_;
};

// The kernel's own handle of a module's types: what programs that attach to its functions are loaded with.
Result<UniqueFd> open_module_types(const std::string& name);

}  // namespace ht::agent
