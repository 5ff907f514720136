// What the verifier's two halves share: code (verify.cc) and the program around it (verify_program.cc).
#pragma once

#include <string>
#include <unordered_map>

#include "dif/verify.h"

namespace ht::dif {

// The program's variables by scope and id: a hostile program must not make every instruction search a long list.
class VariableIndex {
 public:
  explicit VariableIndex(const Program& program) {
    for (const VariableDef& variable : program.variables) index_.emplace(key(variable.scope, variable.id), &variable);
  }
  const VariableDef* find(Scope scope, uint16_t id) const {
    const auto found = index_.find(key(scope, id));
    return found == index_.end() ? nullptr : found->second;
  }

 private:
  static uint32_t key(Scope scope, uint16_t id) { return static_cast<uint32_t>(scope) << 16 | id; }
  std::unordered_map<uint32_t, const VariableDef*> index_;
};

Result<void> verify_code(const Difo& difo, const Program& program, const VariableIndex& variables, Stage stage);

// What kind of value a type is asked for.
enum class TypeUse {
  kResult,    // of a DIFO: may be void
  kVariable,  // or a key: has a size
};

// Empty if the type may be used so, else the diagnostic.
std::string check_type(const Type& type, TypeUse use, Stage stage);

std::string check_print_types(const std::vector<PrintType>& types);
std::string check_symbols(const std::vector<KernelSymbol>& symbols);

}  // namespace ht::dif
