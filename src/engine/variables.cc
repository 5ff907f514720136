#include "engine/variables.h"

#include <algorithm>

namespace ht::engine {

VariableShape shape_of(const dif::VariableDef& variable, uint32_t strsize) {
  VariableShape shape;
  shape.id = variable.id;
  shape.index = variable.id - dif::kFirstUserVariable;
  shape.scope = variable.scope;
  shape.array = variable.kind == dif::VarKind::kArray;
  const dif::Type& type = variable.type;
  shape.string = type.kind == dif::TypeKind::kString;
  shape.user = (type.flags & dif::Type::kByUserRef) != 0;
  shape.by_ref = shape.string || type.by_ref() || shape.user;
  shape.is_signed = type.is_signed();
  shape.size = shape.string && type.size == 0 ? strsize : type.size;
  return shape;
}

void Globals::grow(const VariableShape& shape) {
  const auto known = std::find_if(shapes_.begin(), shapes_.end(), [&](const VariableShape& one) {
    return one.id == shape.id && one.scope == shape.scope;
  });
  if (!shape.by_ref || shape.size <= known->size) return;
  known->size = shape.size;
  if (shape.array || shape.scope == dif::Scope::kThread) return;
  if (shape.scope == dif::Scope::kLocal) {
    locals_[shape.index].size = shape.size;
    return;
  }
  ByRefCell& cell = *by_ref_[shape.index];
  cell.size = shape.size;
  cell.bytes = std::make_unique<uint8_t[]>(shape.size);
}

Result<void> Globals::define(const dif::Program& program, uint32_t strsize, bool may_grow) {
  std::vector<VariableShape> shapes;
  for (const dif::VariableDef& variable : program.variables) {
    if (variable.id < dif::kFirstUserVariable) return Error("variable " + variable.name + " has an impossible id");
    VariableShape shape = shape_of(variable, strsize);
    if (shape.by_ref && (shape.size == 0 || (!shape.string && shape.size > kMaxByRef))) {
      return Error("variable " + variable.name + ": its type is too large to be stored");
    }
    if (shape.by_ref) largest_ = std::max(largest_, shape.size);
    shapes.push_back(shape);
  }
  if (defined_) {
    if (shapes.size() != shapes_.size()) return Error("the variants of a program differ in their variables");
    for (size_t i = 0; i < shapes.size(); ++i) {
      const VariableShape &now = shapes[i], &before = shapes_[i];
      if (now.id != before.id || now.scope != before.scope || now.array != before.array ||
          now.by_ref != before.by_ref || (now.by_ref && now.size > before.size && !may_grow)) {
        return Error("variable " + program.variables[i].name + ": its type differs between the kernels of the targets");
      }
    }
    for (const VariableShape& shape : shapes) grow(shape);
    return {};
  }
  defined_ = true;
  shapes_ = shapes;
  for (const VariableShape& shape : shapes) {
    if (shape.array || shape.scope == dif::Scope::kThread) continue;
    if (shape.scope == dif::Scope::kLocal) {
      if (locals_.size() <= shape.index) locals_.resize(shape.index + 1);
      locals_[shape.index] = shape;
      continue;
    }
    if (scalars_.size() <= shape.index) {
      scalars_.resize(shape.index + 1);
      by_ref_.resize(shape.index + 1);
    }
    if (!shape.by_ref) {
      scalars_[shape.index] = std::make_unique<ScalarCell>();
      continue;
    }
    auto cell = std::make_unique<ByRefCell>();
    cell->size = shape.size;
    cell->bytes = std::make_unique<uint8_t[]>(shape.size);
    by_ref_[shape.index] = std::move(cell);
  }
  return {};
}

}  // namespace ht::engine
