#include "daemon/types_service.h"

#include <algorithm>

#include "types/describe.h"

namespace ht::daemon {

void fill_types_list(const TypeStore& store, const VmRegistry& registry, channel::TypesListReply* reply) {
  for (const TypeStore::Stored& stored : store.list()) {
    channel::TypesInfo* info = reply->add_types();
    info->set_hash(stored.hash);
    info->set_size(stored.bytes);
    info->set_in_memory(stored.in_memory);
    for (const Vm* vm : registry.vms()) {
      if (!vm->ready() || vm->hello().types_hash() != stored.hash) continue;
      info->add_guests(vm->name());
      const auto& kernels = info->kernels();
      if (std::find(kernels.begin(), kernels.end(), vm->hello().kernel()) == kernels.end()) {
        info->add_kernels(vm->hello().kernel());
      }
    }
  }
}

Result<std::string> show_types(TypeStore& store, const std::string& hash, const std::string& name) {
  ASSIGN_OR_RETURN(const std::string whole, store.complete(hash));
  const auto types = store.find(whole);
  if (!types) return Error("the types " + whole + " cannot be read any more");
  if (name.empty()) return "hash " + whole + "\n" + types::summary(*types);
  return types::describe(*types, name);
}

}  // namespace ht::daemon
