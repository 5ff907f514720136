// What a kernel's variables are, where BTF says and where it does not (docs/typing.md, "Kernel variables").
#pragma once

#include <string_view>

#include "typing/value.h"

namespace ht::typing {

// The address of `symbol` ("module`name", module may be empty) as a pointer to what is there: by the module's own BTF
// (of vmlinux, if it is empty; most kernels' BTF has per-CPU variables only), else by a table of well-known ones, else
// unsigned long.
Value kernel_symbol(const Lattice& lattice, std::string_view symbol);

}  // namespace ht::typing
