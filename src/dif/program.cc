// Look-ups in the program model.
#include "dif/program.h"

namespace ht::dif {

std::string ProbeDesc::text() const {
  if (id != 0 && provider.empty() && module.empty() && function.empty() && name.empty()) {
    return target.empty() ? std::to_string(id) : target + ":" + std::to_string(id);
  }
  const std::string probe = provider + ":" + module + ":" + function + ":" + name;
  return target.empty() ? probe : target + ":" + probe;
}

const VariableDef* Program::variable(Scope scope, uint16_t id) const {
  for (const VariableDef& variable : variables) {
    if (variable.scope == scope && variable.id == id) return &variable;
  }
  return nullptr;
}

const AggregationDef* Program::aggregation(uint32_t id) const {
  for (const AggregationDef& aggregation : aggregations) {
    if (aggregation.id == id) return &aggregation;
  }
  return nullptr;
}

}  // namespace ht::dif
