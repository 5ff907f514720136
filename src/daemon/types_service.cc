#include "daemon/types_service.h"

#include <algorithm>

#include "symbols/kallsyms.h"
#include "types/describe.h"

namespace ht::daemon {

void fill_types_list(const TypeStore& store, const VmRegistry& registry, channel::TypesListReply* reply) {
  for (const TypeStore::Stored& stored : store.list()) {
    const TypesKey& key = stored.key;
    channel::TypesInfo* info = reply->add_types();
    info->set_hash(key.hash);
    info->set_size(stored.bytes);
    info->set_in_memory(stored.in_memory);
    info->set_module(key.is_module() ? key.module : std::string(symbols::kKernelModule));
    info->set_base(key.kernel);
    for (const Vm* vm : registry.vms()) {
      if (!vm->ready() || vm->hello().types_hash() != (key.is_module() ? key.kernel : key.hash)) continue;
      if (key.is_module() && !vm->has_module(key.module, key.hash)) continue;
      info->add_guests(vm->name());
      const auto& kernels = info->kernels();
      if (std::find(kernels.begin(), kernels.end(), vm->hello().kernel()) == kernels.end()) {
        info->add_kernels(vm->hello().kernel());
      }
    }
  }
}

Result<std::string> show_types(TypeStore& store, const std::string& hash, const std::string& name) {
  ASSIGN_OR_RETURN(const TypesKey key, store.complete(hash));
  const auto types = store.find(key);
  if (!types) return Error("the types " + key.hash + " cannot be read any more");
  if (!name.empty()) return types::describe(*types, name);
  if (!key.is_module()) return "hash " + key.hash + "\n" + types::summary(*types);
  const auto kernel = store.find(key.kernel);
  const auto first = static_cast<types::TypeId>(kernel ? kernel->count() : 1);
  return "hash " + key.hash + "\nmodule " + key.module + " of " + key.kernel + "\n" + types::summary(*types, first);
}

}  // namespace ht::daemon
