// What a program looks for in a kernel's types, by name.
#pragma once

#include <compare>
#include <string>

#include "types/type_file.h"

namespace ht::types {

struct TypeName {
  std::string module;         // empty: the first that has it, vmlinux first
  Kind kind = Kind::kStruct;  // kEnum also stands for kEnum64, kVoid for an enumerator
  std::string name;
  auto operator<=>(const TypeName&) const = default;
};

}  // namespace ht::types
