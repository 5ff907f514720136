// The types that print() shows: gathered while clauses are compiled, they travel with the program.
#pragma once

#include <map>
#include <vector>

#include "base/result.h"
#include "d/type.h"
#include "dif/program.h"

namespace ht::d {

class PrintTypes {
 public:
  // The number of the type in the program's list, from 1; 0 if it leads to more types than a program may have.
  uint32_t add(TypeRef type);
  std::vector<dif::PrintType> take() { return std::move(types_); }

 private:
  uint32_t add(TypeRef type, unsigned depth);

  std::vector<dif::PrintType> types_;
  std::map<TypeRef, uint32_t> numbers_;
};

}  // namespace ht::d
