// Which names a module's types define: a walk over the records of a split BTF file alone, without its kernel's types
// having been read. For the guest, which is asked for names so that it need not send every module's types.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "types/type_name.h"

namespace ht::types {

// A file's strings, where they begin counting for split files over it. Nothing if it is no BTF file.
std::optional<std::string_view> btf_strings(ByteView blob);

// For each name, its module aside, whether this file itself defines it; forward declarations are no definitions. A file
// that ends in the middle of a record has what comes before. `kernel_strings`: of the vmlinux file that it is split
// from.
std::vector<bool> defines(ByteView blob, std::string_view kernel_strings, const std::vector<TypeName>& names);

}  // namespace ht::types
