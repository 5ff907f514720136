// What dtracedctl types asks for: the stored types and who uses them.
#pragma once

#include "channel/client.pb.h"
#include "daemon/type_store.h"
#include "daemon/vm_registry.h"

namespace ht::daemon {

void fill_types_list(const TypeStore& store, const VmRegistry& registry, channel::TypesListReply* reply);

// One definition, or with an empty name what the file holds.
Result<std::string> show_types(TypeStore& store, const std::string& hash, const std::string& name);

}  // namespace ht::daemon
