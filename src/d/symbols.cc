// The symbol table.
#include "d/symbols.h"

#include <fmt/format.h>

namespace ht::d {

const dif::VariableInfo* find_builtin(std::string_view name) {
  const dif::VariableInfo* found = dif::find_variable(name);
  bool elsewhere = found != nullptr && (found->id == dif::kVarZonename || found->id == dif::kVarExecargs);
  return elsewhere ? nullptr : found;
}

std::string_view scope_prefix(dif::Scope scope) {
  switch (scope) {
    case dif::Scope::kThread:
      return "self->";
    case dif::Scope::kLocal:
      return "this->";
    case dif::Scope::kGlobal:
      break;
  }
  return "";
}

const Variable* SymbolTable::variable(dif::Scope scope, std::string_view name) const {
  auto found = by_name_.find({scope, std::string(name)});
  return found != by_name_.end() ? &variables_[found->second] : nullptr;
}

Result<const Variable*> SymbolTable::add_variable(Variable variable) {
  uint32_t& next = next_id_[static_cast<size_t>(variable.scope)];
  if (next > 0xffff) {
    static constexpr std::string_view kWords[] = {"global", "thread-local", "clause-local"};
    return fail(Tag::D_ID_OFLOW, variable.pos,
                fmt::format("cannot create {}: limit on number of {} variables exceeded", variable.name,
                            kWords[static_cast<size_t>(variable.scope)]));
  }
  variable.id = static_cast<uint16_t>(next++);
  by_name_[{variable.scope, variable.name}] = variables_.size();
  variables_.push_back(std::move(variable));
  on_take_back([this] {
    const Variable& last = variables_.back();
    next_id_[static_cast<size_t>(last.scope)]--;
    by_name_.erase({last.scope, last.name});
    variables_.pop_back();
  });
  return &variables_.back();
}

void SymbolTable::set_origin(dif::Scope scope, std::string_view name, Origin origin) {
  auto found = by_name_.find({scope, std::string(name)});
  if (found == by_name_.end()) return;
  Variable& variable = variables_[found->second];
  if (variable.origin == origin) return;
  on_take_back([this, index = found->second, before = variable.origin] { variables_[index].origin = before; });
  variable.origin = origin;
}

void SymbolTable::take_back(size_t size) {
  for (; undo_.size() > size; undo_.pop_back()) undo_.back()();
}

const Aggregation* SymbolTable::aggregation(std::string_view name) const {
  auto found = aggregations_by_name_.find(name);
  return found != aggregations_by_name_.end() ? &aggregations_[found->second] : nullptr;
}

Aggregation& SymbolTable::add_aggregation(std::string_view name) {
  auto [entry, created] = aggregations_by_name_.emplace(name, aggregations_.size());
  if (created) {
    Aggregation& added = aggregations_.emplace_back();
    added.name = name;
    added.id = static_cast<uint32_t>(aggregations_.size());
    on_take_back([this] {
      aggregations_by_name_.erase(aggregations_.back().name);
      aggregations_.pop_back();
    });
  } else {
    on_take_back(
        [this, index = entry->second, before = aggregations_[entry->second]] { aggregations_[index] = before; });
  }
  return aggregations_[entry->second];
}

std::shared_ptr<const Inline> SymbolTable::find_inline(std::string_view name) const {
  auto found = inlines_.find(name);
  return found != inlines_.end() ? found->second : nullptr;
}

void SymbolTable::add_inline(Inline definition) {
  std::string name = definition.name;
  on_take_back([this, name, before = find_inline(name)] {
    if (before == nullptr) {
      inlines_.erase(name);
    } else {
      inlines_[name] = before;
    }
  });
  inlines_[name] = std::make_shared<const Inline>(std::move(definition));
}

void SymbolTable::add_enumerator(std::string_view name, int64_t value) {
  auto [entry, created] = enumerators_.emplace(name, value);
  if (created) on_take_back([this, key = entry->first] { enumerators_.erase(key); });
  entry->second = value;
}

const int64_t* SymbolTable::enumerator(std::string_view name) const {
  auto found = enumerators_.find(name);
  return found != enumerators_.end() ? &found->second : nullptr;
}

const ExternSymbol* SymbolTable::extern_symbol(std::string_view name) const {
  auto found = externs_.find(name);
  return found != externs_.end() ? &found->second : nullptr;
}

void SymbolTable::add_extern(ExternSymbol symbol) {
  std::string name = symbol.name;
  externs_[std::move(name)] = std::move(symbol);
}

std::string_view SymbolTable::kind_of(std::string_view name) const {
  if (const Variable* found = variable(dif::Scope::kGlobal, name))
    return found->is_array ? "associative array" : "scalar";
  if (find_inline(name) != nullptr || name == "NULL") return "inline";
  if (enumerator(name) != nullptr) return "enumerator";
  if (find_builtin(name) != nullptr) return "built-in";
  return {};
}

std::vector<std::string_view> SymbolTable::identifiers(dif::Scope scope) const {
  std::vector<std::string_view> result;
  for (const Variable& v : variables_) {
    if (v.scope == scope) result.push_back(v.name);
  }
  if (scope != dif::Scope::kGlobal) return result;
  for (const dif::VariableInfo& info : dif::kVariables) {
    if (find_builtin(info.name) != nullptr) result.push_back(info.name);
  }
  for (const auto& entry : inlines_) result.push_back(entry.first);
  for (const auto& entry : enumerators_) result.push_back(entry.first);
  for (const auto& entry : externs_) result.push_back(entry.first);
  return result;
}

}  // namespace ht::d
