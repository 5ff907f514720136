#include "consumer/symbols.h"

#include <algorithm>
#include <cstring>

#include "consumer/text.h"

namespace ht::consumer {

using dif::ActionKind;

Symbols::Symbols() = default;
Symbols::~Symbols() = default;

std::optional<Symbol> Symbols::find(const AddressOwner& owner, bool kernel, uint64_t address) {
  if (address == 0) return std::nullopt;
  if (owner.target == 0) {
    if (!machine_) return std::nullopt;
    return kernel ? machine_->kernel(address) : machine_->user(owner.pid, address);
  }
  const Asked asked{owner, kernel, address};
  if (!answers_.contains(asked)) ask(owner, kernel, {&address, 1});
  return answers_[asked];
}

void Symbols::ask(const AddressOwner& owner, bool kernel, std::span<const uint64_t> addresses) {
  if (!guests_) return;
  std::vector<std::optional<Symbol>> answers = guests_->resolve(owner, kernel, addresses);
  answers.resize(addresses.size());
  for (size_t i = 0; i < addresses.size(); ++i) answers_[{owner, kernel, addresses[i]}] = std::move(answers[i]);
}

void Symbols::prepare(const Datum& stack) {
  const AddressOwner owner = stack.owner();
  if (owner.target == 0 || (noresolve_ && !stack.is_kernel())) return;
  std::vector<uint64_t> unknown;
  for (size_t i = 0; stack.frame(i) != 0; ++i) {
    if (!answers_.contains({owner, stack.is_kernel(), stack.frame(i)})) unknown.push_back(stack.frame(i));
  }
  if (!unknown.empty()) ask(owner, stack.is_kernel(), unknown);
}

std::optional<std::string> Symbols::user_offset(const AddressOwner& owner, uint64_t address) {
  if (owner.target != 0 || !machine_) return std::nullopt;
  return machine_->user_offset(owner.pid, address);
}

void Symbols::reduce(const dif::Field& field, std::span<uint8_t> keys) {
  if (field.offset > keys.size() || field.size > keys.size() - field.offset) return;
  const Datum datum = Datum::of(field, keys);
  const std::span<uint8_t> bytes = keys.subspan(field.offset, field.size);
  if (!datum.is_stack() && !datum.is_symbol()) return;
  if (datum.owner().target != 0) return merge(datum, bytes);
  if (datum.is_stack() || field.kind == ActionKind::kUaddr) return;
  const AddressOwner owner = datum.owner();
  const std::optional<Symbol> symbol = find(owner, datum.is_kernel(), datum.address());
  if (!symbol) return;
  uint64_t address = datum.address();
  if (field.kind == ActionKind::kMod || field.kind == ActionKind::kUmod) {
    const std::string whose = datum.is_kernel() ? std::string() : std::to_string(owner.pid);
    address = modules_.try_emplace(whose + "`" + symbol->module, address).first->second;
  } else if (!symbol->name.empty()) {
    address = symbol->start;
  }
  std::memcpy(bytes.data() + sizeof(uint64_t), &address, sizeof address);
}

// Guests with one kernel have the same function at different addresses, and one guest after each boot.
void Symbols::merge(const Datum& datum, std::span<uint8_t> bytes) {
  const std::string text = datum.is_stack() ? stack_text(datum, 0, 0, this) : symbol_text(datum, this);
  std::string key = std::to_string(static_cast<unsigned>(datum.kind())) + text;
  const auto known = same_text_.try_emplace(std::move(key), bytes.begin(), bytes.end()).first;
  if (known->second.size() == bytes.size()) std::copy(known->second.begin(), known->second.end(), bytes.begin());
}

}  // namespace ht::consumer
