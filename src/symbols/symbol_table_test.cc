#include "symbols/symbol_table.h"

#include <gtest/gtest.h>

namespace ht::symbols {
namespace {

TEST(SymbolTable, FindsWhatCovers) {
  SymbolTable table;
  table.add(0x100, 0x10, "a");
  table.add(0x200, 0, "b");
  table.add(0x300, 0, "c");
  table.sort();
  EXPECT_EQ(table.find(0xff), nullptr);
  EXPECT_EQ(table.find(0x100)->name, "a");
  EXPECT_EQ(table.find(0x10f)->name, "a");
  EXPECT_EQ(table.find(0x110), nullptr) << "beyond its size";
  EXPECT_EQ(table.find(0x2ff)->name, "b") << "of unknown size: up to the next";
  EXPECT_EQ(table.find(0x300)->name, "c");
  EXPECT_EQ(table.find(0x301), nullptr) << "nobody knows how far the last one goes";
}

TEST(SymbolTable, KeepsTheNameThatReadsBest) {
  SymbolTable table;
  for (const char* name : {"__write", "_write", "writev", "write"}) table.add(0x100, 0x10, name);
  table.sort();
  EXPECT_EQ(table.find(0x104)->name, "write");
}

}  // namespace
}  // namespace ht::symbols
