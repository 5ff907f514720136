// Macro variables and arguments: $pid, $target, $1, $$1 (reference, section 1.11).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "d/compile.h"
#include "d/token.h"

namespace ht::d {

class MacroTable {
 public:
  explicit MacroTable(const CompileOptions& options)
      : options_(options), referenced_(options.macro_arguments.size(), false) {}

  // The token that `name` (without any $) stands for; `quoted` for the form $$name.
  Result<Token> expand(std::string_view name, bool quoted, const Pos& pos, bool default_arguments);
  // The same as text, inside a probe description; nothing if there is no such macro.
  std::optional<std::string> expand_text(std::string_view name);

  // Fails for the first argument ($1 and up) that no program has referred to.
  Result<void> check_all_referenced(const Pos& pos) const;

 private:
  Result<Token> expand_argument(size_t index, std::string_view name, bool quoted, const Pos& pos, bool defaults);

  const CompileOptions& options_;
  std::vector<bool> referenced_;
};

}  // namespace ht::d
