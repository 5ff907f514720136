// The symbols of an ELF file, at the addresses that the file gives them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "symbols/symbol_table.h"

struct Elf;
struct Elf_Scn;

namespace ht::symbols {

class ObjectSymbols {
 public:
  // Of a file that cannot be read there are none. Not of a device, nor of anything that could keep us waiting.
  explicit ObjectSymbols(const std::string& path);

  // What is at that offset in the file; `address` becomes that of the same place in the file's own terms. Null if no
  // symbol covers it.
  const SymbolTable::Entry* find(uint64_t offset, uint64_t* address) const;

 private:
  // A loaded segment: where in the file, where in memory.
  struct Segment {
    uint64_t offset = 0, size = 0, address = 0;
  };
  void read(Elf* elf, Elf_Scn* section);

  SymbolTable table_;
  std::vector<Segment> segments_;
};

}  // namespace ht::symbols
