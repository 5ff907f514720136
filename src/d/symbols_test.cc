// The limit on variables; the rest of the symbol table shows in what programs mean.
#include "d/symbols.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace ht::d {
namespace {

TEST(SymbolTable, EachScopeHasItsOwnLimit) {
  TypeTable types(256);
  SymbolTable symbols;
  const char* words[] = {"global", "thread-local", "clause-local"};
  for (dif::Scope scope : {dif::Scope::kGlobal, dif::Scope::kThread, dif::Scope::kLocal}) {
    Variable variable;
    variable.scope = scope;
    variable.type = types.int_type();
    for (unsigned id = 0x0500; id <= 0xffff; id++) {
      variable.name = fmt::format("v{}", id);
      auto added = symbols.add_variable(variable);
      ASSERT_TRUE(added.ok()) << added.error().message;
      ASSERT_EQ((*added)->id, id);
    }
    variable.name = "last";
    auto refused = symbols.add_variable(variable);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().tag, "D_ID_OFLOW");
    EXPECT_EQ(refused.error().message, fmt::format("cannot create last: limit on number of {} variables exceeded",
                                                   words[static_cast<size_t>(scope)]));
  }
}

}  // namespace
}  // namespace ht::d
