// Who judges a case. Each judge is told a case and says in words what is wrong, or nothing.
#pragma once

#include <span>
#include <string>

#include "case_file.h"

namespace ht::dif::cases {

struct Judge {
  std::string_view name;
  std::string (*judge)(const Case& c);
};
// All of them. A compiler for DIF becomes a further row.
std::span<const Judge> judges();

}  // namespace ht::dif::cases
