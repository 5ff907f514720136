// print() of what only a kernel knows: the shape of the type, and for a pointer also what is there (reference, sections
// 5.5 and 7.8), as the compiler does it for types of its own.
#pragma once

#include <map>

#include "dif/program.h"
#include "types/type_file.h"
#include "typing/infer.h"

namespace ht::link {

class PrintTypes {
 public:
  PrintTypes(dif::Program& program, const types::TypeFile& types)
      : program_(program), types_(types), arguments_(types) {}

  // Before linking, `source` being the program as it was compiled: print() of a pointer gets its second argument, the
  // object.
  void add_objects(const dif::Program& source, const typing::VariableTypes& variables);
  // After it: the types' numbers, and no more bytes than printsize.
  void finish();

 private:
  struct Printed {
    types::TypeId type = 0;
    unsigned pointers = 0;
  };
  uint32_t add(types::TypeId type, unsigned pointers, unsigned depth);
  uint32_t append(dif::PrintType entry);

  dif::Program& program_;
  const types::TypeFile& types_;
  typing::ProbeArguments arguments_;
  std::map<std::pair<size_t, size_t>, Printed> printed_;  // by clause and action
  std::map<std::pair<types::TypeId, unsigned>, uint32_t> numbers_;
};

}  // namespace ht::link
