// The types of the modules that are loaded: /sys/kernel/btf, read each time, as modules come and go.
#pragma once

#include <string>
#include <vector>

#include "agent/agent.h"

namespace ht::agent {

// `directory` holds a file of split BTF for each module and vmlinux's. A module that goes while it is read is not
// there.
Result<std::vector<ModuleTypes>> find_modules(const std::string& directory, const std::vector<types::TypeName>& names);

Result<Bytes> read_module_types(const std::string& directory, const std::string& module);

}  // namespace ht::agent
